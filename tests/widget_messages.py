"""Reads what a widget's Python sent to its view, as the view's own client.js does."""

from __future__ import annotations

import gzip
import json
from array import array
from collections.abc import Sequence
from typing import Any


def body_of(messages: Sequence[tuple[dict[str, Any], Sequence[bytes] | None]]) -> Any:
    """The body of one answer, out of its (header, buffers); columns put where they belong."""
    header = messages[0][0]
    data = b"".join(buffer for _, buffers in messages for buffer in buffers or ())
    if header["encoding"] == "binary":
        return data
    if header["encoding"] == "gzip":
        data = gzip.decompress(data)
    at = header.get("json_bytes", len(data))
    body = json.loads(data[:at])
    for path, kind, length in header.get("columns", ()):
        column = array(kind)
        size = column.itemsize * length
        column.frombytes(data[at : at + size])
        owner = body
        for key in path[:-1]:
            owner = owner[key]
        owner[path[-1]] = list(column)
        at += size
    return _whole(body)


def _whole(body: Any) -> Any:
    """Places in a payload's `candidates` become ids again, as in sending.js."""
    payload = body.get("payload") if isinstance(body, dict) else None
    if payload and "candidates" in payload:
        names = payload.pop("candidates")
        for leg in payload["legs"]:
            leg["document_ids"] = [names[place] for place in leg["document_ids"]]
    return body
