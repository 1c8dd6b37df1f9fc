"""Which columns of a table are texts, which name files, and which one identifies its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mixpeek_lab.assets import scheme_of
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.media import promised_kind
from mixpeek_lab.missing import expanded
from mixpeek_lab.models import BLOB_TYPES, JSON
from mixpeek_lab.workbench.tables import Rows

KEYS = ("_id", "id", "object_id", "key")
TEXTS = ("text", "content", "body", "data")

BlobColumns: TypeAlias = str | Sequence[str] | Mapping[str, str]
"""A column that names files, several, or property → column."""

_MEDIA = re.compile(rf"({'|'.join(BLOB_TYPES[1:])})(?:_(?:url|uri|path|file))?", re.IGNORECASE)
_SCHEMES = ("http", "https", "s3", "gs", "file")
_WHICH = (
    "Say text=… (in the magic: --text), or blobs=… for a column that holds paths or URLs of "
    "images, audio, video or PDF (--blob)."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns that become blobs."""

    texts: Sequence[str]
    files: Mapping[str, str]
    """Property → column of paths and URLs."""
    is_named: bool
    """Whether the user named the columns of `files`, or only their names did."""

    @property
    def columns(self) -> set[str]:
        """All of them: what is no metadata."""
        return {*self.texts, *self.files.values()}


def choose(rows: Rows, text: str | Sequence[str] | None, blobs: BlobColumns | None) -> Choice:
    """The columns asked for, else those that are called like what they hold.

    `image`, `image_url`, `video_path` and the like are taken for files where neither `text` nor
    `blobs` is given and their first value is a path or URL. InvalidInputError names the columns.
    """
    files = _asked_files(rows, blobs)
    if blobs is None and text is None:
        files = _named_files(rows)
    taken = set(files.values())
    texts = _text_columns([name for name in rows.columns if name not in taken], text, files)
    if text is not None and (both := taken.intersection(texts)):
        raise InvalidInputError(f"Column {min(both)!r} cannot be both text and a blob.")
    _check_properties(rows, texts, files)
    return Choice(texts, files, is_named=blobs is not None)


def kind_named(prop: str) -> str | None:
    """The kind that a property is called after: image for `image` and `image_url`; else None."""
    match = _MEDIA.fullmatch(prop)
    return match[1].lower() if match else "text" if prop == "text" else None


def looks_like_file(value: object) -> bool:
    """Whether a cell is a path or a URL of a file, and no text."""
    if isinstance(value, Path):
        return True
    if not isinstance(value, str) or "\n" in value:
        return False
    scheme = scheme_of(value)
    if scheme:
        return scheme in _SCHEMES and not (scheme.startswith("http") and re.search(r"\s", value))
    if promised_kind(value) is None:
        return False
    return not re.search(r"\s", value) or expanded(value).is_file()


def _asked_files(rows: Rows, blobs: BlobColumns | None) -> dict[str, str]:
    if blobs is None:
        return {}
    listed: Any = [blobs] if isinstance(blobs, str) else blobs
    if not isinstance(listed, Iterable):
        raise InvalidInputError(_hint(blobs))
    named = listed if isinstance(listed, Mapping) else {name: name for name in listed}
    pairs: list[tuple[Any, Any]] = list(named.items())
    found: dict[str, str] = {}
    for prop, column in pairs:
        if not all(isinstance(name, str) and name for name in (prop, column)):
            raise InvalidInputError(_hint(blobs))
        _demand(rows, column)
        found[prop] = column
    return found


def _hint(blobs: object) -> str:
    return f'blobs={blobs!r}: give column names, or {{"image": "image_url"}}.'


def _named_files(rows: Rows) -> dict[str, str]:
    """Columns called like media that hold paths or URLs, by what they are to be called."""
    found: dict[str, str] = {}
    for column in rows.columns:
        match = _MEDIA.fullmatch(column)
        if match and looks_like_file(_first_value(rows, column)):
            kind = match[1].lower()
            is_free = kind not in found and (column == kind or kind not in rows.columns)
            found[kind if is_free else column] = column
    return found


def _first_value(rows: Rows, column: str) -> Any:
    values = (record.get(column) for record in rows.records)
    return next((value for value in values if isinstance(value, bytes) or _is_there(value)), None)


def _is_there(value: Any) -> bool:
    return isinstance(value, str | Path) and bool(str(value).strip())


def _text_columns(
    columns: Sequence[str], text: str | Sequence[str] | None, files: Mapping[str, str]
) -> list[str]:
    if text is None:
        found = [name for name in TEXTS if name in columns]
        if not found and not files:
            raise InvalidInputError(
                f"Which column holds the text? Columns: {', '.join(columns)}. {_WHICH}"
            )
        return found[:1]
    wanted = [text] if isinstance(text, str) else list(text)
    known = {*columns, *files.values()}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise InvalidInputError(
            f"There is no column {missing[0]!r}. Columns: {', '.join(columns)}."
        )
    return wanted


def _check_properties(rows: Rows, texts: Sequence[str], files: Mapping[str, str]) -> None:
    """InvalidInputError where a property has the name of another column that stays."""
    for prop, column in files.items():
        others = {*rows.columns, *texts} - {column, *files.values()}
        if prop in others or (prop in files.values() and column != prop):
            raise InvalidInputError(
                f"blobs: column {column!r} cannot be called {prop!r}, there is a column of that "
                f"name. Give it another: blobs={{{prop + '_file'!r}: {column!r}}}."
            )


def key_column(rows: Rows, records: Sequence[Mapping[str, JSON]], key: str | None) -> str | None:
    """The column that identifies rows: the one asked for, or the first usual one that does."""
    if key is not None:
        _demand(rows, key)
    for name in [key] if key else [n for n in KEYS if n in rows.columns]:
        counts = Counter(None if r[name] is None else str(r[name]) for r in records)
        repeated = next((value for value, n in counts.items() if n > 1 or value is None), "")
        if None not in counts and len(counts) == len(records):
            return name
        if key:
            what = "a value is missing" if None in counts else f"{repeated!r} repeats"
            raise InvalidInputError(f"Key column {key!r} does not identify rows: {what}.")
    return None


def _demand(rows: Rows, column: str) -> None:
    if column not in rows.columns:
        raise InvalidInputError(
            f"There is no column {column!r}. Columns: {', '.join(rows.columns)}."
        )
