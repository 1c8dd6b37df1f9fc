"""A collection as the API answers it."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.models import JSON, Bucket, Collection, Manifest
from mixpeek_lab.secrets import redact
from mixpeek_lab.workbench.platform.ids import extractor_id
from mixpeek_lab.workbench.platform.shapes import bucket_schema, output_schema, vector_indexes


def collection_record(
    catalog: Catalog, collection: Collection, made_by: ExtractorRecord
) -> dict[str, JSON]:
    """Everything about it. `made_by` is the version of the extractor that it is made with."""
    bucket, manifest = catalog.bucket(collection.bucket_id), made_by.manifest
    indexes = vector_indexes(manifest)
    told = collection.details
    return {
        "collection_id": collection.collection_id,
        "collection_name": collection.name,
        "description": told.get("description"),
        "metadata": told.get("metadata", {}),
        "source": _source(bucket),
        "feature_extractor": _extractor(manifest, collection),
        "vector_indexes": indexes,
        "input_schema": bucket_schema(bucket),
        "output_schema": output_schema(bucket, manifest),
        "enabled": collection.is_enabled,
        "document_count": collection.document_count,
        "vector_count": collection.document_count * len(indexes),
        "snapshot": collection.snapshot,
        **_progress(catalog, collection),
        "warnings": [],
        "created_at": collection.created_at,
    }


def features_of(record: ExtractorRecord) -> list[JSON]:
    """The features that documents made by it can be searched by."""
    return [
        {
            "feature_uri": index["feature_uri"],
            "feature_address": index["feature_uri"],
            "feature_name": index["name"],
            "feature_extractor_name": record.manifest.name,
            "version": record.manifest.version,
            "vector_index": index["index"],
            "primary": number == 0,
        }
        for number, index in enumerate(vector_indexes(record.manifest))
    ]


def _source(bucket: Bucket) -> dict[str, JSON]:
    return {"type": "bucket", "bucket_id": bucket.bucket_id, "bucket_ids": [bucket.bucket_id]}


def _extractor(manifest: Manifest, collection: Collection) -> dict[str, JSON]:
    key, parameters = extractor_id(manifest.name, manifest.version), dict(collection.parameters)
    if parameters:  # by this alone Mixpeek's client knows whose they are, and keeps them
        parameters = {"extractor_type": manifest.name, **parameters}
    return {
        "feature_extractor_name": manifest.name,
        "feature_extractor_id": key,
        "plugin_id": key,
        "version": manifest.version,
        "parameters": parameters,
        "input_mappings": collection.details.get("input_mappings", {}),
    }


def _progress(catalog: Catalog, collection: Collection) -> dict[str, JSON]:
    """What its newest task came to."""
    task = catalog.latest_task(collection.collection_id)
    if task is None:
        return {"status": "ACTIVE", "task_id": None, "error": None}
    return {"status": task.state, "task_id": task.task_id, "error": redact(task.error) or None}
