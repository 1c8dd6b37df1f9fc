"""Looking at an asset without downloading it: its first bytes, its size, its version."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.problems import AssetError, redacted
from mixpeek_lab.assets.transfer import scheme_of

MOST_SECONDS = 60.0
"""A look takes no longer than this, whatever a download may take."""


@dataclass(frozen=True, slots=True)
class Peek:
    """The beginning of an asset, and what its server says of all of it."""

    head: bytes
    size: int
    """Bytes of the whole; 0 where the server does not say."""
    version: str
    """Changes when the asset does (an ETag, a date); empty where the server says nothing."""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object below a prefix of an object store."""

    url: str
    path: str
    """Relative to the prefix, with `/`."""


def peek(url: str, count: int, limits: AssetLimits | None = None) -> Peek:
    """The first `count` bytes behind an http(s)://, s3:// or gs:// URL, read as one range.

    Raises AssetError, under the same limits and address checks as a download.
    """
    limits = limits or AssetLimits()
    limits = replace(limits, total_seconds=min(limits.total_seconds, MOST_SECONDS))
    scheme = scheme_of(url)
    if scheme in ("http", "https"):
        from mixpeek_lab.assets.http import peek_http

        return peek_http(url, count, limits)
    if scheme in ("s3", "gs"):
        from mixpeek_lab.assets.object_lists import peek_object

        return peek_object(url, count, limits)
    raise AssetError(
        f"{redacted(url)}: {scheme or 'a path'} is not looked at over the network. "
        "Use https://, http://, s3:// or gs://."
    )


def list_objects(url: str, limits: AssetLimits | None = None) -> list[ListedObject]:
    """The objects below an s3:// or gs:// prefix, by path; the object itself where it is one.

    `*` matches within one part of a key and `**` any parts. Raises AssetError for a bucket or a
    prefix that does not exist.
    """
    from mixpeek_lab.assets.object_lists import list_below

    return list_below(url, limits or AssetLimits())
