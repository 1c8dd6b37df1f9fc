"""What people have (DataFrames, lists, folders, files) as bucket objects."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mixpeek_lab.documents import check_metadata_names
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON, Blob, BucketObject

if TYPE_CHECKING:
    import pandas as pd

Source: TypeAlias = "pd.DataFrame | str | Path | Iterable[str] | Iterable[Mapping[str, Any]]"

KEYS = ("_id", "id", "object_id", "key")
TEXTS = ("text", "content", "body", "data")
TEXT_SUFFIXES = frozenset(
    ".txt .md .markdown .rst .html .htm .xml .json .yaml .yml .toml .csv .tsv .tex .log "
    ".py .ipynb .js .ts .css .java .c .h .cpp .hpp .go .rs .rb .sh .sql .r .jl".split()
)
MIME_TYPES = {".html": "text/html", ".htm": "text/html", ".md": "text/markdown", ".csv": "text/csv"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """Objects ready for a bucket, and the schema they follow."""

    objects: list[BucketObject]
    metadata_hashes: list[str]
    schema: dict[str, str]


def load_objects(
    source: Source, *, text: str | Sequence[str] | None = None, key: str | None = None
) -> Loaded:
    """Read `source` into objects.

    `source` is a DataFrame, a list of strings or of dicts, a folder or glob of text files (one
    object a file), or a Parquet, JSONL or CSV file. `text` names the column or columns that
    become text blobs (found by itself where one is called text, content, body or data); `key` the
    one that identifies a row across uploads (`_id` or `id` where there is one, else the position).
    All other columns become metadata. InvalidInputError says what is missing.
    """
    if isinstance(source, str | Path) and not _table_path(source):
        return _from_files(_find_files(str(source)))
    return _from_frame(_as_frame(source), text, key)


def _table_path(source: str | Path) -> bool:
    return Path(source).suffix.lower() in (".parquet", ".jsonl", ".csv") and "*" not in str(source)


def _as_frame(source: Source) -> pd.DataFrame:
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return source
    if isinstance(source, str | Path):
        return _read_table(Path(source))
    items = list(source)
    if not items:
        raise InvalidInputError("There is nothing to put into the bucket: the list is empty.")
    if all(isinstance(item, str) for item in items):
        return pd.DataFrame({"text": items})
    if all(isinstance(item, Mapping) for item in items):
        return pd.DataFrame(items)
    kinds = ", ".join(sorted({type(item).__name__ for item in items}))
    raise InvalidInputError(
        f"A bucket is made of a DataFrame, strings, dicts, a folder or a file; this list holds {kinds}."
    )


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.")
    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path)
    if path.suffix.lower() == ".csv":
        return pd.read_csv(path)
    return pd.DataFrame(list(_read_jsonl(path)))


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise InvalidInputError(f"{path}:{number} is not JSON: {error}.") from error
            if not isinstance(record, dict):
                raise InvalidInputError(f"{path}:{number} is not a JSON object.")
            yield record


def _from_frame(
    frame: pd.DataFrame, text: str | Sequence[str] | None, key: str | None
) -> Loaded:
    columns = [str(name) for name in frame.columns]
    texts = _text_columns(columns, text)
    key_column = _key_column(frame, columns, key)
    # The key stays visible as metadata: it is how users know their documents.
    metadata = [n for n in columns if n not in texts and not (n == key_column == "object_id")]
    check_metadata_names(metadata)
    records = frame.set_axis(columns, axis=1).to_dict("records")
    keys = [str(r[key_column]) for r in records] if key_column else list(map(str, frame.index))
    objects, hashes, empty = [], [], 0
    for name, record in zip(keys, records, strict=True):
        blobs = tuple(
            text_blob(column, value, name)
            for column in texts
            if isinstance(value := _plain(record[column]), str)
        )
        empty += not blobs
        fields = {column: _plain(record[column]) for column in metadata}
        objects.append(BucketObject(object_id(name), "", blobs, fields))
        hashes.append(_hash(json.dumps(fields, sort_keys=True, default=str)))
    if empty:
        warnings.warn(
            f"{empty} of {len(records)} rows have no text in {', '.join(texts)}: "
            "they are in the bucket but give no documents.",
            stacklevel=4,
        )
    schema = {**dict.fromkeys(texts, "text"), **_field_types(objects, metadata)}
    return Loaded(objects, hashes, schema)


def _text_columns(columns: list[str], text: str | Sequence[str] | None) -> list[str]:
    shown = ", ".join(columns)
    if text is None:
        found = [name for name in TEXTS if name in columns]
        if not found:
            raise InvalidInputError(
                f"Which column holds the text? Columns: {shown}. Say text=… (in the magic: --text)."
            )
        return found[:1]
    wanted = [text] if isinstance(text, str) else list(text)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InvalidInputError(f"There is no column {missing[0]!r}. Columns: {shown}.")
    return wanted


def _key_column(frame: pd.DataFrame, columns: list[str], key: str | None) -> str | None:
    candidates = [key] if key else [name for name in KEYS if name in columns]
    for name in candidates:
        if name not in columns:
            raise InvalidInputError(f"There is no column {name!r}. Columns: {', '.join(columns)}.")
        values = frame.iloc[:, columns.index(name)]
        if not values.hasnans and values.is_unique:
            return name
        if key:
            twice = values[values.duplicated()].iloc[0] if not values.is_unique else "a missing value"
            raise InvalidInputError(f"Key column {name!r} does not identify rows: {twice!r} repeats.")
    return None


def _find_files(pattern: str) -> tuple[Path, list[Path]]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        root, found = path, path.rglob("*")
    elif "*" in pattern or "?" in pattern:
        root = Path(*path.parts[: next(i for i, p in enumerate(path.parts) if "*" in p or "?" in p)])
        found = root.glob(str(path.relative_to(root)))
    elif path.is_file():
        root, found = path.parent, iter([path])
    else:
        raise InvalidInputError(
            f"There is no file or folder {pattern!r} (looked in {Path.cwd()})."
        )
    files = sorted(f for f in found if f.is_file() and not f.name.startswith("."))
    if not files:
        raise InvalidInputError(f"{pattern!r} holds no files.")
    return root, files


def _from_files(found: tuple[Path, list[Path]]) -> Loaded:
    root, files = found
    objects, hashes, skipped = [], [], []
    for path in files:
        content = _read_text(path)
        if content is None:
            skipped.append(path.name)
            continue
        name = path.relative_to(root).as_posix()
        blob = text_blob("text", content, name, MIME_TYPES.get(path.suffix.lower(), "text/plain"))
        fields = {"path": name, "folder": path.relative_to(root).parent.as_posix(), "suffix": path.suffix}
        objects.append(BucketObject(object_id(name), "", (blob,), fields))
        hashes.append(_hash(json.dumps(fields, sort_keys=True)))
    if not objects:
        raise InvalidInputError(
            f"{root} holds {len(files)} files, none of them text. "
            "This version reads text files; images, audio and video come with a later one."
        )
    if skipped:
        warnings.warn(
            f"{len(skipped)} files are not text and were left out: {', '.join(skipped[:5])}"
            f"{', …' if len(skipped) > 5 else ''}.",
            stacklevel=4,
        )
    return Loaded(objects, hashes, {"text": "text", **_field_types(objects, list(objects[0].metadata))})


def _read_text(path: Path) -> str | None:
    """The file's text; None where it is not text."""
    if path.suffix.lower() not in TEXT_SUFFIXES and path.suffix:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def text_blob(prop: str, value: str, key: str, mime_type: str = "text/plain") -> Blob:
    """A text blob of the object `key`."""
    return Blob(
        f"blob_{_hash(f'{key}{chr(0)}{prop}')[:20]}",
        prop,
        "text",
        value,
        mime_type,
        _hash(value),
        len(value.encode("utf-8", "surrogatepass")),
    )


def object_id(key: str) -> str:
    """The id of the object that users know as `key`."""
    return f"obj_{_hash(key)[:20]}"


def _plain(value: Any) -> JSON:
    """A cell's value as JSON: missing values None, NumPy scalars and dates as plain values."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime | date):
        return None if value != value else value.isoformat()
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    return None if value != value else str(value)


def _field_types(objects: list[BucketObject], names: list[str]) -> dict[str, str]:
    kinds = {bool: "boolean", int: "integer", float: "float", str: "string", dict: "object", list: "array"}
    found = {}
    for name in names:
        first = next((o.metadata[name] for o in objects if o.metadata.get(name) is not None), "")
        found[name] = kinds.get(type(first), "string")
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
