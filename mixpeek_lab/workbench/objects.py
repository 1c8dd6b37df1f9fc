"""What people have (DataFrames, lists, folders, files, URLs) as bucket objects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mixpeek_lab.documents import check_metadata_names
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON, Blob, BucketObject
from mixpeek_lab.workbench.blobs import Loaded, found_blob, loaded, object_id, text_blob
from mixpeek_lab.workbench.cells import FileCells, read_cells
from mixpeek_lab.workbench.columns import BlobColumns, Choice, choose, key_column, looks_like_file
from mixpeek_lab.workbench.fields import bytes_columns, field_types, kind_of_value
from mixpeek_lab.workbench.files import load_files
from mixpeek_lab.workbench.folders import list_files, list_references
from mixpeek_lab.workbench.tables import Rows, Source, is_table, read_rows
from mixpeek_lab.workbench.values import plain

__all__ = ["BlobColumns", "Loaded", "Source", "load_objects", "object_id", "text_blob"]


def load_objects(
    source: Source,
    *,
    text: str | Sequence[str] | None = None,
    key: str | None = None,
    blobs: BlobColumns | None = None,
) -> Loaded:
    """Read `source` into objects.

    `source` is a DataFrame, a list of strings or of dicts, a Parquet, JSONL or CSV file; or it
    names files: a folder, a glob, an s3:// or gs:// prefix, a URL, a list of paths or URLs. Files
    become one object each, with a blob `text`, `image`, `audio`, `video` or `pdf`, told by content.

    `text` names the column or columns that become text blobs (found by itself where one is called
    text, content, body or data). `blobs` names those that hold paths or URLs of files: a column,
    several, or `{"image": "image_url"}` for a blob `image` out of column `image_url`; a blob
    called after a kind must be of that kind. With neither, columns called `image`, `video_url`,
    `pdf_path` and the like are found by themselves. A blob's data is a URL, or the text itself.

    `key` names the column that identifies a row across uploads. Without it that is `_id`, `id`,
    `object_id` or `key` where they are unique, else a DataFrame's own index where it has names,
    else the texts and paths themselves. All other columns become metadata; one whose values are of
    several types becomes text in documents.

    Files of no use are in `notes`; InvalidInputError where the user named them, or their column.
    InvalidInputError says what is missing, and in which row.
    """
    if isinstance(source, str | Path) and not is_table(source):
        if blobs is not None:
            raise InvalidInputError(
                f"blobs=… names columns of a table, and {str(source)!r} is none: leave it out. "
                "The files of a folder, a prefix or a URL become blobs by themselves."
            )
        return load_files(list_files(str(source)), str(source))
    rows = read_rows(source)
    if rows.items is not None and text is None and _names_files(rows.items, blobs):
        return load_files(list_references(rows.items), "the list", _one_property(blobs))
    return _from_rows(rows, text, key, blobs)


def _names_files(items: Sequence[str | Path], blobs: BlobColumns | None) -> bool:
    """Whether a list is one of paths and URLs, and not of texts."""
    if blobs is not None or any(isinstance(item, Path) for item in items):
        return True
    return all(looks_like_file(item) for item in items)


def _one_property(blobs: BlobColumns | None) -> str | None:
    names = [blobs] if isinstance(blobs, str) else list(blobs or ())
    if len(names) > 1:
        raise InvalidInputError(f"A list has one column of files; blobs={blobs!r} names several.")
    return names[0] if names else None


def _from_rows(
    rows: Rows, text: str | Sequence[str] | None, key: str | None, blobs: BlobColumns | None
) -> Loaded:
    if not rows.columns:
        raise InvalidInputError(_nothing_in(rows))
    choice = choose(rows, text, blobs)
    records = [{name: plain(record.get(name)) for name in rows.columns} for record in rows.records]
    by = key_column(rows, records, key)
    # The key stays visible as metadata: it is how users know their documents.
    fields = [n for n in rows.columns if n not in choice.columns and not (n == by == "object_id")]
    binary = bytes_columns(rows, fields)
    fields = [name for name in fields if name not in binary]
    check_metadata_names(fields)
    _check_texts(rows, records, choice.texts)
    files = read_cells(rows, choice)
    objects = [
        BucketObject(
            object_id(name),
            "",
            _blobs(number, name, record, choice, files),
            {field: record[field] for field in fields},
        )
        for number, (name, record) in enumerate(
            zip(_keys(rows, records, by, choice), records, strict=True)
        )
    ]
    types, mixed = field_types(rows, objects, fields)
    notes = [f"Metadata cannot hold bytes: left out {', '.join(binary)}."] if binary else []
    notes += [*files.notes, *_without_blobs(rows, objects, choice), *mixed]
    return loaded(objects, {**dict.fromkeys(choice.texts, "text"), **files.schema, **types}, notes)


def _blobs(
    number: int, key: str, record: Mapping[str, JSON], choice: Choice, files: FileCells
) -> tuple[Blob, ...]:
    texts = [
        text_blob(column, str(value), key)
        for column in choice.texts
        if isinstance(value := record[column], str | int | float)
    ]
    found = [
        found_blob(prop, files.found[number, prop], key)
        for prop in choice.files
        if (number, prop) in files.found
    ]
    return (*texts, *found)


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
                    f"{kind_of_value(record[column])}. Make text of it, or name another column "
                    "with text=… (in the magic: --text)."
                )


def _without_blobs(rows: Rows, objects: Sequence[BucketObject], choice: Choice) -> list[str]:
    empty = [number for number, item in enumerate(objects) if not item.blobs]
    if not empty:
        return []
    first = ", ".join(rows.place(number) for number in empty[:2])
    more = ", …" if len(empty) > 2 else ""
    lacking = [f"no text in {', '.join(choice.texts)}"] if choice.texts else []
    lacking += [f"no file in {', '.join(choice.files.values())}"] if choice.files else []
    return [
        f"{len(empty):,} of {len(objects):,} rows have {' and '.join(lacking)} "
        f"({first}{more}): they are in the bucket but give no documents."
    ]


def _keys(
    rows: Rows, records: Sequence[Mapping[str, JSON]], key_column: str | None, choice: Choice
) -> list[str]:
    if key_column:
        return [str(record[key_column]) for record in records]
    if rows.index is not None:
        return list(rows.index)
    columns = [*choice.texts, *choice.files.values()]
    seen: Counter[str] = Counter()
    keys = []
    for record in records:
        content = json.dumps([record[name] for name in columns])
        keys.append(f"{content}{seen[content] or ''}")
        seen[content] += 1
    return keys
