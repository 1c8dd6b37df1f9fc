"""What goes wrong with an asset, told without the secrets of its URL."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mixpeek_lab.errors import ExtractorRunError

_SHOWN = 300


class AssetError(ExtractorRunError):
    """An asset cannot be fetched or stored. The message names its URL without its secrets."""


def redacted(url: object) -> str:
    """The URL for people: no user name or password, no fragment, no value of its query.

    A signed URL carries its signature in the query, so the names stay and the values go:
    `https://host/a.jpg?X-Amz-Signature=…`.
    """
    text = re.sub(r"[\x00-\x1f\x7f]", "�", str(url))
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() in ("s3", "gs"):  # `?` and `#` belong to the key
        user, at, bare = rest.partition("@")
        hidden = at and "/" not in user
        return (f"{scheme}{mark}…@{bare}" if hidden else text)[:_SHOWN]
    try:
        parts = urlsplit(text)
    except ValueError:
        return f"{scheme}://…"
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(f"{pair.partition('=')[0]}=…" for pair in parts.query.split("&") if pair)
    shown = f"{scheme}://{'…@' if at else ''}{host}{parts.path}"
    return (shown + (f"?{query}" if query else ""))[:_SHOWN]
