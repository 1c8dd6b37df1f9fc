"""The HTTP port: a free one, or the one that was asked for, on loopback."""

from __future__ import annotations

import socket

from mixpeek_lab.errors import EngineError

HOST = "127.0.0.1"


def claim(port: int) -> int:
    """`port` where it is free, or any free port for 0. EngineError where it is taken."""
    with socket.socket() as probe:
        # As the server does: a port whose last connections are closing can be taken again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise EngineError(
                f"Port {port} on {HOST} cannot be used: {error}. Give Lab another `port`, "
                "or none: a free one is found then."
            ) from error
        chosen: int = probe.getsockname()[1]
        return chosen
