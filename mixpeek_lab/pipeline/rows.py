"""From a bucket's blobs to the rows that a processor reads, and the keys that make re-runs cheap.

A row's `key` is a hash of everything its documents depend on: the extractor's code, the
parameters, the bucket and object (or the document, where a collection is made of another), the
property and content. Equal key, equal documents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.models import CONTRACT_COLUMNS, JSON, Failure, Manifest

ROW = "__row__"
"""Hidden column: the row's position in the run's input."""
FAILURE = "__failure__"
"""Hidden column: why the row failed, as JSON; null while it has not."""
HIDDEN = (ROW, FAILURE)

CONTRACT = CONTRACT_COLUMNS

INPUT_SCHEMA = pa.schema(
    [
        *((name, pa.int64() if name == "size_bytes" else pa.string()) for name in CONTRACT),
        (ROW, pa.int64()),
        (FAILURE, pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One blob with the ids and the key that a run gives it."""

    row: InputRow
    key: str
    document_id: str


def input_types(manifest: Manifest) -> tuple[str, ...]:
    """The types of the blobs that an extractor reads; all types where this is empty."""
    return tuple("text" if t == "string" else t for t in manifest.supported_input_types)


def plan_rows(
    rows: Iterable[InputRow], *, collection_id: str, digest: str, parameters: Mapping[str, JSON]
) -> list[PlannedRow]:
    """Give each row its key and its document id.

    Document ids are stable: the same object (or document), property and collection have the same id
    in every run.
    """
    basis = f"{digest}\0{json.dumps(dict(parameters), sort_keys=True)}"
    return [
        PlannedRow(
            row,
            _hash(basis, *row.place(), row.property, row.type, row.mime_type, row.content_hash),
            f"doc_{_hash(collection_id, *row.place(), row.property)[:20]}",
        )
        for row in rows
    ]


def input_table(
    planned: Sequence[PlannedRow], *, collection_id: str, extractor_id: str
) -> pa.Table:
    """The planned rows as an Arrow table with `INPUT_SCHEMA`; `ROW` counts from 0."""
    rows = [p.row for p in planned]
    columns: dict[str, list[object]] = {
        "data": [r.data for r in rows],
        "document_id": [p.document_id for p in planned],
        "object_id": [r.object_id for r in rows],
        "blob_type": [r.type for r in rows],
        "blob_property": [r.property for r in rows],
        "mime_type": [r.mime_type for r in rows],
        "blob_id": [r.blob_id for r in rows],
        "collection_id": [collection_id] * len(rows),
        "feature_extractor_id": [extractor_id] * len(rows),
        "size_bytes": [r.size_bytes for r in rows],
        ROW: list(range(len(rows))),
        FAILURE: [None] * len(rows),
    }
    return pa.table(columns, schema=INPUT_SCHEMA)


def split_failures(block: pa.Table) -> tuple[pa.Table, list[Failure], set[int]]:
    """A processed block's good rows, its failures, and the input rows (`ROW`) that they are of."""
    reasons = block.column(FAILURE)
    bad = block.filter(reasons.is_valid())
    failures = [Failure(**json.loads(text)) for text in bad.column(FAILURE).to_pylist()]
    return block.filter(reasons.is_null()), failures, set(bad.column(ROW).to_pylist())


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
