"""A first walk over a tar archive's headers, so that `tarfile` meets none that it gets lost in.

It reads sparse files' maps and extended headers of any length into memory, one inside the other,
before its caller sees an entry.
"""

from __future__ import annotations

import re
from typing import IO

from mixpeek_lab.archives.entries import refused
from mixpeek_lab.errors import SourceError

BLOCK = 512
LONGEST = 4 * 1024 * 1024
"""Bytes of all extended headers together: long names, times, attributes."""
DEEPEST = 8
"""Extended headers in a row."""

_PLAIN = (b"0", b"\0", b"5")
_EXTENDED = {b"x": "pax", b"g": "pax", b"L": "long name"}
_STRANGE = {b"K": "a link's long name", b"X": "Solaris"}
_OVERRIDES = re.compile(rb"(?m)^\d+ (size|linkpath|hdrcharset|GNU\.sparse[.\w]*)=")
"""Pax records that make programs disagree on what an archive holds. Long names are not among."""


def check_headers(file: IO[bytes]) -> None:
    """SourceError for extended headers that are too long, too many or of a kind not taken.

    Ends at the first entry that is neither a file nor a folder, and at the archive's end: whoever
    reads it refuses the one and checks the other.
    """
    at = total = row = 0
    while len(head := _block(file, at)) == BLOCK and head.strip(b"\0"):
        kind, size = head[156:157], _size(head)
        if kind in _STRANGE:
            raise refused(f"It has a header of a kind that is not taken: {_STRANGE[kind]}.")
        if kind in _EXTENDED:
            total, row = total + size, row + 1
            if total > LONGEST or row > DEEPEST:
                raise refused("Its extended headers are too long, or too many in a row.")
            _check_overrides(file.read(size))
        elif kind in _PLAIN:
            row = 0
        else:
            return
        at += BLOCK + -(-size // BLOCK) * BLOCK


def _block(file: IO[bytes], at: int) -> bytes:
    file.seek(at)
    return file.read(BLOCK)


def _size(head: bytes) -> int:
    digits = head[124:136].partition(b"\0")[0].strip()
    if digits and not re.fullmatch(rb"[0-7]+", digits):
        raise _damaged()
    return int(digits or b"0", 8)


def _check_overrides(body: bytes) -> None:
    found = _OVERRIDES.search(body)
    if found:
        raise refused(f"It has a pax header that overrides `{found[1].decode()}`.")


def _damaged() -> SourceError:
    return refused("It is no tar archive, or a damaged one (a header's size is no number).")
