"""`/v1/buckets/{bucket}/uploads`: files that become blobs of the bucket's objects."""

from __future__ import annotations

from collections import Counter
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.arrivals import address_of, taken_in
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, SignedPlatform, ThePlatform
from mixpeek_lab.api.listing import NoNarrowing
from mixpeek_lab.api.pages import Page, ThePage, by
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform import Platform

router = APIRouter(prefix="/buckets/{bucket}/uploads", tags=["uploads"])
files = APIRouter(tags=["uploads"])
"""What the addresses of uploads lead to: their signature stands in for the token."""

FILES = "/blob-uploads"


@router.post("")
def create(platform: ThePlatform, request: Request, bucket: str, body: JSONBody) -> Answer:
    """`{filename, content_type, blob_property?}` → `{upload_id, presigned_url, …}`."""
    return Answer(platform.blob_uploads.create(bucket, body, address_of(request, FILES, platform)))


@router.get("")
def list_all(platform: ThePlatform, bucket: str, page: ThePage) -> Answer:
    """The bucket's uploads, newest first."""
    return Answer(_listed(platform, bucket, page))


@router.post("/list", dependencies=[NoNarrowing])
def list_by_post(platform: ThePlatform, bucket: str, page: ThePage) -> Answer:
    """The same, as Mixpeek's client asks."""
    return Answer(_listed(platform, bucket, page))


@router.get("/{upload_id}")
def get(platform: ThePlatform, bucket: str, upload_id: str) -> Answer:
    """One upload."""
    return Answer(platform.blob_uploads.get(bucket, upload_id))


@router.post("/{upload_id}/confirm")
def confirm(platform: ThePlatform, bucket: str, upload_id: str, body: OptionalJSONBody) -> Answer:
    """Make an object of the file that arrived, unless that was not wanted."""
    return Answer(platform.blob_uploads.confirm(bucket, upload_id, body))


@router.delete("/{upload_id}")
def delete(platform: ThePlatform, bucket: str, upload_id: str) -> Answer:
    """Forget an upload with its file. 409 where an object is made of it."""
    platform.blob_uploads.delete(bucket, upload_id)
    return Answer({"success": True})


@files.put(FILES + "/{namespace}/{upload_id}")
async def receive(
    platform: SignedPlatform,
    request: Request,
    upload_id: str,
    expires: str = "",
    signature: str = "",
) -> Response:
    """The file's bytes, streamed to the disk. Answers their ETag, as object stores do."""
    begin = partial(platform.blob_uploads.receive, upload_id, expires, signature)
    return await taken_in(request, begin)


def _listed(platform: Platform, bucket: str, page: Page) -> dict[str, JSON]:
    found = platform.blob_uploads.list_all(bucket)
    sizes = [upload["file_size_bytes"] or 0 for upload in found]
    stats = {
        "total_uploads": len(found),
        "total_size_bytes": sum(sizes),
        "avg_file_size_bytes": sum(sizes) / len(sizes) if sizes else 0.0,
        "uploads_by_status": Counter(upload["status"] for upload in found),
        "unique_buckets": 1,
    }
    return {**page.of(found, by("created_at", "upload_id"), is_falling=True), "stats": stats}
