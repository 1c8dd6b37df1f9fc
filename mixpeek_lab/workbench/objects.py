"""What people have (DataFrames, lists, folders, files) as bucket objects."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixpeek_lab.documents import check_metadata_names
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON, Blob, BucketObject
from mixpeek_lab.workbench.folders import read_text_files
from mixpeek_lab.workbench.tables import Rows, Source, is_table, read_rows
from mixpeek_lab.workbench.values import plain

__all__ = ["Loaded", "Source", "load_objects", "object_id", "text_blob"]

KEYS = ("_id", "id", "object_id", "key")
TEXTS = ("text", "content", "body", "data")
KINDS: dict[type[Any], str] = {
    bool: "boolean", int: "integer", float: "float", dict: "object", list: "array",
}  # fmt: skip
"""Python's types → field types; all others are strings."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Objects ready for a bucket, and the schema they follow."""

    objects: list[BucketObject]
    metadata_hashes: list[str]
    schema: dict[str, str]
    notes: tuple[str, ...] = ()
    """What of the source could not be used as it was, in sentences."""


def load_objects(
    source: Source, *, text: str | Sequence[str] | None = None, key: str | None = None
) -> Loaded:
    """Read `source` into objects.

    `source` is a DataFrame, a list of strings or of dicts, a folder or glob of text files (one
    object a file), or a Parquet, JSONL or CSV file. `text` names the column or columns that
    become text blobs (found by itself where one is called text, content, body or data).

    `key` names the column that identifies a row across uploads. Without it that is `_id`, `id`,
    `object_id` or `key` where they are unique, else a DataFrame's own index where it has names,
    else the text itself. All other columns become metadata; one whose values are of several types
    becomes text in documents. InvalidInputError says what is missing, and in which row.
    """
    if isinstance(source, str | Path) and not is_table(source):
        return _from_files(str(source))
    return _from_rows(read_rows(source), text, key)


def text_blob(prop: str, value: str, key: str, mime_type: str = "text/plain") -> Blob:
    """A text blob of the object `key`."""
    blob_id = f"blob_{_hash(f'{key}{chr(0)}{prop}')[:20]}"
    size = len(value.encode())
    return Blob(blob_id, prop, "text", value, mime_type, _hash(value), size)


def object_id(key: str) -> str:
    """The id of the object that users know as `key`."""
    return f"obj_{_hash(key)[:20]}"


def _from_rows(rows: Rows, text: str | Sequence[str] | None, key: str | None) -> Loaded:
    if not rows.columns:
        raise InvalidInputError(_nothing_in(rows))
    texts = _text_columns(rows.columns, text)
    records = [{name: plain(record.get(name)) for name in rows.columns} for record in rows.records]
    key_column = _key_column(rows, records, key)
    # The key stays visible as metadata: it is how users know their documents.
    fields = [n for n in rows.columns if n not in texts and not (n == key_column == "object_id")]
    binary = _binary(rows, fields)
    fields = [name for name in fields if name not in binary]
    check_metadata_names(fields)
    _check_texts(rows, records, texts)
    objects = [
        _object(name, [(column, record[column]) for column in texts], record, fields)
        for name, record in zip(_keys(rows, records, key_column, texts), records, strict=True)
    ]
    types, mixed = _types(rows, objects, fields)
    notes = [f"Metadata cannot hold bytes: left out {', '.join(binary)}."] if binary else []
    notes += [*_without_text(rows, objects, texts), *mixed]
    return Loaded(objects, _hashes(objects), {**dict.fromkeys(texts, "text"), **types}, (*notes,))


def _object(
    key: str, texts: list[tuple[str, JSON]], record: Mapping[str, JSON], fields: Sequence[str]
) -> BucketObject:
    blobs = tuple(
        text_blob(column, str(value), key)
        for column, value in texts
        if isinstance(value, str | int | float)
    )
    return BucketObject(object_id(key), "", blobs, {name: record[name] for name in fields})


def _from_files(pattern: str) -> Loaded:
    files, notes = read_text_files(pattern)
    fields = ("path", "folder", "suffix")
    objects = [
        BucketObject(
            object_id(file.path),
            "",
            (text_blob("text", file.text, file.path, file.mime_type),),
            {name: getattr(file, name) for name in fields},
        )
        for file in files
    ]
    schema = {"text": "text", **dict.fromkeys(fields, "string")}
    return Loaded(objects, _hashes(objects), schema, notes)


