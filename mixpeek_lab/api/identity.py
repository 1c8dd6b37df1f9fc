"""The id of the request that is answered here: in its thread, and in what it awaits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST_ID = "X-Request-ID"
"""The header that carries it, both ways."""

_current: ContextVar[str] = ContextVar("mixpeek_lab_request", default="")


@contextmanager
def in_request(name: str) -> Iterator[None]:
    """Within the block `request_id()` is this one."""
    token = _current.set(name)
    try:
        yield
    finally:
        _current.reset(token)


def request_id() -> str:
    """The id of the request at hand; empty outside of one."""
    return _current.get()
