"""What goes in: buckets, objects and blobs; and what is made of them: collections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from mixpeek_lab.models.extractors import IndexKind
from mixpeek_lab.models.json import JSON

FieldType = Literal[
    "string", "number", "integer", "float", "boolean", "object", "array", "date",
    "datetime", "text", "image", "audio", "video", "pdf",
]  # fmt: skip
FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
BLOB_TYPES = ("text", "image", "audio", "video", "pdf")


CONTRACT_COLUMNS = (
    "data", "document_id", "object_id", "blob_type", "blob_property", "mime_type",
    "blob_id", "collection_id", "feature_extractor_id", "size_bytes",
)  # fmt: skip
"""The columns that every processor gets."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One property of an object that extractors read."""

    blob_id: str
    property: str
    type: str
    data: str
    """Text itself for text, a URL for everything else."""
    mime_type: str
    content_hash: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BucketObject:
    """One thing that a user put in: its blobs and its metadata."""

    object_id: str
    bucket_id: str
    blobs: tuple[Blob, ...]
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A named set of objects."""

    bucket_id: str
    name: str
    schema: Mapping[str, str]
    """Blob properties and metadata fields → field type."""
    created_at: str
    object_count: int = 0
    notes: tuple[str, ...] = ()
    """Sentences about what it was just made of: files left out, rows without text, …"""
    details: Mapping[str, JSON] = field(default_factory=dict)
    """What else was said of it when it was made: `description`, `metadata`, `required` fields."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How one collection is indexed. Named features override the manifest."""

    analyzer: str = "english"
    """`english` (stop words and Snowball stemming), `plain`, or another Snowball language."""
    kinds: Mapping[str, IndexKind] = field(default_factory=dict)


SourceKind = Literal["bucket", "collection"]


@dataclass(frozen=True, slots=True)
class CollectionSource:
    """What a collection is made of: buckets, or the documents of other collections."""

    kind: SourceKind
    ids: tuple[str, ...]
    """One at least, in the order in which they are read."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The documents that one extractor version made out of buckets or other collections."""

    collection_id: str
    name: str
    source: CollectionSource
    extractor: str
    extractor_version: str
    extractor_digest: str
    parameters: Mapping[str, JSON]
    settings: IndexSettings
    created_at: str
    snapshot: int | None = None
    """Number of the snapshot that readers see; None before the first run."""
    document_count: int = 0
    details: Mapping[str, JSON] = field(default_factory=dict)
    """What else was said of it when it was made: `description`, `metadata`, `input_mappings`."""

    @property
    def properties(self) -> tuple[str, ...]:
        """The blob properties or document fields that it is made of.

        Where it is empty: all properties of a bucket, the `data` of a collection.
        """
        return tuple(self.details.get("properties", ()))

    @property
    def is_enabled(self) -> bool:
        """Whether what is new in its source is processed."""
        return bool(self.details.get("enabled", True))

    @property
    def is_derived(self) -> bool:
        """Whether it is made of other collections."""
        return self.source.kind == "collection"

    def reads(self, kind: SourceKind, key: str) -> bool:
        """Whether it is made of the bucket or collection with that id, without steps between."""
        return self.source.kind == kind and key in self.source.ids
