"""What every request has: an id, which its answer, its errors and the log tell; and an end.

An exception that nobody expected ends here, inside the id: Starlette's own handler of last resort
stands outside all middleware.
"""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mixpeek_lab.api.envelope import unexpected
from mixpeek_lab.api.identity import REQUEST_ID, in_request

log = logging.getLogger(__name__)

_USABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""An id that may be told again in headers and logs."""


class Requests:
    """ASGI middleware: `X-Request-ID`, as the client gave it or a new one, and the last resort."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _USABLE.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        with in_request(name):
            await self._answer(name, scope, receive, send)

    async def _answer(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        begun, status = time.perf_counter(), 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = name
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except ClientDisconnect:
            log.info("request %s: the client went away", name)
        except Exception:
            log.exception("request %s: %s %r failed", name, scope["method"], scope["path"])
            if status:  # half of an answer is out: the server has to cut it off
                raise
            await unexpected()(scope, receive, tell)
        _note(name, scope, status, time.perf_counter() - begun)


def _note(name: str, scope: Scope, status: int, seconds: float) -> None:
    level = logging.WARNING if status >= 500 else logging.DEBUG
    if log.isEnabledFor(level):
        what = (name, scope["method"], scope["path"], status, seconds * 1e3)
        log.log(level, "request %s: %s %r answered %d after %.1f ms", *what)
