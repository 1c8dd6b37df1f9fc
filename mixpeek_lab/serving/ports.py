"""The HTTP port: a free one, or the one that was asked for, on loopback."""

from __future__ import annotations

import socket

from mixpeek_lab.errors import EngineError

HOST = "127.0.0.1"


def claim(port: int) -> int:
    """`port` where it is free, or any free port for 0. EngineError where it is taken."""
    with _bound(port) as probe:
        chosen: int = probe.getsockname()[1]
        return chosen


def demand_free(port: int) -> None:
    """EngineError where the port is taken; 0 never is. Quicker to know than by starting Ray."""
    claim(port)


def listen(port: int) -> socket.socket:
    """A socket that takes connections on the port. EngineError where it is taken."""
    found = _bound(port)
    found.listen(128)
    return found


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    try:
        # A port whose last connections are closing can be taken again.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HOST, port))
    except (OSError, OverflowError) as error:
        found.close()
        raise EngineError(
            f"Port {port} on {HOST} cannot be used: {error}. Give another port, or none: a free "
            "one is found then."
        ) from error
    return found
