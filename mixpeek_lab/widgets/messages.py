"""Messages between a widget's view and its kernel.

Up comes `{id, type, …}`; down goes `{id, ok: true, part, parts, encoding, milliseconds}` with
one binary buffer of JSON (gzipped where that pays), cut into messages of 2 MB since a websocket
closes on long ones, or `{id, ok: false, error: {kind, message}}`. With `is_packed` arrays follow
the JSON: see `pack`. A request is always answered: whatever a handler raises becomes an error
reply, and so does a body that is not JSON. bodies.js reads all of it.
"""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

from mixpeek_lab.errors import LabError

PART_BYTES = 2_000_000
"""Bytes of one message's buffer, at most."""
GZIP_BYTES = 500_000
"""Bodies longer than this are compressed: a shorter one is sooner there as it is."""

Handler = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Packed:
    """JSON, and long arrays as they lie in memory (little-endian): see `pack`."""

    head: Mapping[str, Any]
    arrays: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request: a header, and a body where it went well."""

    header: Mapping[str, Any]
    body: bytes = b""

    def messages(self) -> Iterator[tuple[dict[str, Any], list[bytes] | None]]:
        """Header and buffers of each message that carries the reply, in order."""
        if not self.header["ok"]:
            yield dict(self.header), None
            return
        starts = range(0, max(1, len(self.body)), PART_BYTES)
        for part, start in enumerate(starts):
            header = {**self.header, "part": part, "parts": len(starts)}
            yield header, [self.body[start : start + PART_BYTES]]


def answer(handlers: Mapping[str, Handler], message: Mapping[str, Any]) -> Reply:
    """Run the handler of a request's type. Errors, interruption too, become an error reply."""
    started = perf_counter()
    request_id = message.get("id")
    try:
        body = _handler(handlers, message)(message)
        return reply(request_id, body, (perf_counter() - started) * 1000)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the boundary to the view
        return Reply({"id": request_id, "ok": False, "error": error_body(error)})


def reply(request_id: str | None, body: Any, milliseconds: float = 0.0) -> Reply:
    """A good answer. `milliseconds` is the time that the kernel spent on it.

    Bytes go as they are, and are a Blob for the view.
    """
    header: dict[str, Any] = {"id": request_id, "ok": True, "milliseconds": milliseconds}
    if isinstance(body, bytes):
        return Reply({**header, "encoding": "binary"}, body)
    if isinstance(body, Packed):
        header["is_packed"] = True
    data = pack(body.head, body.arrays) if isinstance(body, Packed) else encode(body)
    if len(data) <= GZIP_BYTES:
        return Reply({**header, "encoding": "json"}, data)
    return Reply({**header, "encoding": "gzip"}, gzip.compress(data, compresslevel=1, mtime=0))


def error_body(error: BaseException) -> dict[str, str]:
    """What the view says about an error: ours speak for themselves, others give their type."""
    kind = type(error).__name__
    if isinstance(error, LabError):
        return {"kind": kind, "message": str(error)}
    if isinstance(error, KeyboardInterrupt):
        return {"kind": kind, "message": "Interrupted. Press Enter to search again."}
    return {"kind": kind, "message": f"{kind}: {error}" if str(error) else kind}


def encode(body: Any) -> bytes:
    """`body` as UTF-8 JSON. NaN and infinity become null, other objects their text."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(body), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace")


def pack(head: Mapping[str, Any], arrays: Sequence[bytes]) -> bytes:
    """One body out of a head and arrays. NaN and infinity in the head become null.

    `[u32 length of the head][head][arrays, each on a multiple of 8 bytes]`; the head's `buffers`
    holds `[offset, bytes]` of each array, counted from the end of the head.
    """
    places, offset = [], 0
    for each in arrays:
        places.append([offset, len(each)])
        offset += _padded(len(each))
    text = encode({**head, "buffers": places})
    text += b" " * (_padded(4 + len(text)) - 4 - len(text))
    body = [each + bytes(_padded(len(each)) - len(each)) for each in arrays]
    return b"".join([struct.pack("<I", len(text)), text, *body])


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _handler(handlers: Mapping[str, Handler], message: Mapping[str, Any]) -> Handler:
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in handlers:
        raise LabError(f"The view asked for {kind!r}; there is {', '.join(sorted(handlers))}.")
    return handlers[kind]


def _plain(value: Any) -> Any:
    """A number for numpy's scalars, a list for sets and the like, else the object's text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (set, frozenset)) else str(value)


def _finite(value: Any) -> Any:
    """`value` rebuilt from JSON's own types, without NaN and infinity."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value if isinstance(value, (str, int, bool, type(None))) else _finite(_plain(value))
