"""Rows out of DataFrames, lists and Parquet, JSONL and CSV files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from mixpeek_lab.assets import AssetError, AssetLimits, fetch, redacted, scheme_of
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.missing import expanded, no_path

if TYPE_CHECKING:
    import pandas as pd

Source: TypeAlias = (
    "pd.DataFrame | str | Path | Iterable[str] | Iterable[Path] | Iterable[Mapping[str, Any]]"
)

TABLE_SUFFIXES = (".parquet", ".jsonl", ".csv")


@dataclass(frozen=True, slots=True)
class Rows:
    """A table as records, with its columns in order."""

    columns: Sequence[str]
    records: Sequence[Mapping[str, Any]]
    """Column → value; a column may be missing from a record."""
    index: Sequence[str] | None = None
    """What a DataFrame's own index calls its rows; None where it just counts them."""
    file: str = ""
    lines: Sequence[int] | None = None
    """The line of `file` that each record stands in, from 1; None where lines are no records."""
    folder: str = ""
    """Where `file` lies, as a path or URL: its rows name files relative to it."""
    items: Sequence[str | Path] | None = None
    """The list itself, where it is one of strings or paths."""

    def place(self, number: int) -> str:
        """Where record `number` (from 0) stands, in words: `films.jsonl:3`, `row 3`."""
        if self.lines is not None:
            return f"{self.file}:{self.lines[number]}"
        return f"{self.file}, row {number + 1:,}" if self.file else f"row {number + 1:,}"


def is_table(source: object) -> bool:
    """Whether a path names a file of rows, and not text itself."""
    text = str(source)
    if scheme_of(text) in ("http", "https"):
        text = re.split(r"[?#]", text, maxsplit=1)[0]
    return Path(text).suffix.lower() in TABLE_SUFFIXES and "*" not in text


def read_rows(source: Source) -> Rows:
    """The rows of a DataFrame, of a list of strings or dicts, or of a file.

    InvalidInputError says what does not fit, with file and line where there is one.
    """
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        return _from_frame(cast("pd.DataFrame", source))
    if isinstance(source, str | Path):
        if scheme_of(str(source)):
            return _from_url(str(source))
        path = expanded(source)
        if not path.is_file():
            raise InvalidInputError(no_path(source, "file"))
        return replace(_from_file(path), folder=str(path.parent))
    if isinstance(source, Mapping):
        raise InvalidInputError(
            "A bucket is not made of one dict. Give a list of dicts, one a row, or a DataFrame."
        )
    if not isinstance(source, Iterable):
        raise InvalidInputError(
            f"A bucket is not made of {type(source).__name__}. Give a DataFrame, a list of texts, "
            "dicts, paths or URLs, a folder, a glob, an s3:// prefix or a file."
        )
    return _from_items(list(source))


def _from_frame(frame: pd.DataFrame) -> Rows:
    import pandas as pd

    columns = _distinct([str(name) for name in frame.columns])
    records = cast("list[dict[str, Any]]", frame.set_axis(columns, axis=1).to_dict("records"))
    index = frame.index
    is_name = not isinstance(index, pd.RangeIndex) and index.is_unique and not index.hasnans
    return Rows(columns, records, [str(label) for label in index] if is_name else None)


def _from_items(items: list[Any]) -> Rows:
    if not items:
        raise InvalidInputError("There is nothing to put into the bucket: the list is empty.")
    if all(isinstance(item, str) for item in items):
        return Rows(["text"], [{"text": item} for item in items], items=items)
    if all(isinstance(item, str | Path) for item in items):
        return Rows(["file"], [{"file": item} for item in items], items=items)
    if all(isinstance(item, Mapping) for item in items):
        columns = dict.fromkeys(name for item in items for name in item)
        named = _distinct([str(name) for name in columns])
        return Rows(named, [{str(k): v for k, v in item.items()} for item in items])
    kinds = ", ".join(sorted({type(item).__name__ for item in items}))
    raise InvalidInputError(
        "A bucket is made of a DataFrame, strings, dicts, paths, URLs, a folder or a file; "
        f"this list holds {kinds}."
    )


def _from_url(url: str) -> Rows:
    """The rows of a file at a URL. Its own files are named relative to that URL."""
    try:
        path, is_temp = fetch(url, None, AssetLimits())
    except AssetError as error:
        raise InvalidInputError(str(error)) from error
    try:
        return replace(_from_file(path), file=redacted(url), folder=url.rpartition("/")[0])
    finally:
        if is_temp:
            path.unlink(missing_ok=True)


def _from_file(path: Path) -> Rows:
    import pyarrow as pa

    if not path.is_file():
        raise InvalidInputError(f"There is no file {path} (looked in {Path.cwd()}).")
    read = {".parquet": _from_parquet, ".csv": _from_csv}.get(path.suffix.lower(), _from_jsonl)
    try:
        return replace(read(path), file=str(path))
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is not UTF-8 text: {error}.") from error
    except (pa.ArrowInvalid, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise InvalidInputError(f"{path} cannot be read: {error}") from error


def _from_parquet(path: Path) -> Rows:
    import pyarrow.parquet as pq

    table = pq.read_table(path, partitioning=None)
    names = [n for n in table.column_names if not re.fullmatch(r"__index_level_\d+__", n)]
    columns = _distinct(names)
    return Rows(columns, table.select(columns).to_pylist())


def _from_csv(path: Path) -> Rows:
    import pandas as pd

    # Nullable types: whole numbers stay whole where some are missing. A column's type is that of
    # all its rows together, not of the chunk that pandas happens to read.
    return _from_frame(pd.read_csv(path, dtype_backend="numpy_nullable", low_memory=False))


def _from_jsonl(path: Path) -> Rows:
    found = dict(_iter_jsonl(path))
    if not found:
        raise InvalidInputError(f"{path} holds no rows.")
    return replace(_from_items(list(found.values())), lines=list(found))


def _iter_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The line of each record, and the record."""
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise InvalidInputError(f"{path}:{number} is not JSON: {error}.") from error
            if not isinstance(record, dict):
                raise InvalidInputError(f"{path}:{number} is not a JSON object.")
            yield number, record


def _distinct(columns: list[str]) -> list[str]:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InvalidInputError(
            f"There are two columns called {twice[0]!r}. Rename one of them first."
        )
    return columns
