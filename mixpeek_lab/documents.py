"""Documents: what an extractor made of a blob, as one immutable Parquet file per snapshot.

A document's columns, in order: `document_id`, `object_id`, `data`, what the processor added, the
object's metadata, then the lineage (`blob_id` … `_row_key`), then one FixedSizeList<float32>
column per vector, named as its feature.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON

LINEAGE = (
    "blob_id", "blob_property", "blob_type", "mime_type", "size_bytes", "_bucket_id",
    "_source_collection_id", "_source_document_id", "_chain", "_extractor", "_run_id", "_row_key",
)  # fmt: skip
"""Where a document comes from. Not among a hit's own fields.

`_source_…` and `_chain` (the steps from the object to the source, as JSON) are there where a
collection is made of another.
"""

FIRST = ("document_id", "object_id", "data")
DROPPED = ("collection_id", "feature_extractor_id")
"""Contract columns that are the same for all documents of a collection, or of no use after it."""

RESERVED = frozenset((*FIRST, *LINEAGE, *DROPPED))
"""Names that metadata must not use."""


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """The documents of one snapshot, and which of their columns are what."""

    table: pa.Table
    vectors: tuple[str, ...]
    metadata_fields: tuple[str, ...]

    @property
    def field_names(self) -> list[str]:
        """The columns that a hit shows: content, the processor's fields, metadata."""
        hidden = {*LINEAGE, *self.vectors, "object_id", "document_id"}
        return [name for name in self.table.column_names if name not in hidden]


def vector_columns(columns: Iterable[str], features: Sequence[str]) -> dict[str, str]:
    """Feature → the column that holds its vectors, for the features that have one.

    That is the column called like the feature, or the feature with `_embedding` behind it, unless
    this is another feature's name.
    """
    names = set(columns)
    found = {}
    for feature in features:
        long = f"{feature}_embedding"
        if feature in names:
            found[feature] = feature
        elif long in names and long not in features:
            found[feature] = long
    return found


def join_tables(tables: Sequence[pa.Table]) -> tuple[pa.Table, list[str]]:
    """The rows of all tables; a column that one lacks is null there. Also returns notes.

    Types are widened where they can be (integers to floats); a column whose types cannot be
    brought together becomes text.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive"), []
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        mixed = _mixed_columns(tables)
    alike = [_as_text(table, mixed) for table in tables]
    notes = [mixed_note(name) for name in mixed]
    return pa.concat_tables(alike, promote_options="permissive"), notes


def mixed_note(name: str) -> str:
    """What a report says of a column that became text."""
    return f"Column `{name}` mixes types: it is kept as text."


def _mixed_columns(tables: Sequence[pa.Table]) -> list[str]:
    names = dict.fromkeys(name for table in tables for name in table.column_names)
    return [name for name in names if not _can_join(tables, name)]


def _can_join(tables: Sequence[pa.Table], name: str) -> bool:
    columns = [table.select([name]) for table in tables if name in table.column_names]
    try:
        pa.concat_tables(columns, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return False
    return True


def _as_text(table: pa.Table, names: Iterable[str]) -> pa.Table:
    for name in names:
        if name in table.column_names:
            table = _put(table, name, text_array(table.column(name).to_pylist()))
    return table


def text_array(values: Iterable[JSON]) -> pa.Array:
    """Values of any type as text: strings as they are, all else as JSON."""
    texts = [
        v if v is None or isinstance(v, str) else json.dumps(v, default=str, ensure_ascii=False)
        for v in values
    ]
    return pa.array(texts, pa.string())


_URL = re.compile(r"(?:https?|s3|gs|file)://[^\n]*", re.IGNORECASE)


def is_file_url(data: JSON, blob_type: str | None) -> bool:
    """Whether a document's `data` is still the URL of a file, and no text made out of it."""
    if blob_type in (None, "text") or not isinstance(data, str):
        return False
    return _URL.fullmatch(data) is not None


