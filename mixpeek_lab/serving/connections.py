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

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Bounded(asyncio.Protocol):
    """What is put before uvicorn's protocol. A connection is in a head, or in a request."""

    cycle: Any
    """uvicorn's request that is being answered, or was answered last; None before the first."""
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _head = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on, and count those of heads."""
        before, is_answering = self.cycle, self._is_answering
        if not is_answering and self._timer is None:
            self._wait()
        super().data_received(data)
        if is_answering or self.cycle is not before:
            self._done()
            return
        self._head += len(data)
        if self._head > MOST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    @property
    def _is_answering(self) -> bool:
        """Whether a request is under way: its answer, or the rest of its body."""
        if self.cycle is None:
            return False
        return not self.cycle.response_complete or bool(self.cycle.more_body)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _done(self) -> None:
        self._head = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded_protocol() -> type[asyncio.Protocol]:
    """uvicorn's protocol within these bounds, whichever parser it has."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    return type("BoundedProtocol", (Bounded, AutoHTTPProtocol), {})
