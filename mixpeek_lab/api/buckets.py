"""`/v1/buckets`: what goes into the lab."""

from __future__ import annotations

from fastapi import APIRouter

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, ThePlatform
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import ThePage, by

router = APIRouter(prefix="/buckets", tags=["buckets"])


@router.post("")
def create(platform: ThePlatform, body: JSONBody) -> Answer:
    """`{bucket_name, blob_schema: {field: {type}}}`, or `bucket_schema: {properties: {…}}`."""
    return Answer(platform.buckets.create(body))


@router.get("")
def list_all(platform: ThePlatform, page: ThePage) -> Answer:
    """All buckets, by name."""
    return Answer(page.of(platform.buckets.list_all(), by("bucket_name")))


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(platform: ThePlatform, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(page.of(platform.buckets.list_all(), by("bucket_name")))


@router.get("/{bucket}")
def get(platform: ThePlatform, bucket: str) -> Answer:
    """One bucket, by id or name."""
    return Answer(platform.buckets.get(bucket))


@router.patch("/{bucket}")
@router.put("/{bucket}")
def patch(platform: ThePlatform, bucket: str, body: JSONBody) -> Answer:
    """Another name, description, metadata, or a schema with more fields."""
    return Answer(platform.buckets.patch(bucket, body))


@router.delete("/{bucket}")
def delete(platform: ThePlatform, bucket: str) -> Answer:
    """Remove a bucket with its objects. 409 while a collection is made of it."""
    platform.buckets.delete(bucket)
    return Answer({"success": True})
