"""Assets over HTTP: redirects are followed by hand, each to an address that was checked."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, BinaryIO

import httpx

from mixpeek_lab.assets.addresses import checked_addresses
from mixpeek_lab.assets.calls import HTTPAnswer, HTTPRequest
from mixpeek_lab.assets.limits import AssetLimits, Deadline
from mixpeek_lab.assets.peeks import Peek
from mixpeek_lab.assets.problems import AssetError, redacted
from mixpeek_lab.version import __version__

_HEADERS = {"User-Agent": f"mixpeek-lab/{__version__}", "Accept-Encoding": "identity"}
_PORTS = {"http": 80, "https": 443}
_ADVICE = {
    401: "It wants credentials: use a signed URL.",
    403: "It is not for everybody; a signed URL may have expired: make a new one.",
    404: "Check the path.",
    410: "Check the path.",
    429: "The server wants fewer requests: lower max_workers, and try again later.",
}


def fetch_http(url: str, out: BinaryIO, limits: AssetLimits) -> None:
    """Write what is behind an http(s) URL to `out`. Raises AssetError."""
    deadline = limits.deadline()
    with _followed(url, limits, deadline, {}) as (response, shown):
        _demand(response, shown, httpx.codes.OK)
        _copy(response, out, limits, deadline, shown)


def peek_http(url: str, count: int, limits: AssetLimits) -> Peek:
    """The first `count` bytes behind an http(s) URL, and what its server says of the rest.

    No more than that is read, also from a server that knows no ranges. Raises AssetError.
    """
    deadline = limits.deadline()
    wanted = {"Range": f"bytes=0-{count - 1}"}
    with _followed(url, limits, deadline, wanted) as (response, shown):
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return Peek(b"", 0, _version(response))  # an empty file has no first byte
        _demand(response, shown, httpx.codes.OK, httpx.codes.PARTIAL_CONTENT)
        head = bytearray()
        for piece in response.iter_bytes(count):
            head += piece
            deadline.check(shown)
            if len(head) >= count:
                break
        deadline.check(shown)
        size = _size(response) or (len(head) if len(head) < count else 0)
        return Peek(bytes(head[:count]), size, _version(response))


def call_http(request: HTTPRequest, limits: AssetLimits) -> HTTPAnswer:
    """Send a request, and read the whole answer. Raises AssetError.

    Redirects are followed for GET alone; to another host they take no headers and no body along.
    """
    deadline, here = limits.deadline(), _parsed(request.url, request.url)
    body = request.body
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    with httpx.Client(verify=_tls(), follow_redirects=False) as client:
        for _ in range(int(limits.max_redirects) + 1):
            with _answer(client, here, limits, deadline, headers, request.method, body) as response:
                goes_on = request.follows_redirects and request.method == "GET"
                if not response.has_redirect_location or not goes_on:
                    found = io.BytesIO()
                    _copy(response, found, limits, deadline, redacted(here))
                    return HTTPAnswer(
                        response.status_code, dict(response.headers), found.getvalue()
                    )
                target = _next(here, response.headers["Location"])
            if (target.scheme, target.netloc) != (here.scheme, here.netloc):
                headers, body = {}, None
            here = target
    raise AssetError(
        f"{redacted(request.url)} redirects more than {limits.max_redirects:g} times. "
        "Use the URL where it ends."
    )


def _size(response: httpx.Response) -> int:
    """The length of the whole file as the server tells it; 0 where it does not."""
    ranged = response.headers.get("Content-Range", "").rpartition("/")[2]
    is_part = response.status_code == httpx.codes.PARTIAL_CONTENT
    said = ranged if is_part else response.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() and len(said) < 19 else 0


def _version(response: httpx.Response) -> str:
    """What changes when the file does: its ETag, else when it was modified; else empty."""
    found = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    return str(found)


@contextmanager
def _followed(
    url: str, limits: AssetLimits, deadline: Deadline, headers: Mapping[str, str]
) -> Iterator[tuple[httpx.Response, str]]:
    """The answer at the end of all redirects, its body unread, and its URL for people."""
    here = _parsed(url, url)
    with httpx.Client(verify=_tls(), follow_redirects=False) as client:
        for _ in range(int(limits.max_redirects) + 1):
            with _answer(client, here, limits, deadline, headers) as response:
                if not response.has_redirect_location:
                    yield response, redacted(here)
                    return
                here = _next(here, response.headers["Location"])
    raise AssetError(
        f"{redacted(url)} redirects more than {limits.max_redirects:g} times. "
        "Use the URL where it ends, or AssetLimits(max_redirects=…)."
    )


@cache
def _tls() -> ssl.SSLContext:
    """One context for the process: reading the certificates takes longer than a small download."""
    return httpx.create_ssl_context()


def _parsed(url: str, origin: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AssetError(f"{redacted(origin)} is not a URL that can be opened ({error}).") from None
    if parsed.scheme not in _PORTS or not parsed.host:
        raise AssetError(f"{redacted(origin)} leads to {redacted(url)}: not an http(s) URL.")
    return parsed


def _next(here: httpx.URL, location: str) -> httpx.URL:
    try:
        target = here.join(location)
    except httpx.InvalidURL:
        raise AssetError(
            f"{redacted(here)} redirects to {redacted(location)}, which is not a URL."
        ) from None
    return _parsed(str(target), str(here))


@contextmanager
def _answer(
    client: httpx.Client,
    url: httpx.URL,
    limits: AssetLimits,
    deadline: Deadline,
    more: Mapping[str, str],
    method: str = "GET",
    content: bytes | None = None,
) -> Iterator[httpx.Response]:
    """The answer's head, from the first of the host's addresses that accepts a connection."""
    shown = redacted(url)
    host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
    addresses = checked_addresses(host, port, limits, shown)
    with _cut_at(deadline) as connected, _translated(shown, limits, deadline):
        for left, address in enumerate(addresses, 1 - len(addresses)):
            request = client.build_request(
                method,
                url.copy_with(host=address),
                content=content,
                headers={**_HEADERS, **more, "Host": url.netloc.decode("ascii")},
                timeout=_timeouts(limits, deadline),
                extensions={"sni_hostname": host, "trace": connected},
            )
            try:
                response = client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if left < 0 and deadline.remaining():
                    continue
                raise
            with closing(response):
                yield response
            return


def _timeouts(limits: AssetLimits, deadline: Deadline) -> httpx.Timeout:
    left = max(deadline.remaining(), 0.001)
    return httpx.Timeout(min(limits.read_seconds, left), connect=min(limits.connect_seconds, left))


@contextmanager
def _cut_at(deadline: Deadline) -> Iterator[Any]:
    """A trace hook that learns of connections; at the deadline they are shut.

    Timeouts of reading alone would let a server send one byte now and then for ever.
    """
    sockets: list[socket.socket] = []

    def connected(event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            sockets.append(info["return_value"].get_extra_info("socket"))

    def cut() -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline.remaining() + 0.01, cut)
    timer.daemon = True
    timer.start()
    try:
        yield connected
    finally:
        timer.cancel()


@contextmanager
def _translated(shown: str, limits: AssetLimits, deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        deadline.check(shown)
        reason = str(error) or type(error).__name__
        match error:
            case httpx.ConnectTimeout():
                said = f"no connection within {limits.connect_seconds:g} s"
            case httpx.TimeoutException():
                said = f"nothing came for {limits.read_seconds:g} s"
            case httpx.RemoteProtocolError():
                said = f"the server broke off or does not speak HTTP ({reason})"
            case _:
                said = reason
        raise AssetError(f"{shown}: {said}. Check that the server is up, and try again.") from error


def _demand(response: httpx.Response, shown: str, *good: int) -> None:
    if response.status_code not in good:
        advice = _ADVICE.get(response.status_code, "Open it in a browser to see what it says.")
        name = f"{response.status_code} {response.reason_phrase}".strip()
        raise AssetError(f"{shown} answered {name}. {advice}")


def _copy(
    response: httpx.Response, out: BinaryIO, limits: AssetLimits, deadline: Deadline, shown: str
) -> None:
    declared = response.headers.get("Content-Length", "")
    limits.check_size(int(declared) if declared.isdecimal() else 0, shown)
    size = 0
    for piece in response.iter_bytes():
        size += len(piece)
        limits.check_size(size, shown)
        deadline.check(shown)
        out.write(piece)
    deadline.check(shown)  # a body without a length looks whole when its connection is cut
