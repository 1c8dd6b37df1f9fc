"""The extra fields of a zip archive's entries: the ones that say a name or a size again."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mixpeek_lab.archives.entries import refused

Extra = Sequence[tuple[int, bytes]]
"""`(id, content)` of each field."""

_ZIP64, _UNICODE_PATH = 0x0001, 0x7075


def fields_of(data: bytes) -> Extra:
    """The fields of an entry's `extra`. SourceError where they do not fill it."""
    found, at = [], 0
    while at < len(data):
        if at + 4 > len(data):
            raise refused("An entry's extra fields are damaged.")
        kind, length = struct.unpack_from("<HH", data, at)
        if at + 4 + length > len(data):
            raise refused("An entry's extra fields are damaged.")
        found.append((kind, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def check_unicode_path(raw: bytes, extra: Extra) -> None:
    """SourceError where an extra field gives the entry another name: some programs follow it."""
    for kind, content in extra:
        if kind == _UNICODE_PATH and content[5:] != raw:
            raise refused(f"{raw[:60]!r} has another name in an extra field: {content[5:65]!r}.")


def sizes64(extra: Extra) -> tuple[int, int] | None:
    """Unpacked and packed size as streaming programs write them, in 64 bits."""
    for kind, content in extra:
        if kind == _ZIP64 and len(content) >= 16:
            size, packed = struct.unpack_from("<QQ", content)
            return size, packed
    return None
