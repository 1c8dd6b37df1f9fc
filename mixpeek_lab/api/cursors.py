"""Cursors: where a list goes on, as text that only the lab can make.

A cursor names the last item that was shown, so that what comes or goes before it moves nothing. It
is signed, together with the list that it belongs to: one of another list, or with another filter,
is refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json

from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import JSON

_SIGNATURE = 12
"""Bytes. Nobody gains by a forged one: it leads to another place of one's own list."""


def write_cursor(key: bytes, scope: str, place: JSON) -> str:
    """The cursor for a place in the list `scope`."""
    payload = json.dumps(place, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_sign(key, scope, payload) + payload).decode().rstrip("=")


def read_cursor(key: bytes, scope: str, cursor: str) -> JSON:
    """The place. BodyError where it is no cursor of this list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    signature, payload = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if not payload or not hmac.compare_digest(signature, _sign(key, scope, payload)):
        raise BodyError.at(
            "cursor",
            "is not one that this list gave: send `next_cursor` as it stands, with the same "
            "filters; without a cursor the list begins.",
        )
    return json.loads(payload)


def _sign(key: bytes, scope: str, payload: bytes) -> bytes:
    return hmac.digest(key, scope.encode() + b"\0" + payload, "sha256")[:_SIGNATURE]
