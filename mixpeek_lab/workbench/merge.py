"""What a run must compute, what it can keep, and how both become the next snapshot's documents."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from mixpeek_lab.catalog import DocumentEdit, InputRow
from mixpeek_lab.documents import DocumentTable, join_metadata, join_tables, with_places
from mixpeek_lab.models import JSON, Collection, Manifest
from mixpeek_lab.pipeline import PlannedRow


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of a run: all, those to compute, and those whose documents are kept."""

    rows: Sequence[PlannedRow]
    todo: Sequence[PlannedRow]
    kept: frozenset[str]
    """Keys of the rows that were computed before."""
    fingerprint: str
    """Equal fingerprints, equal snapshots: of rows, metadata, features, settings and edits."""
    edits: Mapping[str, DocumentEdit] = field(default_factory=dict)
    """Changes to single documents, by document id, that hold for what they are made of now."""
    changes: int = 0
    """The serial number of the newest change in the catalog that it has taken in."""


def make_plan(
    rows: Sequence[PlannedRow],
    known: frozenset[str],
    manifest: Manifest,
    collection: Collection,
    edits: Mapping[str, DocumentEdit],
    beside: frozenset[str] = frozenset(),
) -> Plan:
    """Compare the input with the keys that are known. `collection` as it is to become.

    Rows that are among `beside` are computed though their documents are kept.
    """
    todo = [row for row in rows if row.key not in known or row.row.is_among(beside)]
    kept = frozenset(row.key for row in rows if row.key in known)
    basis = [
        asdict(collection.settings),
        [feature.as_dict() for feature in manifest.vectors],
        collection.extractor_digest,
        dict(collection.parameters),
    ]
    digest = hashlib.sha256(json.dumps(basis).encode())
    for row in rows:
        digest.update(f"{row.key}{row.row.metadata_hash}".encode())
    keys = {row.key for row in rows}
    holding = {key: edit for key, edit in edits.items() if edit.row_key in keys}
    for edit in holding.values():
        digest.update(json.dumps(asdict(edit), sort_keys=True).encode())
    return Plan(rows, todo, kept, digest.hexdigest(), holding)


def merge_documents(
    plan: Plan,
    before: Sequence[tuple[DocumentTable, frozenset[str]]],
    fresh: pa.Table | None,
    vectors: Sequence[str],
) -> tuple[DocumentTable, list[str]]:
    """Kept and fresh documents in input order, with today's metadata and lineage. Also notes.

    `before`: documents computed earlier, and the keys of the rows that are taken from them.
    """
    parts = []
    for documents, wanted in before:
        keys = documents.table.column("_row_key")
        kept = documents.table.filter(pc.is_in(keys, pa.array(wanted, pa.string())))
        parts.append(kept.drop_columns(list(documents.metadata_fields)))
    parts += [] if fresh is None else [fresh]
    joined, notes = join_tables(parts) if parts else (_no_documents(), [])
    joined = with_places(_without_deleted(joined, plan), _places(plan.rows))
    ordinal = {row.key: position for position, row in enumerate(plan.rows)}
    order = [ordinal[key] for key in joined.column("_row_key").to_pylist()]
    if order != sorted(order):
        joined = joined.take(pa.array(sorted(range(len(order)), key=order.__getitem__)))
    fields = {key: edit.fields for key, edit in plan.edits.items() if not edit.is_deleted}
    documents, hidden = join_metadata(joined, vectors, _metadata(plan.rows), fields, "_row_key")
    return documents, [*notes, *hidden]


def removed_documents(plan: Plan, previous: DocumentTable | None) -> int:
    """Documents of the snapshot before whose row is gone or changed."""
    if previous is None:
        return 0
    keys = Counter(previous.table.column("_row_key").to_pylist())
    return sum(count for key, count in keys.items() if key not in plan.kept)


def _without_deleted(documents: pa.Table, plan: Plan) -> pa.Table:
    gone = [key for key, edit in plan.edits.items() if edit.is_deleted]
    if not gone:
        return documents
    is_gone = pc.is_in(documents.column("document_id"), pa.array(gone, pa.string()))
    return documents.filter(pc.invert(is_gone))


def _metadata(rows: Sequence[PlannedRow]) -> dict[str, Mapping[str, JSON]]:
    return {row.key: json.loads(row.row.metadata) for row in rows}


def _places(rows: Sequence[PlannedRow]) -> dict[str, dict[str, str | None]]:
    return {row.key: _place(row.row) for row in rows}


def _place(row: InputRow) -> dict[str, str | None]:
    """Of today: the way to a document that stays as it is may have changed."""
    place: dict[str, str | None] = {"_bucket_id": row.bucket_id}
    if row.parent is not None:
        place |= {
            "_source_collection_id": row.parent.collection_id,
            "_source_document_id": row.parent.document_id,
            "_chain": row.parent.chain,
        }
    return place


def _no_documents() -> pa.Table:
    names = ("document_id", "object_id", "data", "_row_key")
    return pa.table({name: pa.array([], pa.string()) for name in names})
