"""Platforms on loopback: our own API behind uvicorn, and one that replays recorded exchanges."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The ASGI app on a free port of loopback; its URL."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class Recorded:
    """Answers each request with the next of its recorded exchanges, and keeps what was asked.

    An exchange is `{"request": {"method", "path"}, "response": {"status", "headers", "body"}}`.
    `{HOST}` in it is this server's address, `{OTHER}` another's.
    """

    def __init__(self, exchanges: list[Any]) -> None:
        self._left, self.asked = list(exchanges), []
        self.other = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                outer._answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def left(self) -> list[Any]:
        """The exchanges that did not take place yet."""
        return self._left

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(size)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append((handler.command, handler.path, headers, body))
        wanted = self._left.pop(0) if self._left else None
        told = wanted["response"] if wanted and self._is(wanted, handler) else None
        if told is None:
            told = {"status": 599, "body": {"error": {"message": f"expected {wanted}"}}}
        self._send(handler, told)

    def _is(self, wanted: Any, handler: BaseHTTPRequestHandler) -> bool:
        asked = wanted["request"]
        return (asked["method"], asked["path"]) == (handler.command, handler.path)

    def _send(self, handler: BaseHTTPRequestHandler, told: Any) -> None:
        if told.get("drop"):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        body = told.get("body", "")
        text = body if isinstance(body, str) else json.dumps(body)
        content = text.replace("{HOST}", self.url).replace("{OTHER}", self.other).encode()
        handler.send_response(told["status"])
        for name, value in told.get("headers", {}).items():
            shown = value.replace("{HOST}", self.url).replace("{OTHER}", self.other)
            handler.send_header(name, shown)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
