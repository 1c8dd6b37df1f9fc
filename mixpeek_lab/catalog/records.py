"""The catalog's records as values, and how they are read from rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from mixpeek_lab.models import (
    JSON,
    Bucket,
    Collection,
    CollectionSource,
    ComputeProfile,
    Feature,
    IndexSettings,
    Manifest,
)
from mixpeek_lab.source import ExtractorSource


@dataclass(frozen=True, slots=True)
class ExtractorRecord:
    """One content-addressed version of an extractor."""

    source: ExtractorSource
    manifest: Manifest
    created_at: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RetrieverRecord:
    """A stored retriever: its id, name and JSON body."""

    retriever_id: str
    name: str
    body: Mapping[str, JSON]
    created_at: str
    notes: tuple[str, ...] = ()
    """What to know about it, where it was just defined."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The document of another collection that a row is."""

    collection_id: str
    document_id: str
    chain: str
    """The steps from its object to it, as JSON."""


@dataclass(frozen=True, slots=True)
class InputRow:
    """One blob, or a field of another collection's document, as a run sees it."""

    object_id: str
    blob_id: str
    property: str
    type: str
    data: str
    mime_type: str
    content_hash: str
    size_bytes: int
    metadata: str
    metadata_hash: str
    bucket_id: str = ""
    """The bucket of its object."""
    parent: Parent | None = None
    """The document that it is, where it is one of another collection."""

    def place(self) -> tuple[str, ...]:
        """What it is and where it lies: ids that no other row of a collection has."""
        if self.parent is None:
            return self.bucket_id, self.object_id
        return self.parent.collection_id, self.parent.document_id, self.object_id

    def is_among(self, chosen: frozenset[str]) -> bool:
        """Whether it is one of those: `*`, `id`, `source/*` or `source/id`.

        The id is its object's, or its document's in another collection; its source is the bucket
        or that collection.
        """
        source, key = self.place()[:2]
        return not chosen.isdisjoint(("*", key, f"{source}/*", f"{source}/{key}"))


def now() -> str:
    """The time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id(prefix: str) -> str:
    """A fresh id: `bkt_1f0c…`."""
    return f"{prefix}_{uuid4().hex[:16]}"


def to_extractor(row: sqlite3.Row) -> ExtractorRecord:
    """One version of an extractor."""
    name, files = json.loads(row["files"])
    source = ExtractorSource(name, tuple((path, text) for path, text in files))
    return ExtractorRecord(
        source, _manifest(json.loads(row["manifest"])), row["created_at"], bool(row["is_current"])
    )


def _manifest(body: dict[str, Any]) -> Manifest:
    features = tuple(Feature(**{**f, "labels": tuple(f["labels"])}) for f in body.pop("features"))
    profile = ComputeProfile(**body.pop("compute_profile"))
    lists = ("supported_input_types", "dependencies", "system_packages")
    values: dict[str, Any] = {
        key: tuple(value) if key in lists else value for key, value in body.items()
    }
    return Manifest(features=features, compute_profile=profile, **values)


def to_bucket(row: sqlite3.Row) -> Bucket:
    """A bucket; the row has its object count as `n`."""
    schema = json.loads(row["schema"])
    details = json.loads(row["details"])
    return Bucket(
        row["bucket_id"], row["name"], schema, row["created_at"], row["n"], details=details
    )


def to_collection(row: sqlite3.Row) -> Collection:
    """A collection."""
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["parameters"] = json.loads(values["parameters"])
    values["details"] = json.loads(values["details"])
    values["settings"] = IndexSettings(**json.loads(values["settings"]))
    source = json.loads(values["source"])
    values["source"] = CollectionSource(source["kind"], tuple(source["ids"]))
    return Collection(**values)


def to_retriever(row: sqlite3.Row) -> RetrieverRecord:
    """A retriever."""
    return RetrieverRecord(
        row["retriever_id"], row["name"], json.loads(row["body"]), row["created_at"]
    )
