"""`/v1/collections`: what extractors make of buckets."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, ThePlatform
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import ThePage, by

router = APIRouter(prefix="/collections", tags=["collections"])


@router.post("")
def create(platform: ThePlatform, body: JSONBody) -> Answer:
    """`{collection_name, source, feature_extractor}`. Its documents come in the background."""
    return Answer(platform.collections.create(body))


@router.get("")
def list_all(platform: ThePlatform, page: ThePage) -> Answer:
    """All collections, by name."""
    return Answer(page.of(platform.collections.list_all(), by("collection_name")))


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(platform: ThePlatform, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(page.of(platform.collections.list_all(), by("collection_name")))


@router.get("/{collection}")
def get(platform: ThePlatform, collection: str) -> Answer:
    """One collection, by id or name."""
    return Answer(platform.collections.get(collection))


@router.patch("/{collection}")
def patch(platform: ThePlatform, collection: str, body: JSONBody) -> Answer:
    """Another description, metadata or source; `enabled` false leaves what is new unprocessed."""
    return Answer(platform.collections.patch(collection, body))


@router.delete("/{collection}")
def delete(platform: ThePlatform, collection: str) -> Answer:
    """Remove a collection with its documents. 409 while something searches, reads or makes it."""
    platform.collections.delete(collection)
    return Answer({"success": True})


@router.get("/{collection}/features")
def features(platform: ThePlatform, collection: str, page: ThePage) -> Answer:
    """What its documents can be searched by."""
    found = platform.collections.features(collection)
    return Answer({"features": found, **page.of(found)})


@router.post("/{collection}/trigger")
def trigger(platform: ThePlatform, collection: str, body: OptionalJSONBody) -> Answer:
    """Bring it up to date: `{dedup_strategy?, object_ids?, …}` → `{batch_id, task_id, …}`."""
    return Answer(platform.collections.trigger(collection, body), 202)
