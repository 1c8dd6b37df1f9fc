"""The API behind the gateway's own HTTP server, on a real port; and sockets to be rude with."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mixpeek_lab.serving.http import HTTPServer
from mixpeek_lab.serving.ports import claim


@contextmanager
def served(app: Any) -> Iterator[int]:
    """The app's port, for as long as the block lasts."""
    port, ready, done = claim(0), threading.Event(), threading.Event()

    async def serve() -> None:
        server = HTTPServer(app, port)
        ready.set()
        while not done.is_set():
            await asyncio.sleep(0.02)
        server.stop()
        await server._task

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield port
    finally:
        done.set()
        thread.join(10)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def exchange(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these very bytes; the answer's status, headers and body. 0 where the server hung up."""
    with connected(port) as line:
        line.sendall(request)
        return answer_on(line)


def answer_on(line: socket.socket) -> tuple[int, dict[str, str], bytes]:
    found = bytearray()
    try:
        while b"\r\n\r\n" not in found:
            piece = line.recv(65536)
            if not piece:
                return 0, {}, bytes(found)
            found += piece
        head, _, body = bytes(found).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (each.partition(":") for each in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            piece = line.recv(65536)
            if not piece:
                break
            body += piece
    except ConnectionResetError:
        return 0, {}, b""
    return int(first.split()[1]), headers, body


def request(method: str, path: str, token: str | None, body: Any = None, **headers: str) -> bytes:
    """A request as bytes. `headers`: `x_request_id="a"`; `host` and `content_length` may lie."""
    content = (
        b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    )
    told = {"host": "127.0.0.1", **({"authorization": f"Bearer {token}"} if token else {})}
    if content:
        told["content-length"] = str(len(content))
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content
