"""Calls to HTTP services, under the same address checks and limits as downloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mixpeek_lab.assets.limits import AssetLimits


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A call to an HTTP service."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout_s: float = 10.0
    """Seconds for the whole call, redirects included."""
    max_bytes: int = 10 << 20
    """Of the answer."""
    follows_redirects: bool = True
    """Whether a GET goes where it is sent on to; else that answer is the answer."""


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """What an HTTP service answered. A status of 400 and more is an answer too."""

    status: int
    headers: Mapping[str, str]
    """Their names in lower case."""
    body: bytes


def call(request: HTTPRequest, limits: AssetLimits | None = None) -> HTTPAnswer:
    """Call a service. Redirects are followed for GET alone, to another host without headers.

    Raises AssetError: for an address that is not public unless AssetLimits allows it, where the
    answer is too large or too late, and where none comes.
    """
    from mixpeek_lab.assets.http import call_http

    limits = limits or AssetLimits()
    seconds = min(limits.total_seconds, request.timeout_s)
    most = min(limits.max_bytes, request.max_bytes)
    return call_http(request, replace(limits, total_seconds=seconds, max_bytes=most))
