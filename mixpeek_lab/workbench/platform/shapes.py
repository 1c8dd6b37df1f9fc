"""Parts of the API's answers that several resources share."""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.models import BLOB_TYPES, JSON, Bucket, Manifest


def vector_indexes(manifest: Manifest) -> list[JSON]:
    """The vector indexes that an extractor makes."""
    return [
        {
            "name": feature.feature_name,
            "description": f"{feature.feature_name} of {manifest.name} {manifest.version}",
            "feature_uri": manifest.uri(feature.feature_name),
            "type": "single",
            "index": {
                "name": feature.feature_name,
                "description": f"{feature.embedding_dim} numbers a document",
                "type": "dense",
                "dimensions": feature.embedding_dim,
                "distance": feature.distance_metric,
            },
        }
        for feature in manifest.vectors
    ]


def bucket_schema(bucket: Bucket) -> dict[str, JSON]:
    """The fields of a bucket's objects: `{"properties": {field: {type, required}}}`."""
    needed = bucket.details.get("required", ())
    return {
        "properties": {
            name: {"type": kind, "required": name in needed} for name, kind in bucket.schema.items()
        }
    }


def documents_schema(fields: Mapping[str, JSON], manifest: Manifest) -> dict[str, JSON]:
    """The fields of a collection's documents, as far as they are known beforehand.

    `fields` are those of its source: its blobs became `data`.
    """
    kept = {name: {"type": f["type"]} for name, f in fields.items() if f["type"] not in BLOB_TYPES}
    return {"properties": {"data": {"type": "text"}, **kept, **_features(manifest)}}


def extractor_schemas(manifest: Manifest) -> dict[str, JSON]:
    """What an extractor takes and gives: `input_schema` and `output_schema`."""
    taken = {"text" if t == "string" else t for t in manifest.supported_input_types}
    return {
        "input_schema": {
            "type": "object",
            "properties": {name: {"type": name} for name in sorted(taken)},
        },
        "output_schema": {"type": "object", "properties": _features(manifest)},
    }


def _features(manifest: Manifest) -> dict[str, JSON]:
    return {
        f.feature_name: {"type": "array", "dimensions": f.embedding_dim}
        if f.feature_type == "embedding" else {"type": "string"}
        for f in manifest.features
    }  # fmt: skip
