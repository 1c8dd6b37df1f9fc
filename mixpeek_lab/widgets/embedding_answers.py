"""What an embedding map's view gets: points and colours as bytes, documents as JSON.

The protocol is that of `messages`; a binary answer has `encoding: "binary"`, and what there is to
say about it stands in the header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mixpeek_lab.widgets.media import media_text, thumbnail
from mixpeek_lab.widgets.messages import Reply, answer
from mixpeek_lab.widgets.ranking import LONGEST_TEXT

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Binary:
    """An answer of bytes, little-endian, with a few words about it."""

    about: Mapping[str, Any]
    body: bytes


def answered(
    handlers: Mapping[str, Callable[[Mapping[str, Any]], Any]], message: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], list[bytes] | None]]:
    """The messages that answer one request of the view: each a header and its buffers."""
    binary: list[Binary] = []

    def noting(handler: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
        def handle(request: Mapping[str, Any]) -> Any:
            found = handler(request)
            if isinstance(found, Binary):
                binary.append(found)
                return None
            return found

        return handle

    reply = answer({name: noting(handler) for name, handler in handlers.items()}, message)
    if binary and reply.header["ok"]:
        header = {**reply.header, "encoding": "binary", "about": dict(binary[0].about)}
        reply = Reply(header, binary[0].body)
    yield from reply.messages()


def document_body(key: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """One document for the card beside a point: long texts cut, a small picture of its own."""
    fields, lineage = document.get("fields", {}), document.get("lineage", {})
    shown = {
        name: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in fields.items()
    }
    return {
        "id": key,
        "fields": shown,
        "media": media_text(fields, lineage),
        "thumbnail": thumbnail(fields, lineage),
    }


def packed(points: NDArray[np.int64], order: NDArray[np.int64]) -> bytes:
    """A set of points as one bit each, in the order of drawing; the lowest bit is the first."""
    bits = np.zeros(len(order), bool)
    bits[points] = True
    return np.packbits(bits[order], bitorder="little").tobytes()


def unpacked(bits: Any, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The points that `bits` stands for, ascending. ValueError where they are too few."""
    given = np.frombuffer(bits, np.uint8)
    if len(given) != (len(order) + 7) // 8:
        raise ValueError(f"{len(given)} bytes are no selection of {len(order)} points")
    drawn = np.unpackbits(given, count=len(order), bitorder="little").astype(bool)
    return np.sort(order[drawn])
