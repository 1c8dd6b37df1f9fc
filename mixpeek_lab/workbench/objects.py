"""What people have (DataFrames, lists, folders, files) as bucket objects."""

from __future__ import annotations

import hashlib
import json
import warnings
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
    become text blobs (found by itself where one is called text, content, body or data).

    `key` names the column that identifies a row across uploads. Without it that is `_id`, `id`,
    `object_id` or `key` where they are unique, else a DataFrame's own index where it has names,
    else the text itself. All other columns become metadata. InvalidInputError says what is missing.
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
    texts = _text_columns(rows.columns, text)
    records = [{name: plain(record.get(name)) for name in rows.columns} for record in rows.records]
    key_column = _key_column(rows, records, key)
    # The key stays visible as metadata: it is how users know their documents.
    fields = [n for n in rows.columns if n not in texts and not (n == key_column == "object_id")]
    fields = _without_bytes(rows, fields)
    check_metadata_names(fields)
    objects = [
        _object(name, [(column, record[column]) for column in texts], record, fields)
        for name, record in zip(_keys(rows, records, key_column, texts), records, strict=True)
    ]
    empty = sum(not item.blobs for item in objects)
    if empty:
        warnings.warn(
            f"{empty} of {len(records)} rows have no text in {', '.join(texts)}: "
            "they are in the bucket but give no documents.",
            stacklevel=4,
        )
    return _loaded(objects, texts, fields)


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
    files, skipped = read_text_files(pattern)
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
    if skipped:
        warnings.warn(
            f"{len(skipped)} files are not text and were left out: {', '.join(skipped[:5])}"
            f"{', …' if len(skipped) > 5 else ''}.",
            stacklevel=4,
        )
    return _loaded(objects, ["text"], fields)


def _loaded(objects: list[BucketObject], texts: Sequence[str], fields: Sequence[str]) -> Loaded:
    hashes = [_hash(json.dumps(item.metadata, sort_keys=True)) for item in objects]
    return Loaded(objects, hashes, {**dict.fromkeys(texts, "text"), **_types(objects, fields)})


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


def _without_bytes(rows: Rows, fields: Sequence[str]) -> list[str]:
    binary = [n for n in fields if any(isinstance(r.get(n), bytes) for r in rows.records)]
    if binary:
        warnings.warn(f"Metadata cannot hold bytes: left out {', '.join(binary)}.", stacklevel=5)
    return [name for name in fields if name not in binary]


def _types(objects: Sequence[BucketObject], names: Sequence[str]) -> dict[str, str]:
    kinds: dict[type[Any], str] = {
        bool: "boolean", int: "integer", float: "float", str: "string", dict: "object",
        list: "array",
    }  # fmt: skip
    found = {}
    for name in names:
        first = next((o.metadata[name] for o in objects if o.metadata.get(name) is not None), "")
        found[name] = kinds.get(type(first), "string")
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
