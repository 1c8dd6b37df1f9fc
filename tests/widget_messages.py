"""Reads what a widget's Python sent to its view, as the view's own bodies.js does."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest


def body_of(messages: Sequence[tuple[dict[str, Any], Sequence[bytes] | None]]) -> Any:
    """The body of one answer, out of its (header, buffers); a playground's legs as they were."""
    header = messages[0][0]
    data = b"".join(buffer for _, buffers in messages for buffer in buffers or ())
    if header["encoding"] == "binary":
        return data
    if header["encoding"] == "gzip":
        data = gzip.decompress(data)
    return _whole(*unpack(data)) if header.get("is_packed") else json.loads(data)


def unpack(body: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Head and arrays of packed bytes."""
    (size,) = struct.unpack_from("<I", body)
    head = json.loads(body[4 : 4 + size], parse_constant=pytest.fail)  # a browser takes no NaN
    return head, [body[4 + size + at : 4 + size + at + length] for at, length in head["buffers"]]


def _whole(head: dict[str, Any], arrays: list[bytes]) -> dict[str, Any]:
    """Places in a payload's `candidates` become ids again, as in sending.js."""
    payload = head["payload"]
    if payload is not None:
        names = payload.pop("candidates")
        for leg, places, scores in zip(payload["legs"], arrays[::2], arrays[1::2], strict=True):
            leg["document_ids"] = [names[place] for place in np.frombuffer(places, "<i4")]
            leg["scores"] = np.frombuffer(scores, "<f8").tolist()
    return head
