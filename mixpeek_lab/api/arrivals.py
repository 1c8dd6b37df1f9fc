"""Files that are PUT to a signed address: streamed to the disk, answered with their ETag."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from mixpeek_lab.api.bodies import arriving
from mixpeek_lab.workbench.platform import Platform
from mixpeek_lab.workbench.platform.incoming import Incoming

PIECE = 1024 * 1024
"""Bytes written at once."""


def address_of(request: Request, path: str, platform: Platform) -> str:
    """The full address of a path of this API for one namespace, as the client reaches it."""
    start = f"{request.base_url.scheme}://{request.base_url.netloc}/v1{path}"
    return f"{start}/{platform.namespace_id}"


async def taken_in(request: Request, begin: Callable[[int], Incoming]) -> Response:
    """Take the body in, as object stores do. `begin` is given the announced bytes, 0 if none."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else 0
    incoming = await run_in_threadpool(begin, size)
    with incoming:
        try:
            piece = bytearray()
            async for chunk in arriving(request):
                piece += chunk
                if len(piece) >= PIECE:
                    await run_in_threadpool(incoming.write, bytes(piece))
                    piece.clear()
        except ClientDisconnect:
            return Response(status_code=400)
        await run_in_threadpool(incoming.write, bytes(piece))
        etag = await run_in_threadpool(incoming.finish)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})
