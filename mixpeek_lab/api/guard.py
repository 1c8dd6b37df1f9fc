"""Who may ask: programs of this machine with the lab's token, and nobody else.

A page in a browser is not one of them, wherever it comes from: it shows itself by its Origin, or
by Sec-Fetch-Site; and one that had its own name lead here (DNS rebinding), by its Host.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.bodies import MOST_BODY
from mixpeek_lab.api.envelope import error_answer

HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
MOST_TARGET = 8 * 1024
"""Characters of path and query."""
MOST_HEADERS = 32 * 1024
"""Bytes of all names and values."""
CLOSE = {"Connection": "close"}


class Guard:
    """ASGI middleware: sizes, the Host and Origin headers, then the bearer token.

    `open_paths` are open to all; what is PUT below the paths of `signed` shows a signature instead,
    and has so many bytes at most.
    """

    def __init__(
        self, app: ASGIApp, token: str, open_paths: tuple[str, ...], signed: Mapping[str, int]
    ) -> None:
        self._app, self._token = app, token.encode()
        self._open, self._signed = open_paths, signed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "websocket":  # there are none, and there is no way to say more
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Answer | None:
        headers = Headers(scope=scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        files = [most for start, most in self._signed.items() if path.startswith(start)]
        is_signed = bool(files) and scope["method"] == "PUT"
        most = files[0] if is_signed else MOST_BODY
        refusal = _strange(scope, headers) or _too_large(scope, headers, most)
        if refusal or is_signed or path in self._open or self._has_token(headers):
            return refusal
        return error_answer(
            401,
            "UnauthorizedError",
            "Send `Authorization: Bearer TOKEN`; lab.token has the token.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        is_token = secrets.compare_digest(given.strip().encode(), self._token)
        return is_token and scheme.lower() == "bearer"


def _strange(scope: Scope, headers: Headers) -> Answer | None:
    """A refusal for what is addressed to another host, or sent by a page."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        return error_answer(
            421, "WrongHostError", "This endpoint answers on loopback addresses only."
        )
    own = f"{scope.get('scheme', 'http')}://{hosts[0]}".lower()
    is_foreign = any(origin.lower() != own for origin in headers.getlist("origin"))
    if is_foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return error_answer(
            403, "WrongOriginError", "Pages of other origins may not use this endpoint: ask from "
            "a program, or from the notebook's kernel.",
        )  # fmt: skip
    return None


def _too_large(scope: Scope, headers: Headers, most: int) -> Answer | None:
    """A refusal by what the request says of itself; what it does not say is counted later."""
    target = len(scope.get("raw_path") or scope["path"]) + len(scope.get("query_string", b""))
    if target > MOST_TARGET:
        said = f"The address has {target:,} characters: {MOST_TARGET:,} at most."
        return error_answer(414, "TooLongError", said, headers=CLOSE)
    size = sum(len(name) + len(value) for name, value in headers.raw)
    if size > MOST_HEADERS:
        said = f"The headers have {size:,} bytes: {MOST_HEADERS:,} at most."
        return error_answer(431, "TooLongError", said, headers=CLOSE)
    announced = headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > most):
        said = f"What is sent has at most {most // 1024**2} MB."
        return error_answer(413, "TooLargeError", said, headers=CLOSE)
    return None
