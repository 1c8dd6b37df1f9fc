"""Buckets: a name, and the fields that their objects have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

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

NAMES = ("bucket_name", "name")
FIELDS = (*NAMES, "blob_schema", "bucket_schema", "description", "metadata")


class Buckets:
    """Buckets by id or name."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """A new bucket. ConflictError where its name is taken."""
        demand_known(body, FIELDS)
        name = new_name(required(body, NAMES, str), "bucket")
        schema, needed = _schema(body)
        told = {**details(body), **({"required": needed} if needed else {})}
        return self._record(self._catalog.create_bucket(name, schema, told))

    def list_all(self) -> list[JSON]:
        """All buckets, by name."""
        return [self._record(bucket) for bucket in self._catalog.buckets()]

    def get(self, key: str) -> dict[str, JSON]:
        """One bucket."""
        return self._record(self._catalog.bucket(key))

    def patch(self, key: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Another name, description, metadata or schema.

        ConflictError where a schema lacks a field that there are objects of, or gives it another
        type.
        """
        demand_known(body, FIELDS)
        with self._catalog.together():
            bucket = self._catalog.bucket(key)
            self._catalog.update_bucket(_changed(bucket, body))
        return self.get(bucket.bucket_id)

    def delete(self, key: str) -> None:
        """Remove a bucket with its objects. ConflictError where a collection is made of it."""
        bucket = self._catalog.bucket(key)
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


def _changed(bucket: Bucket, body: Mapping[str, JSON]) -> Bucket:
    """The bucket with what the body gives in place of what it had."""
    told, schema = {**bucket.details, **details(body)}, dict(bucket.schema)
    if any(body.get(name) is not None for name in ("blob_schema", "bucket_schema")):
        schema, needed = _schema(body)
        told["required"] = needed
        _demand_kept(bucket, schema)
    named = any(body.get(name) is not None for name in NAMES)
    name = new_name(required(body, NAMES, str), "bucket") if named else bucket.name
    return replace(bucket, name=name, schema=schema, details=told)


def _demand_kept(bucket: Bucket, schema: Mapping[str, str]) -> None:
    for name, kind in bucket.schema.items():
        if bucket.object_count and schema.get(name) != kind:
            raise ConflictError(
                f"Bucket {bucket.name!r} has {bucket.object_count} objects with {name} as {kind}: "
                "a schema can gain fields, and keeps those it has."
            )
