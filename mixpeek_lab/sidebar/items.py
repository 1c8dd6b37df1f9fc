"""The sections' items: a name, one line about it, its state, and facts for who wants more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mixpeek_lab.sidebar.endpoints import endpoints
from mixpeek_lab.sidebar.item import (
    Item,
    Listing,
    count,
    fitting,
    name_fields,
    page,
    quoted,
    shown_time,
)
from mixpeek_lab.sidebar.runs import runs
from mixpeek_lab.sidebar.versions import can_serve, extractors, versions

if TYPE_CHECKING:
    from mixpeek_lab.catalog import RetrieverRecord
    from mixpeek_lab.models import Bucket, Collection
    from mixpeek_lab.workbench import Lab


FEWEST_OF_A_MAP = 3
"""Vectors that %embedding_map needs."""


def _buckets(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    return page(fitting(lab.buckets(), lambda b: b.name, wanted), offset, limit, _bucket)


def _bucket(bucket: Bucket) -> Item:
    schema = ", ".join(f"{name}: {kind}" for name, kind in bucket.schema.items())
    facts = (("Fields", schema or "none"), ("Made", shown_time(bucket.created_at)))
    return Item(
        bucket.bucket_id, bucket.name, count(bucket.object_count, "object"),
        facts=facts, fields=name_fields(bucket.name),
    )  # fmt: skip


def _collections(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    found = fitting(lab.collections(), lambda c: c.name, wanted)
    return page(found, offset, limit, lambda c: _collection(c, lab.lineage.sources(c.name)))


def _collection(collection: Collection, sources: Sequence[str]) -> Item:
    name, is_new = collection.name, collection.snapshot is None
    fields = {
        **name_fields(name),
        "sources": " ".join(map(quoted, sources)),
        "extractor": collection.extractor,
    }
    parameters = ", ".join(f"{key}={value}" for key, value in collection.parameters.items())
    facts = (
        ("Made of", ", ".join(sources)),
        ("Extractor", f"{collection.extractor} {collection.extractor_version}"),
        *([("Parameters", parameters)] if parameters else []),
        ("Made", shown_time(collection.created_at)),
    )
    # A run with parameters needs them said again.
    without = ("update",) if parameters else ()
    if collection.document_count < FEWEST_OF_A_MAP:
        without = (*without, "map")
    documents = ("inspect", "explore", "map", "query", "frame", "export", "retriever")
    return Item(
        collection.collection_id,
        name,
        "empty" if is_new else count(collection.document_count, "doc"),
        "warning" if is_new else "",
        "" if not is_new else "no run has ended yet",
        facts,
        fields,
        (*without, *(documents if is_new else ())),
    )


def _retrievers(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    names = {c.collection_id: c.name for c in lab.collections()} if limit else {}
    found = fitting(lab.retrievers(), lambda r: r.name, wanted)
    without = () if can_serve(lab) else ("serve",)
    return page(found, offset, limit, lambda record: _retriever(record, names, without))


def _retriever(record: RetrieverRecord, names: Mapping[str, str], without: tuple[str, ...]) -> Item:
    body: Mapping[str, Any] = record.body
    collections = [names.get(c, c) for c in body.get("collection_identifiers", ())]
    stages = [str(stage.get("stage_name", "")) for stage in body.get("stages", ())]
    return Item(
        record.retriever_id,
        record.name,
        ", ".join(collections),
        facts=(
            ("Searches", ", ".join(collections)),
            *([("Stages", " → ".join(stages))] if any(stages) else []),
            ("Made", shown_time(record.created_at)),
        ),
        fields=name_fields(record.name),
        without=without,
    )


LISTS: dict[str, Callable[[Lab, str, int, int], Listing]] = {
    "extractors": extractors,
    "buckets": _buckets,
    "collections": _collections,
    "runs": runs,
    "retrievers": _retrievers,
    "endpoints": endpoints,
}
"""Section → a page of its items: the lab, a part of the name, where to begin, how many."""

PARTS: dict[str, Callable[[Lab, str, int, int], Listing]] = {"versions": versions}
"""What items consist of → a page of it: the lab, the item's key, where to begin, how many."""