def searchable_texts(table: pa.Table) -> list[str | None]:
    """What words are looked up in, per document: its `data` where that is text.

    The URL of an image, a recording, a film or a PDF is none; what an extractor wrote into `data`
    in its place (a caption, a transcript) is.
    """
    data = table.column("data").to_pylist()
    has_types = "blob_type" in table.column_names
    types = table.column("blob_type").to_pylist() if has_types else [None] * len(data)
    return [
        value if isinstance(value, str) and not is_file_url(value, kind) else None
        for value, kind in zip(data, types, strict=True)
    ]


def check_metadata_names(names: Iterable[str]) -> None:
    """InvalidInputError where a metadata field has a name that documents use themselves."""
    clashes = sorted(RESERVED.intersection(names))
    if clashes:
        raise InvalidInputError(
            f"Metadata cannot be called {', '.join(map(repr, clashes))}: documents have "
            "columns of that name. Rename the field (or leave it out) before making the bucket."
        )


def shape_documents(
    processed: pa.Table, vectors: Mapping[str, str], constants: Mapping[str, str], keys: pa.Array
) -> pa.Table:
    """The processed rows as documents, without metadata.

    `vectors` maps features to their columns as the processor named them (see `vector_columns`).
    `constants` are lineage values shared by all rows; `keys` are the rows' keys, in order.
    """
    table = processed.drop_columns([n for n in DROPPED if n in processed.column_names])
    names = {column: feature for feature, column in vectors.items()}
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    for name, value in constants.items():
        table = _put(table, name, pa.array([value] * len(table), pa.string()))
    table = _put(table, "_row_key", keys)
    middle = [n for n in table.column_names if n not in {*FIRST, *LINEAGE, *vectors}]
    lineage = [n for n in LINEAGE if n in table.column_names]
    return table.select([*FIRST, *middle, *lineage, *vectors])


def with_places(documents: pa.Table, places: Mapping[str, Mapping[str, str | None]]) -> pa.Table:
    """The documents with where they come from: `places` is row key → lineage column → value."""
    found = [places[key] for key in documents.column("_row_key").to_pylist()]
    for name in dict.fromkeys(name for place in places.values() for name in place):
        values = pa.array([place.get(name) for place in found], pa.string())
        documents = _put(documents, name, values)
    return documents


def join_metadata(
    documents: pa.Table,
    vectors: Sequence[str],
    metadata: Mapping[str, Mapping[str, JSON]],
    edits: Mapping[str, Mapping[str, JSON]] = MappingProxyType({}),
    by: str = "object_id",
) -> tuple[DocumentTable, list[str]]:
    """Put the objects' metadata beside the documents. Also returns notes.

    `metadata` is by the values of the column `by`.

    `edits` are fields of single documents, by document id, which count before their object's. A
    field that the processor wrote keeps the processor's value.
    """
    table = documents
    own = set(table.column_names)
    records = [metadata.get(key, {}) for key in table.column(by).to_pylist()]
    if edits:
        keys = table.column("document_id").to_pylist()
        records = [{**r, **edits.get(key, {})} for key, r in zip(keys, records, strict=True)]
    fields = dict.fromkeys(
        name for values in (*metadata.values(), *edits.values()) for name in values
    )
    notes: list[str] = []
    added = []
    for name in fields:
        if name in own:
            notes.append(
                f"The extractor writes `{name}` itself: the metadata field of that name is hidden."
            )
            continue
        values, note = _metadata_array(name, [record.get(name) for record in records])
        notes.extend(note)
        table = table.append_column(name, values)
        added.append(name)
    lineage = [n for n in LINEAGE if n in table.column_names]
    found = [n for n in vectors if n in table.column_names]
    front = [n for n in table.column_names if n not in {*lineage, *found}]
    return DocumentTable(
        table.select([*front, *lineage, *found]), tuple(found), tuple(added)
    ), notes