def _hashes(objects: Sequence[BucketObject]) -> list[str]:
    return [_hash(json.dumps(item.metadata, sort_keys=True)) for item in objects]


def _nothing_in(rows: Rows) -> str:
    if not rows.records:
        return "There is nothing to put into the bucket: no rows and no columns."
    others = ", nor has any other row" if len(rows.records) > 1 else ""
    place = rows.place(0) if rows.file else rows.place(0).capitalize()
    return (
        f"{place} has no fields{others}. "
        'A row needs a text, as in {"text": "…"}; all other fields become metadata.'
    )


def _check_texts(rows: Rows, records: Sequence[Mapping[str, JSON]], texts: Sequence[str]) -> None:
    """InvalidInputError where a text column holds a list or a dict, which nobody can embed."""
    for number, record in enumerate(records):
        for column in texts:
            if isinstance(record[column], list | dict):
                raise InvalidInputError(
                    f"{rows.place(number)}: field {column!r} is to be the text and holds "
                    f"{_kind(record[column])}. Make text of it, or name another column with "
                    "text=… (in the magic: --text)."
                )


def _without_text(rows: Rows, objects: Sequence[BucketObject], texts: Sequence[str]) -> list[str]:
    empty = [number for number, item in enumerate(objects) if not item.blobs]
    if not empty:
        return []
    first = ", ".join(rows.place(number) for number in empty[:2])
    more = ", …" if len(empty) > 2 else ""
    return [
        f"{len(empty):,} of {len(objects):,} rows have no text in {', '.join(texts)} "
        f"({first}{more}): they are in the bucket but give no documents."
    ]


def _text_columns(columns: Sequence[str], text: str | Sequence[str] | None) -> list[str]:
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


def _key_column(rows: Rows, records: Sequence[Mapping[str, JSON]], key: str | None) -> str | None:
    """The column that identifies rows: the one asked for, or the first usual one that does."""
    if key is not None and key not in rows.columns:
        raise InvalidInputError(f"There is no column {key!r}. Columns: {', '.join(rows.columns)}.")
    for name in [key] if key else [n for n in KEYS if n in rows.columns]:
        counts = Counter(None if r[name] is None else str(r[name]) for r in records)
        repeated = next((value for value, n in counts.items() if n > 1 or value is None), "")
        if None not in counts and len(counts) == len(records):
            return name
        if key:
            what = "a value is missing" if None in counts else f"{repeated!r} repeats"
            raise InvalidInputError(f"Key column {key!r} does not identify rows: {what}.")
    return None


def _keys(
    rows: Rows,
    records: Sequence[Mapping[str, JSON]],
    key_column: str | None,
    texts: Sequence[str],
) -> list[str]:
    if key_column:
        return [str(record[key_column]) for record in records]
    if rows.index is not None:
        return list(rows.index)
    seen: Counter[str] = Counter()
    keys = []
    for record in records:
        content = json.dumps([record[name] for name in texts])
        keys.append(f"{content}{seen[content] or ''}")
        seen[content] += 1
    return keys


def _binary(rows: Rows, fields: Sequence[str]) -> list[str]:
    return [n for n in fields if any(isinstance(r.get(n), bytes) for r in rows.records)]


def _types(
    rows: Rows, objects: Sequence[BucketObject], names: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """The type of each field over all rows, and a note for each field that has several."""
    found, notes = {}, []
    for name in names:
        first: dict[str, int] = {}
        for number, item in enumerate(objects):
            if item.metadata[name] is not None:
                first.setdefault(_kind(item.metadata[name]), number)
        if first.keys() == {"integer", "float"}:
            found[name] = "float"
        elif len(first) == 1:
            (found[name],) = first
        else:
            found[name] = "string"
        if len(first) > 1 and found[name] == "string":
            places = ", ".join(f"{kind} in {rows.place(n)}" for kind, n in first.items())
            notes.append(f"Field {name!r} mixes types ({places}): documents hold it as text.")
    return found, notes


def _kind(value: JSON) -> str:
    """The field type of one value."""
    return KINDS.get(type(value), "string")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
