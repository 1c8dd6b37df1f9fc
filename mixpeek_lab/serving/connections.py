"""Connections that cannot be held open: heads of requests arrive whole, small and soon.

Event loops do not mind slow clients, but each one keeps a connection, and what it has sent. The
parser that uvicorn uses keeps a head of any size.
"""

from __future__ import annotations

import asyncio
from typing import Any

MOST_HEAD = 64 * 1024
"""Bytes of a request's first line and headers, with what came along with them."""
HEAD_SECONDS = 30.0
"""How long they may take to arrive."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def bounded_protocol() -> type[asyncio.Protocol]:
    """uvicorn's protocol, within these bounds."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol

    class BoundedProtocol(base):  # type: ignore[misc]
        """One connection: between requests, in a head, or in a body."""

        _head = 0
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._done()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if not self._is_in_head:
                super().data_received(data)
                return
            self._head += len(data)
            before = self.cycle
            if self._timer is None:
                self._wait()
            super().data_received(data)
            if self.cycle is not before:
                self._done()
            elif self._head > MOST_HEAD:
                self._refuse()

        @property
        def _is_in_head(self) -> bool:
            return self.cycle is None or bool(self.cycle.response_complete)

        def _wait(self) -> None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

        def _done(self) -> None:
            self._head = 0
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _refuse(self) -> None:
            if not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    return BoundedProtocol