def put_fields(
    documents: DocumentTable, rows: Mapping[int, Mapping[str, JSON]]
) -> tuple[DocumentTable, list[str]]:
    """The documents with other metadata in some rows (row → field → value), and what changed: as
    `join_metadata` has it, a processor's own field stays, and one that mixes types becomes text.
    """
    table, fields = documents.table, dict.fromkeys(documents.metadata_fields)
    wanted = dict.fromkeys(name for values in rows.values() for name in values)
    names = [n for n in wanted if n in fields or n not in table.column_names]
    for name in names:
        new = {row: values[name] for row, values in rows.items() if name in values}
        old = table.column(name) if name in table.column_names else pa.nulls(len(table))
        table = _put(table, name, _replaced(name, old, new))
    lineage = [n for n in (*LINEAGE, *documents.vectors) if n in table.column_names]
    front = [n for n in table.column_names if n not in lineage]
    added = tuple(dict.fromkeys((*fields, *names)))
    return DocumentTable(table.select([*front, *lineage]), documents.vectors, added), names


def _replaced(
    name: str, column: pa.Array | pa.ChunkedArray, new: Mapping[int, JSON]
) -> pa.Array | pa.ChunkedArray:
    """The column with other values in some rows."""
    if len({type(value) for value in new.values() if value is not None}) == 1:
        # Of more types Arrow may take True for 1.0; lists have no such function.
        with suppress(pa.ArrowNotImplementedError, pa.ArrowInvalid, OverflowError):
            values = pa.array([new[row] for row in sorted(new)])
            if values.type == column.type:
                mask = pc.is_in(pa.array(range(len(column))), pa.array(sorted(new)))
                return pc.replace_with_mask(column, mask, values)
    listed = [new.get(row, value) for row, value in enumerate(column.to_pylist())]
    return _metadata_array(name, listed)[0]


def write_documents(documents: DocumentTable, path: Path) -> None:
    """Write the documents to `path`, durably."""
    about = json.dumps({"vectors": documents.vectors, "metadata_fields": documents.metadata_fields})
    table = documents.table.replace_schema_metadata({"mixpeek_lab": about})
    pq.write_table(table, path, compression="zstd", row_group_size=50_000)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def read_documents(path: Path, *, with_vectors: bool = True) -> DocumentTable:
    """Read the documents at `path`; without their vectors, for serving, on request."""
    schema = pq.read_schema(path)
    about = _about(schema)
    vectors = tuple(about["vectors"])
    columns = [n for n in schema.names if with_vectors or n not in vectors]
    # A home below a folder called `year=2026` is no partitioned data set.
    table = pq.read_table(path, columns=columns, partitioning=None).combine_chunks()
    return DocumentTable(table, vectors, tuple(about["metadata_fields"]))


def vector_names(path: Path) -> tuple[str, ...]:
    """Which columns of the documents at `path` are vectors."""
    return tuple(_about(pq.read_schema(path))["vectors"])


def _about(schema: pa.Schema) -> dict[str, Any]:
    """What `write_documents` says of its file."""
    about: dict[str, Any] = json.loads(schema.metadata[b"mixpeek_lab"])
    return about


def _metadata_array(name: str, values: list[JSON]) -> tuple[pa.Array, list[str]]:
    try:
        if len({isinstance(value, bool) for value in values if value is not None}) == 2:
            raise pa.ArrowTypeError("Arrow takes True for 1.0, if a float comes first")
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        note = f"Metadata field `{name}` mixes types: it is kept as text."
        return text_array(values), [note]
    if pa.types.is_null(array.type):
        return array.cast(pa.string()), []
    return (array if is_storable(array.type) else text_array(values)), []


def is_storable(kind: pa.DataType) -> bool:
    """Whether Parquet can hold the type: it has no place for a struct without fields."""
    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(is_storable(field.type) for field in kind)
    return all(is_storable(kind.field(i).type) for i in range(kind.num_fields))


def _put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.append_column(name, values) if at < 0 else table.set_column(at, name, values)
