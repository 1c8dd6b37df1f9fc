"""Extractor packages coming in: an upload, the archive at its signed address, the checks."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.arrivals import address_of, taken_in
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, SignedPlatform, ThePlatform

router = APIRouter(tags=["extractors"])
"""Below an extractors' prefix."""
archives = APIRouter(tags=["extractors"])
"""What the addresses of uploads lead to: their signature stands in for the token."""

ARCHIVES = "/extractor-archives"


@router.post("/uploads")
def create(platform: ThePlatform, request: Request, body: JSONBody) -> Answer:
    """`{name, version?}` → `{upload_id, presigned_url, expires_at}`."""
    return Answer(platform.uploads.create(body, address_of(request, ARCHIVES, platform)))


@router.post("/uploads/{upload_id}/confirm")
def confirm(platform: ThePlatform, upload_id: str, body: OptionalJSONBody) -> Answer:
    """Check the archive, and make it the extractor's current version where nothing is wrong."""
    return Answer(platform.uploads.confirm(upload_id, body))


@archives.put(ARCHIVES + "/{namespace}/{upload_id}")
async def receive(
    platform: SignedPlatform,
    request: Request,
    upload_id: str,
    expires: str = "",
    signature: str = "",
) -> Response:
    """The archive's bytes, streamed to the disk. Answers their ETag, as object stores do."""
    return await taken_in(request, partial(platform.uploads.receive, upload_id, expires, signature))
