"""Documents: what an extractor made of a blob, as one immutable Parquet file per snapshot.

A document's columns, in order: `document_id`, `object_id`, `data`, what the processor added, the
object's metadata, then the lineage (`blob_id` … `_row_key`), then one FixedSizeList<float32>
column per vector, named as its feature.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON

LINEAGE = (
    "blob_id", "blob_property", "blob_type", "mime_type", "_bucket_id", "_extractor", "_run_id",
    "_row_key",
)  # fmt: skip
"""Where a document comes from. Not among a hit's own fields."""

FIRST = ("document_id", "object_id", "data")
DROPPED = ("collection_id", "feature_extractor_id", "size_bytes")
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


def vector_column(columns: Iterable[str], feature: str) -> str | None:
    """The column that holds a feature's vector: its name, or its name with `_embedding`."""
    names = set(columns)
    return next((n for n in (feature, f"{feature}_embedding") if n in names), None)


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

    `vectors` maps columns as the processor named them to feature names. `constants` are lineage
    values shared by all rows; `keys` are the rows' keys, in order.
    """
    table = processed.drop_columns([n for n in DROPPED if n in processed.column_names])
    table = table.rename_columns([vectors.get(name, name) for name in table.column_names])
    for name, value in constants.items():
        table = _put(table, name, pa.array([value] * len(table), pa.string()))
    table = _put(table, "_row_key", keys)
    names = table.column_names
    features = [name for name in vectors.values() if name in names]
    middle = [n for n in names if n not in {*FIRST, *LINEAGE, *features}]
    lineage = [n for n in LINEAGE if n in names]
    return table.select([*FIRST, *middle, *lineage, *features])


def join_metadata(
    documents: pa.Table,
    vectors: Sequence[str],
    metadata: Mapping[str, Mapping[str, JSON]],
    drop: Sequence[str] = (),
) -> tuple[DocumentTable, list[str]]:
    """Put the objects' metadata (by object id) beside the documents. Also returns notes.

    `drop` names the metadata columns of an older snapshot, which are read afresh. A field that
    the processor wrote keeps the processor's value.
    """
    table = documents.drop_columns([n for n in drop if n in documents.column_names])
    own = set(table.column_names)
    records = [metadata.get(key, {}) for key in table.column("object_id").to_pylist()]
    fields = sorted({name for values in metadata.values() for name in values})
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


def write_documents(documents: DocumentTable, path: Path) -> None:
    """Write the documents to `path`, durably."""
    about = json.dumps(
        {"vectors": documents.vectors, "metadata_fields": documents.metadata_fields}
    )
    table = documents.table.replace_schema_metadata({"mixpeek_lab": about})
    pq.write_table(table, path, compression="zstd", row_group_size=50_000)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def read_documents(path: Path, *, with_vectors: bool = True) -> DocumentTable:
    """Read the documents at `path`; without their vectors, for serving, on request."""
    schema = pq.read_schema(path)
    about: dict[str, Any] = json.loads(schema.metadata[b"mixpeek_lab"])
    vectors = tuple(about["vectors"])
    columns = [n for n in schema.names if with_vectors or n not in vectors]
    table = pq.read_table(path, columns=columns).combine_chunks()
    return DocumentTable(table, vectors, tuple(about["metadata_fields"]))


def _metadata_array(name: str, values: list[JSON]) -> tuple[pa.Array, list[str]]:
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
        return pa.array(texts, pa.string()), [
            f"Metadata field `{name}` mixes types: it is kept as text."
        ]
    return (array.cast(pa.string()) if pa.types.is_null(array.type) else array), []


def _put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.append_column(name, values) if at < 0 else table.set_column(at, name, values)
