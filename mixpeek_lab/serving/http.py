"""The gateway's HTTP server: uvicorn on loopback, in the gateway's own replica.

Serve's proxy would be one more process on the way of every request, and would answer paths of its
own without asking for a token.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mixpeek_lab.serving.connections import bounded_protocol
from mixpeek_lab.serving.ports import listen

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: clients keep theirs for about a minute."""


class HTTPServer:
    """Serves one ASGI app on the running event loop, from when it is made until `stop`."""

    def __init__(self, app: Any, port: int) -> None:
        """Raises EngineError where the port is taken."""
        import uvicorn

        config = uvicorn.Config(
            app,
            http=bounded_protocol(),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._server = uvicorn.Server(config)
        # It listens from here on: who comes before the loop's next turn waits a moment.
        self._task = asyncio.get_running_loop().create_task(
            self._server.serve(sockets=[listen(port)])
        )

    def stop(self) -> None:
        """Take no more requests, and end once those under way are answered."""
        self._server.should_exit = True
