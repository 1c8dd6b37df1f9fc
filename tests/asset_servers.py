"""Servers on loopback for the tests of assets: HTTP that misbehaves on request, S3, GCS."""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

BODY = bytes(range(256)) * 64


class Handler(BaseHTTPRequestHandler):
    """`/ok`, `/redirect?to=…`, and one path per fault."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        self.server.seen.append((self.path, dict(self.headers)))
        name = url.path.strip("/").partition("/")[0].partition(".")[0]
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"_{name}")({k: v[0] for k, v in parse_qs(url.query).items()})
        self.close_connection = True

    def _head(self, status=200, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()

    def _ok(self, query):
        self._head(Content_Length=len(BODY))
        self.wfile.write(BODY)

    def _who(self, query):
        body = self.server.name.encode()
        self._head(Content_Length=len(body))
        self.wfile.write(body)

    def _files(self, query):
        """A file of `server.files`; `?bare=1` says neither ETag nor length and knows no ranges."""
        body = self.server.files.get(unquote(urlsplit(self.path).path).removeprefix("/files/"))
        if body is None:
            return self._head(404, Content_Length=0)
        if "bare" in query:
            self._head(Connection="close")
            self.wfile.write(body)
            return None
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if "Range" not in self.headers:
            self._head(ETag=etag, Content_Length=len(body))
            self.wfile.write(body)
            return None
        start, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
        part = body[int(start) : int(end) + 1]
        if not part:
            return self._head(416, Content_Range=f"bytes */{len(body)}", Content_Length=0)
        about = f"bytes {start}-{int(start) + len(part) - 1}/{len(body)}"
        self._head(206, ETag=etag, Content_Range=about, Content_Length=len(part))
        self.wfile.write(part)
        return None

    def _redirect(self, query):
        self._head(int(query.get("status", 302)), Location=query["to"], Content_Length=0)

    def _again(self, query):
        left = int(query["left"])
        self._head(302, Location=f"/again?left={left - 1}" if left else "/ok", Content_Length=0)

    def _status(self, query):
        self._head(int(query["code"]), Content_Length=0)

    def _huge(self, query):
        self._head(Content_Length=10**12)

    def _digits(self, query):
        self._head(Content_Length="9" * 5000)

    def _short(self, query):
        self._head(Content_Length=len(BODY) + 1)
        self.wfile.write(BODY)

    def _endless(self, query):
        self._head(Connection="close")
        while not self.server.stopping.is_set():
            self.wfile.write(BODY)

    def _silent(self, query):
        self._head(Content_Length=10)
        self.server.stopping.wait(30)

    def _drip(self, query):
        """One byte now and then, quicker than any timeout of reading; for ever."""
        for byte in b"HTTP/1.1 200 OK\r\n" if "head" in query else b"":
            self._one(bytes([byte]))
        if "head" not in query:
            self._head(Connection="close")
        else:
            self._one(b"X-Long: ")
        until = time.monotonic() + 30
        while time.monotonic() < until and not self.server.stopping.is_set():
            self._one(b"x")
            time.sleep(0.05)

    def _one(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *arguments):
        pass


@contextmanager
def http_server(host="127.0.0.1", port=0, name="first", tls=None):
    """A running server; `server.url` is its root, `server.seen` what it was asked."""
    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    server.name, server.seen, server.stopping = name, [], threading.Event()
    server.files = {}
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.port = server.server_address[1]
    server.url = f"{'https' if tls else 'http'}://{host}:{server.port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def s3_server():
    """A real S3 protocol server; gives its URL."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def s3_client(url, monkeypatch, bucket="media"):
    """A client of the server's bucket, and the environment of somebody who uses it."""
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=url)
    client.create_bucket(Bucket=bucket)
    return client


@contextmanager
def gcs_server(monkeypatch, bucket="media"):
    """A real GCS protocol server with one bucket, in the environment; gives its port."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=bucket)
    server.start()
    port = server._api._httpd.socket.getsockname()[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    try:
        yield port
    finally:
        server.stop()
