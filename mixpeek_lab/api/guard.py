"""Who may ask: loopback hosts with the lab's token, and nobody else."""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.envelope import error_answer

HOSTS = frozenset(("127.0.0.1", "localhost", "[::1]"))


class Guard:
    """ASGI middleware: checks the Host header against rebinding, then the bearer token.

    `open_paths` are open to all; what is PUT below `signed_paths` shows a signature instead.
    """

    def __init__(
        self, app: ASGIApp, token: str, open_paths: tuple[str, ...], signed_paths: tuple[str, ...]
    ) -> None:
        self._app, self._token = app, token.encode()
        self._open, self._signed = open_paths, signed_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "websocket":  # there are none, and there is no way to say more
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Answer | None:
        headers = Headers(scope=scope)
        if _host(headers.get("host", "")) not in HOSTS:
            return error_answer(
                421, "WrongHostError", "This endpoint answers on loopback addresses only."
            )
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in self._open or (scope["method"] == "PUT" and path.startswith(self._signed)):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        is_token = secrets.compare_digest(given.strip().encode(), self._token)
        if is_token and scheme.lower() == "bearer":
            return None
        return error_answer(
            401,
            "UnauthorizedError",
            "Send `Authorization: Bearer TOKEN`; lab.token has the token.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _host(value: str) -> str:
    """The host without its port: `127.0.0.1:8000` → `127.0.0.1`, `[::1]:80` → `[::1]`."""
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0].lower()
