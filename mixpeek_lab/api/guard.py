"""Who may ask: loopback hosts with the lab's token, and nobody else."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mixpeek_lab.api.envelope import error_response

HOSTS = frozenset(("127.0.0.1", "localhost", "[::1]", "::1", "testserver"))


class Guard:
    """ASGI middleware: checks the Host header against rebinding, then the bearer token."""

    def __init__(self, app: ASGIApp, token: str, open_paths: tuple[str, ...]) -> None:
        self._app, self._open = app, open_paths
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Any:
        headers = Headers(scope=scope)
        if _host(headers.get("host", "")) not in HOSTS:
            return error_response(
                421, "WrongHost", "This endpoint answers on loopback addresses only."
            )
        if scope["path"] in self._open:
            return None
        given = headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, self._expected):
            return error_response(
                401, "UnauthorizedError", "Send `Authorization: Bearer <token>` (lab.token)."
            )
        return None


def _host(value: str) -> str:
    """The host without its port: `127.0.0.1:8000` → `127.0.0.1`, `[::1]:80` → `[::1]`."""
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.rpartition(":")[0] if ":" in value else value
