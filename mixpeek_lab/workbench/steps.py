"""The steps from an object to a document: through one collection, or through several."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from mixpeek_lab.models import JSON, Collection


def chain_of(collection_id: str, row: Mapping[str, JSON]) -> list[dict[str, JSON]]:
    """The steps from its object to a stored document: the last is the document itself."""
    bucket, source = row.get("_bucket_id"), row.get("_source_collection_id")
    step: dict[str, JSON] = {
        "collection_id": collection_id,
        "feature_extractor_id": re.sub("[@.]", "_", row.get("_extractor") or ""),
        "document_id": row.get("document_id"),
    }
    if source is None:
        return [{**step, "source_object_id": row.get("object_id"), "source_bucket_id": bucket}]
    parent = {"source_collection_id": source, "source_document_id": row["_source_document_id"]}
    return [*json.loads(row["_chain"]), {**step, **parent}]


def lineage_of(collection: Collection, row: Mapping[str, JSON]) -> dict[str, JSON]:
    """Where a stored document of the collection comes from, as the API tells it.

    `chain` has the steps from its object to it, and `path` the ids of the bucket and of each
    collection on the way. `source_object_id` is of documents that are made of an object,
    `source_document_id` of those that are made of another document.
    """
    bucket, root = row.get("_bucket_id"), row.get("object_id")
    source = row.get("_source_collection_id")
    chain = chain_of(collection.collection_id, row)
    parent: dict[str, JSON] = {"source_object_id": root, "source_type": "bucket"}
    if source is not None:
        parent = {
            "source_object_id": None,
            "source_type": "collection",
            "source_collection_id": source,
            "source_document_id": row["_source_document_id"],
        }
    return {
        "root_object_id": root,
        "root_bucket_id": bucket,
        **parent,
        "blob_id": row.get("blob_id"),
        "blob_property": row.get("blob_property"),
        "blob_type": row.get("blob_type"),
        "mime_type": row.get("mime_type"),
        "size_bytes": row.get("size_bytes"),
        "extractor": f"{collection.extractor}@{collection.extractor_version}",
        "run_id": row.get("_run_id"),
        "path": "/".join([str(bucket), *(str(step["collection_id"]) for step in chain)]),
        "chain": chain,
    }
