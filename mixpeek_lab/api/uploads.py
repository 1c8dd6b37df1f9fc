"""Extractor packages coming in: an upload, the archive at its signed address, the checks."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, ThePlatform

router = APIRouter(tags=["extractors"])
"""Below an extractors' prefix."""
archives = APIRouter(tags=["extractors"])
"""What the addresses of uploads lead to: their signature stands in for the token."""

ARCHIVES = "/extractor-archives"
PIECE = 1024 * 1024
"""Bytes written at once."""


@router.post("/uploads")
def create(platform: ThePlatform, request: Request, body: JSONBody) -> Answer:
    """`{name, version?}` → `{upload_id, presigned_url, expires_at}`."""
    prefix = request.url.path.partition("/namespaces/")[0]
    address = f"{request.base_url.scheme}://{request.base_url.netloc}{prefix}{ARCHIVES}"
    return Answer(platform.uploads.create(body, address))


@router.post("/uploads/{upload_id}/confirm")
def confirm(platform: ThePlatform, upload_id: str, body: OptionalJSONBody) -> Answer:
    """Check the archive, and make it the extractor's current version where nothing is wrong."""
    return Answer(platform.uploads.confirm(upload_id, body))


@archives.put(ARCHIVES + "/{upload_id}")
async def receive(
    platform: ThePlatform, request: Request, upload_id: str, expires: str = "", signature: str = ""
) -> Response:
    """The archive's bytes, streamed to the disk. Answers their ETag, as object stores do."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else 0
    incoming = await run_in_threadpool(
        platform.uploads.receive, upload_id, expires, signature, size
    )
    with incoming:
        try:
            piece = bytearray()
            async for chunk in request.stream():
                piece += chunk
                if len(piece) >= PIECE:
                    await run_in_threadpool(incoming.write, bytes(piece))
                    piece.clear()
        except ClientDisconnect:
            return Response(status_code=400)
        await run_in_threadpool(incoming.write, bytes(piece))
        etag = await run_in_threadpool(incoming.finish)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})
