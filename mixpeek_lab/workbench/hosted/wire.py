"""Requests to another platform: tried again when it says so, never with the key elsewhere."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import BinaryIO

import httpx

from mixpeek_lab.assets.problems import redacted
from mixpeek_lab.errors import RemoteError
from mixpeek_lab.models import JSON
from mixpeek_lab.source import MAX_BYTES
from mixpeek_lab.version import __version__
from mixpeek_lab.workbench.hosted.address import Address, is_loopback
from mixpeek_lab.workbench.hosted.refusals import refusal

AGAIN = (429, 503)
"""What a platform answers that wants the same request again later."""
MOST_REDIRECTS = 5
LONGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of a JSON answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something may take, in seconds."""

    again: float = 180.0
    """For answers that say "later", together."""
    first_pause: float = 1.0
    """Before the second try, where the platform names no time; it doubles."""
    request: float = 120.0
    """For one request."""
    deploy: float = 900.0
    """Until a deployment is up."""
    poll: float = 2.0
    """Between two looks at its state."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a step."""

    step: str
    """What is being done, as errors name it."""
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JSON | bytes = None


@dataclass(frozen=True, slots=True)
class Wire:
    """One platform. Raises RemoteError, which names the step and never the key."""

    address: Address
    patience: Patience = field(default_factory=Patience)
    pause: Callable[[float], None] = time.sleep

    def call(
        self, step: str, method: str, path: str, body: JSON = None, *, key: str = ""
    ) -> dict[str, JSON]:
        """The JSON object that the platform answers; `path` begins behind `/v1`.

        `key` makes a POST safe to send twice.
        """
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self.address.url}/v1{path}"
        answer = self._sent(Request(step, method, url, headers, body))
        return self._parsed(step, answer)

    def download(self, step: str, url: str, out: BinaryIO) -> None:
        """Write what is behind a URL of the platform, or of its store, to `out`.

        The key goes to the platform alone.
        """
        with self._open(Request(step, "GET", url)) as answer:
            self._demand(step, answer)
            size = 0
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > MAX_BYTES:
                    raise RemoteError(step, f"The archive is over {MAX_BYTES // 1024**2} MB.")
                out.write(piece)

    def put(self, step: str, url: str, content: bytes, headers: Mapping[str, str]) -> str:
        """PUT an archive at a presigned address, without the key; its ETag, as it was given."""
        self._demand_safe(step, url)
        answer = self._sent(Request(step, "PUT", url, headers, content))
        return str(answer.headers.get("etag", ""))

    # ------------------------------------------------------------ one request

    def _sent(self, request: Request) -> httpx.Response:
        with self._open(request) as answer:
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > LONGEST_ANSWER:
                    raise RemoteError(
                        request.step, f"{redacted(request.url)} answers without an end."
                    )
            found = httpx.Response(
                answer.status_code, headers=_plain(answer.headers), content=bytes(content),
                request=answer.request,
            )  # fmt: skip
        self._demand(request.step, found)
        return found

    @contextmanager
    def _open(self, request: Request) -> Iterator[httpx.Response]:
        """The answer at the end of redirects, once the platform takes the request."""
        waited, wait = 0.0, self.patience.first_pause
        timeout = self.patience.request
        with httpx.Client(verify=_tls(), follow_redirects=False, timeout=timeout) as client:
            while True:
                answer = self._followed(client, request)
                pause = _pause(answer, wait)
                is_over = waited + pause > self.patience.again
                if answer.status_code not in AGAIN or is_over or not self._retryable(answer):
                    break
                answer.close()
                self.pause(pause)
                waited, wait = waited + pause, min(wait * 2, 30.0)
            try:
                yield answer
            except httpx.HTTPError as error:
                raise self._broken(request, error) from None
            finally:
                answer.close()

    def _followed(self, client: httpx.Client, request: Request) -> httpx.Response:
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._one(client, request)
            if not answer.has_redirect_location:
                return answer
            location = str(answer.headers["location"])
            answer.close()
            request = replace(request, url=self._next(request, answer.status_code, location))
        where = redacted(request.url)
        raise RemoteError(request.step, f"{where} redirects more than {MOST_REDIRECTS} times.")

    def _one(self, client: httpx.Client, request: Request) -> httpx.Response:
        method, url, body = request.method, request.url, request.body
        told = {"User-Agent": f"mixpeek-lab/{__version__}", **request.headers}
        if self._is_platform(url) and method != "PUT":
            told["Authorization"] = f"Bearer {self.address.key}"
            if self.address.namespace:
                told["X-Namespace"] = self.address.namespace
        content = body if isinstance(body, bytes) else None
        given = None if content is not None else body
        try:
            built = client.build_request(method, url, headers=told, content=content, json=given)
            return client.send(built, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._broken(request, error) from None

    # ------------------------------------------------------------ what is allowed

    def _is_platform(self, url: str) -> bool:
        """Whether the URL has the platform's scheme, host and port: where the key may go."""
        there, here = httpx.URL(url), httpx.URL(self.address.url)
        return (there.scheme, there.host, _port(there)) == (here.scheme, here.host, _port(here))

    def _next(self, request: Request, status: int, location: str) -> str:
        """Where a redirect leads, if the request may go there."""
        step, method, url = request.step, request.method, request.url
        try:
            target = str(httpx.URL(url).join(location))
            stays = self._is_platform(target)
        except (httpx.InvalidURL, ValueError):
            raise RemoteError(step, f"{redacted(url)} redirects to what is no URL.") from None
        if method in ("POST", "PUT", "DELETE") and status not in (307, 308):
            raise RemoteError(
                step,
                f"{redacted(url)} redirects ({status}) to {redacted(target)}, which would lose "
                "what was sent. Use the URL where it ends.",
            )
        if self._is_platform(url) and not stays and method == "POST":
            raise RemoteError(
                step,
                f"{redacted(url)} redirects to {redacted(target)}, another host: it gets no key "
                "and no request. Use that URL if it is the platform's.",
            )
        self._demand_safe(step, target)
        return target

    def _demand_safe(self, step: str, url: str) -> None:
        """RemoteError where code would travel readable: plain HTTP to another machine."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            parsed = httpx.URL("")
        is_near = parsed.scheme == "http" and is_loopback(parsed.host)
        # A platform that is somewhere else has no business with this machine's own ports.
        if is_near and not is_loopback(httpx.URL(self.address.url).host):
            is_near = False
        if parsed.scheme != "https" and not is_near:
            raise RemoteError(
                step, f"The platform gives the address {redacted(url)}, which is not https://."
            )

    def _retryable(self, answer: httpx.Response) -> bool:
        """Whether asking again is of use: `error.details.retryable` may say that it is not."""
        try:
            answer.read()
            details = answer.json()["error"]["details"]
            return bool(details.get("retryable", True))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return True

    def _demand(self, step: str, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        try:
            text = answer.read().decode("utf-8", "replace")
        except httpx.HTTPError:
            text = ""
        place = f"{answer.request.method} {redacted(answer.request.url)}"
        raise refusal(step, place, answer.status_code, self.address.hidden(text))

    def _parsed(self, step: str, answer: httpx.Response) -> dict[str, JSON]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RemoteError(
                step,
                f"{redacted(answer.request.url)} answered what is no JSON object: is "
                f"{self.address.url} the platform's API?",
            )
        return found

    def _broken(self, request: Request, error: Exception) -> RemoteError:
        reason = self.address.hidden(str(error) or type(error).__name__)
        return RemoteError(
            request.step,
            f"{redacted(request.url)}: {reason}. Check the URL and the network, and run it again.",
        )


@cache
def _tls() -> ssl.SSLContext:
    """One context for the process: reading the certificates takes long."""
    return httpx.create_ssl_context()


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Headers of an answer whose body is decoded already."""
    dropped = ("content-encoding", "transfer-encoding", "content-length")
    return {name: value for name, value in headers.items() if name.lower() not in dropped}


def _pause(answer: httpx.Response, usual: float) -> float:
    """Seconds until the next try: Retry-After, as a number or as a date, else the usual."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isdecimal() and len(told) < 9:
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return usual
