"""Where in a recording, a film or a PDF a document lies, by the fields that say so."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any
from urllib.parse import unquote

SECONDS = ("start_time", "start_seconds", "start_sec", "start", "timestamp", "time")
MILLISECONDS = ("start_ms", "start_time_ms", "timestamp_ms", "time_ms")
PAGES = ("page_number", "page", "page_no")


def place_of(fields: Mapping[str, Any], kind: str) -> dict[str, float]:
    """`{"seconds": 12.5}` for audio and video, `{"page": 3}` (from 1) for a PDF; else empty."""
    if kind in ("audio", "video"):
        thousandths = _first(fields, MILLISECONDS)
        seconds = _first(fields, SECONDS) if thousandths is None else thousandths / 1000
        return {} if seconds is None else {"seconds": seconds}
    page = _first(fields, PAGES) if kind == "pdf" else None
    return {"page": int(page)} if page is not None and page >= 1 else {}


def name_of(url: str) -> str:
    """The file's name at the end of a URL: what can be shown to anybody."""
    return unquote(url.rpartition("/")[2]) or url


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """The first of the fields that holds a number from 0."""
    for name in names:
        value: Any = fields.get(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and isfinite(value) and value >= 0:
            return float(value)
    return None
