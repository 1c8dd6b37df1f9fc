"""Blobs and objects with ids that stay the same for as long as their content does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from mixpeek_lab.models import Blob, BucketObject
from mixpeek_lab.workbench.looking import Found


@dataclass(frozen=True, slots=True)
class Loaded:
    """Objects ready for a bucket, and the schema they follow."""

    objects: list[BucketObject]
    metadata_hashes: list[str]
    schema: dict[str, str]
    notes: tuple[str, ...] = ()
    """What of the source could not be used as it was, in sentences."""


def loaded(
    objects: list[BucketObject], schema: dict[str, str], notes: Sequence[str] = ()
) -> Loaded:
    """The objects with the hashes of their metadata."""
    hashes = [_hash(json.dumps(item.metadata, sort_keys=True)) for item in objects]
    return Loaded(objects, hashes, schema, tuple(notes))


def text_blob(prop: str, value: str, key: str, mime_type: str = "text/plain") -> Blob:
    """A text blob of the object `key`."""
    size = len(value.encode())
    return Blob(_blob_id(key, prop), prop, "text", value, mime_type, _hash(value), size)


def found_blob(prop: str, found: Found, key: str) -> Blob:
    """A blob of the object `key` out of a file: its URL, or its text where it is text."""
    if found.kind == "text":
        return text_blob(prop, found.text, key, found.mime_type)
    # The URL counts as content: documents carry it, and must follow when the file moves.
    digest = _hash(f"{found.url}\0{found.version}")
    kind, mime, size = found.kind, found.mime_type, found.size_bytes
    return Blob(_blob_id(key, prop), prop, kind, found.url, mime, digest, size)


def object_id(key: str) -> str:
    """The id of the object that users know as `key`."""
    return f"obj_{_hash(key)[:20]}"


def _blob_id(key: str, prop: str) -> str:
    return f"blob_{_hash(f'{key}{chr(0)}{prop}')[:20]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
