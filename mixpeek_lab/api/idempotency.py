"""`Idempotency-Key`: what creates something may be sent again, and is done once."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from functools import cache

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mixpeek_lab.api.backend import Backend, backend_for
from mixpeek_lab.api.bodies import read_body
from mixpeek_lab.api.envelope import answer_to, error_answer, unexpected
from mixpeek_lab.api.naming import HEADER as NAMESPACE
from mixpeek_lab.api.openapi import creating_paths
from mixpeek_lab.errors import BodyError, LabError, StillRunningError
from mixpeek_lab.workbench.platform.request_keys import KeptAnswer, RequestKeys

HEADER = "idempotency-key"
WAIT = 10.0
"""Seconds that a repetition waits for the first one's answer."""
PAUSE = 0.05
_KEY = re.compile(r"[!-~]{1,255}")


class Idempotency:
    """ASGI middleware for the POSTs of `of` that create, as its description names them."""

    def __init__(self, app: ASGIApp, of: FastAPI) -> None:
        self._app, self._of = app, of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it as it was answered before."""
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if key is None or scope["method"] != "POST" or not await self._creates(scope):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(key, scope, receive)
        except LabError as error:
            answer = answer_to(error)
        except HTTPException as error:
            answer = error_answer(error.status_code, "TooSlowError", str(error.detail))
        await answer(scope, receive, send)

    async def _answer(self, key: str, scope: Scope, receive: Receive) -> Response:
        if not _KEY.fullmatch(key):
            raise BodyError.at("Idempotency-Key", "has 1 to 255 letters, digits and signs.")
        backend: Backend = await backend_for(self._of.state.backend, scope)
        keys = backend.platform.request_keys
        body = await read_body(Request(scope, receive))
        kept = await _begun(keys, key, _fingerprint(scope, body))
        if kept is not None:
            return _response(kept, {"Idempotency-Replayed": "true"})
        try:
            with keys.answering(key):
                answer = await self._captured(scope, receive, body)
        except Exception:
            failed = unexpected()
            kept = KeptAnswer(500, failed.media_type or "", bytes(failed.body))
            await run_in_threadpool(keys.end, key, kept)
            raise
        found = KeptAnswer(answer.status_code, answer.media_type or "", bytes(answer.body))
        await run_in_threadpool(keys.end, key, found)
        return answer

    async def _captured(self, scope: Scope, receive: Receive, body: bytes) -> Response:
        """The app's whole answer."""
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        answer, found = Response(), bytearray()

        async def again() -> Message:
            return pending.pop() if pending else await receive()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status_code, answer.raw_headers = message["status"], message["headers"]
                answer.media_type = answer.headers.get("content-type")
            else:
                found.extend(message.get("body", b""))

        await self._app(scope, again, keep)
        answer.body = bytes(found)
        return answer

    async def _creates(self, scope: Scope) -> bool:
        """Whether it is one of the paths that create, by the app's own description."""
        templates = creating_paths(await run_in_threadpool(self._of.openapi))
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return any(_pattern(template).fullmatch(path) for template in templates)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{\w+}", "[^/]+", template))


async def _begun(keys: RequestKeys, key: str, fingerprint: str) -> KeptAnswer | None:
    """What is kept; None where it is to be done. Waits a while for whoever is at it."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            return await run_in_threadpool(keys.begin, key, fingerprint)
        except StillRunningError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE)


def _fingerprint(scope: Scope, body: bytes) -> str:
    namespace = Headers(scope=scope).get(NAMESPACE, "")
    parts = (scope["path"].encode(), scope["query_string"], namespace.encode(), body)
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _response(kept: KeptAnswer, headers: dict[str, str]) -> Response:
    return Response(kept.body, kept.status, headers, kept.media_type)
