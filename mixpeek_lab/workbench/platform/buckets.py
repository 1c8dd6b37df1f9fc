"""Buckets: a name, and the fields that their objects have."""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.documents import check_metadata_names
from mixpeek_lab.errors import BodyError, ConflictError
from mixpeek_lab.models import BLOB_TYPES, FIELD_TYPES, JSON, Bucket
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.platform.bodies import (
    demand_known,
    details,
    optional,
    required,
    shown,
)
from mixpeek_lab.workbench.platform.shapes import bucket_schema

FIELDS = ("bucket_name", "name", "blob_schema", "bucket_schema", "description", "metadata")


class Buckets:
    """Buckets by id or name."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """A new bucket. ConflictError where its name is taken."""
        demand_known(body, FIELDS)
        name = new_name(required(body, ("bucket_name", "name"), str), "bucket")
        schema, needed = _schema(body)
        told = {**details(body), **({"required": needed} if needed else {})}
        return self._record(self._catalog.create_bucket(name, schema, told))

    def list_all(self) -> list[JSON]:
        """All buckets, by name."""
        return [self._record(bucket) for bucket in self._catalog.buckets()]

    def get(self, key: str) -> dict[str, JSON]:
        """One bucket."""
        return self._record(self._catalog.bucket(key))

    def delete(self, key: str) -> None:
        """Remove a bucket with its objects. ConflictError where a collection is made of it."""
        bucket = self._catalog.bucket(key)
        users = [c.name for c in self._catalog.collections() if c.bucket_id == bucket.bucket_id]
        if users:
            raise ConflictError(
                f"Bucket {bucket.name!r} is the source of {', '.join(users)}: delete that first."
            )
        self._catalog.delete_bucket(bucket.bucket_id)

    def _record(self, bucket: Bucket) -> dict[str, JSON]:
        schema = bucket_schema(bucket)
        return {
            "bucket_id": bucket.bucket_id,
            "bucket_name": bucket.name,
            "description": bucket.details.get("description"),
            "bucket_schema": schema,
            "blob_schema": schema["properties"],
            "metadata": bucket.details.get("metadata", {}),
            "object_count": bucket.object_count,
            "total_size_bytes": self._catalog.size_of_bucket(bucket.bucket_id),
            "created_at": bucket.created_at,
        }


def _schema(body: Mapping[str, JSON]) -> tuple[dict[str, str], list[str]]:
    """Field → type, and the fields that every object must have."""
    where = "blob_schema"
    fields = optional(body, where, dict)
    if fields is None:
        where = "bucket_schema.properties"
        fields = required(
            required(body, ("bucket_schema", "blob_schema"), dict), ("properties",), dict,
            "bucket_schema.",
        )  # fmt: skip
    if not fields:
        raise BodyError.at(where, 'has no fields: {"text": {"type": "text"}}.')
    schema, needed = {}, []
    for name, given in fields.items():
        field = {"type": given} if isinstance(given, str) else given
        kind = field.get("type") if isinstance(field, Mapping) else None
        if not isinstance(kind, str) or kind.lower() not in FIELD_TYPES:
            raise BodyError.at(
                f"{where}.{name}.type", f"is {shown(kind)}: it is one of {', '.join(FIELD_TYPES)}."
            )
        schema[new_name(name, "field")] = kind.lower()
        if isinstance(field, Mapping) and field.get("required"):
            needed.append(name)
    check_metadata_names(name for name, kind in schema.items() if kind not in BLOB_TYPES)
    return schema, needed
