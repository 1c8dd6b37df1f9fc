"""Parts of the API's answers that several resources share."""

from __future__ import annotations

from mixpeek_lab.models import BLOB_TYPES, JSON, Bucket, Manifest


def vector_indexes(manifest: Manifest) -> list[JSON]:
    """The vector indexes that an extractor makes."""
    return [
        {
            "name": feature.feature_name,
            "feature_uri": manifest.uri(feature.feature_name),
            "type": "single",
            "index": {
                "name": feature.feature_name,
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


def output_schema(bucket: Bucket, manifest: Manifest) -> dict[str, JSON]:
    """The fields of a collection's documents, as far as they are known beforehand."""
    fields = {name: {"type": t} for name, t in bucket.schema.items() if t not in BLOB_TYPES}
    features = {
        f.feature_name: {"type": "array", "dimensions": f.embedding_dim}
        if f.feature_type == "embedding" else {"type": "string"}
        for f in manifest.features
    }  # fmt: skip
    return {"properties": {"data": {"type": "text"}, **fields, **features}}
