"""A collection as the API answers it."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.models import JSON, Collection, Manifest
from mixpeek_lab.secrets import redact
from mixpeek_lab.workbench.cycles import root_buckets
from mixpeek_lab.workbench.derived import told_of_source
from mixpeek_lab.workbench.platform.ids import extractor_id
from mixpeek_lab.workbench.platform.shapes import bucket_schema, documents_schema, vector_indexes


def collection_record(
    catalog: Catalog, collection: Collection, made_by: ExtractorRecord
) -> dict[str, JSON]:
    """Everything about it. `made_by` is the version of the extractor that it is made with."""
    manifest, lineage = made_by.manifest, _lineage(catalog, collection, made_by)
    indexes = vector_indexes(manifest)
    told = collection.details
    return {
        "collection_id": collection.collection_id,
        "collection_name": collection.name,
        "description": told.get("description"),
        "metadata": told.get("metadata", {}),
        "source": lineage[-1]["source_config"],
        "source_lineage": lineage,
        **_bucket_schemas(catalog, collection),
        "feature_extractor": _extractor(manifest, collection),
        "vector_indexes": indexes,
        "input_schema": {"properties": _input_fields(catalog, collection, {})},
        "output_schema": lineage[-1]["output_schema"],
        "enabled": collection.is_enabled,
        "document_count": collection.document_count,
        "vector_count": collection.document_count * len(indexes),
        "snapshot": collection.snapshot,
        **_progress(catalog, collection),
        "warnings": told_of_source(catalog, collection),
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


def _lineage(
    catalog: Catalog, collection: Collection, made_by: ExtractorRecord
) -> list[dict[str, JSON]]:
    """Each step from its buckets to it; of several collections that it is made of, the first's."""
    known: dict[str, dict[str, JSON]] = {}
    steps, step = [], collection
    while True:
        maker = made_by if step is collection else _maker(catalog, step)
        fields = _input_fields(catalog, step, known)
        steps.append(
            {
                "source_config": _source(catalog, step),
                "feature_extractor": _extractor(maker.manifest, step),
                "output_schema": documents_schema(fields, maker.manifest),
            }
        )
        if not step.is_derived:
            return steps[::-1]
        step = catalog.collection(step.source.ids[0])


def _source(catalog: Catalog, collection: Collection) -> dict[str, JSON]:
    kind, ids = collection.source.kind, list(collection.source.ids)
    told: dict[str, JSON] = {"type": kind, f"{kind}_id": ids[0], f"{kind}_ids": ids}
    if kind == "collection":
        told["inherited_bucket_ids"] = root_buckets(catalog, collection.source)
    if (filters := collection.details.get("source_filters")) is not None:
        told["source_filters"] = {"filters": filters}
    return told


def _input_fields(
    catalog: Catalog, collection: Collection, known: dict[str, dict[str, JSON]]
) -> dict[str, JSON]:
    """The fields of what it is made of, all buckets or collections together.

    `known`: what a collection is made of, by its id, so that each is looked up once.
    """
    key = collection.collection_id
    if key not in known:
        parts = [_fields_of(catalog, collection, each, known) for each in collection.source.ids]
        known[key] = {name: field for part in parts for name, field in part.items()}
    return known[key]


def _fields_of(
    catalog: Catalog, collection: Collection, key: str, known: dict[str, dict[str, JSON]]
) -> dict[str, JSON]:
    if not collection.is_derived:
        found: dict[str, JSON] = bucket_schema(catalog.bucket(key))["properties"]
        return found
    upstream = catalog.collection(key)
    manifest = _maker(catalog, upstream).manifest
    vectors = {feature.feature_name for feature in manifest.vectors}  # these are not handed on
    fields = _input_fields(catalog, upstream, known)
    made: dict[str, JSON] = documents_schema(fields, manifest)["properties"]
    return {name: field for name, field in made.items() if name not in vectors}


def _bucket_schemas(catalog: Catalog, collection: Collection) -> dict[str, JSON]:
    """Of each bucket, where there are several."""
    if collection.is_derived or len(collection.source.ids) == 1:
        return {}
    schemas = {key: bucket_schema(catalog.bucket(key)) for key in collection.source.ids}
    return {"source_bucket_schemas": schemas}


def _maker(catalog: Catalog, collection: Collection) -> ExtractorRecord:
    return catalog.extractor(collection.extractor, digest=collection.extractor_digest)


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
