"""Zip archives, read strictly: every byte belongs to one entry or to the directory.

`zipfile` reads around data before, between and behind the entries, takes a name twice, believes
the directory's sizes, and does some of this differently from one patch version of Python to the
next. Here the directory and each entry's own header must say the same, so that no two programs
see two different packages in one file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from mixpeek_lab.archives.entries import CHUNK, Entry, check_ratio, refused
from mixpeek_lab.archives.extras import check_unicode_path, fields_of, sizes64
from mixpeek_lab.archives.zip_directory import (
    END,
    STORED,
    STREAMED,
    UNKNOWN,
    Record,
    exactly,
    read_directory,
)

__all__ = ["END", "LOCAL", "iter_zip"]

LOCAL = b"PK\3\4"
_DESCRIPTOR = b"PK\7\x08"
_HEADER = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True, slots=True)
class _Header:
    """What an entry says of itself."""

    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int


def iter_zip(file: BinaryIO, size: int) -> Iterator[Entry]:
    """The entries of a zip archive of `size` bytes, all of them checked before the first one.

    SourceError where it is encrypted, damaged, in several parts, of the zip64 form or packed in
    another way than deflate, or where its parts overlap, contradict each other or leave bytes over.
    """
    records, begin = read_directory(file, size)
    position, placed = 0, []
    for record in sorted(records, key=lambda r: r.offset):
        start, position = _place(file, record, position)
        placed.append((record, start))
        if position > begin:
            raise refused(f"{record.path} overlaps with the directory.")
    if position != begin:
        raise refused(f"It holds {begin - position:,} bytes that its directory does not tell of.")
    for record, start in placed:
        check_ratio(record.path, record.packed, record.size)
        yield Entry(record.path, record.is_folder, partial(_content, file, record, start))


def _place(file: BinaryIO, record: Record, position: int) -> tuple[int, int]:
    """Where an entry's content begins, and where the entry ends. It must begin at `position`."""
    if record.offset < position:
        raise refused(f"{record.path} overlaps with the entry before it.")
    if record.offset > position:
        count = record.offset - position
        raise refused(f"There are {count:,} bytes before {record.path} that belong to nothing.")
    file.seek(position)
    _check_agreement(_read_header(file, record), record)
    start = file.tell()
    stop = start + record.packed
    return start, stop + (_descriptor(file, stop, record) if record.flags & STREAMED else 0)


def _read_header(file: BinaryIO, record: Record) -> _Header:
    sign, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _HEADER.unpack(
        exactly(file, _HEADER.size)
    )
    if sign != LOCAL:
        raise refused(f"{record.path} is not where the directory says it is.")
    raw = exactly(file, name_length)
    extra = fields_of(exactly(file, extra_length))
    check_unicode_path(record.raw, extra)
    if UNKNOWN in (packed, size):
        size, packed = sizes64(extra) or (size, packed)
    return _Header(raw, flags, method, crc, packed, size)


def _check_agreement(header: _Header, record: Record) -> None:
    """SourceError where an entry's header and the directory say different things."""
    if header.raw != record.raw:
        raise refused(f"{record.path} has another name in its own header: {header.raw[:60]!r}.")
    if (header.flags, header.method) != (record.flags, record.method):
        raise refused(f"{record.path} is told of in two ways by directory and header.")
    told = (
        (header.crc, record.crc), (header.packed, record.packed), (header.size, record.size),
    )  # fmt: skip
    may_be_open = bool(record.flags & STREAMED)  # the header then leaves out what it cannot know
    if any(mine != theirs and not (may_be_open and mine == 0) for mine, theirs in told):
        raise refused(f"{record.path} has other sizes in its own header than in the directory.")


def _descriptor(file: BinaryIO, position: int, record: Record) -> int:
    """The length of what a streamed entry tells behind its content, which must agree."""
    file.seek(position)
    found = file.read(24)
    for mark in (_DESCRIPTOR, b""):
        for form in ("<LQQ", "<LLL"):
            expected = mark + struct.pack(form, record.crc, record.packed, record.size)
            if found.startswith(expected):
                return len(expected)
    raise refused(f"{record.path} has other sizes behind its content than in the directory.")


def _content(file: BinaryIO, record: Record, start: int) -> Iterator[bytes]:
    """The content, counted: never more than the directory says, and with its checksum."""
    made = crc = 0
    unpacked = _stored if record.method == STORED else _inflated
    for piece in unpacked(file, start, record):
        made += len(piece)
        if made > record.size:
            raise refused(f"{record.path} is larger than the {record.size:,} bytes it says.")
        crc = zlib.crc32(piece, crc)
        yield piece
    if made != record.size:
        raise refused(f"{record.path} holds {made:,} bytes, and says {record.size:,}.")
    if crc != record.crc:
        raise refused(f"{record.path} is damaged: its checksum does not fit.")


def _stored(file: BinaryIO, start: int, record: Record) -> Iterator[bytes]:
    for at in range(0, record.packed, CHUNK):
        file.seek(start + at)
        yield exactly(file, min(CHUNK, record.packed - at))


def _inflated(file: BinaryIO, start: int, record: Record) -> Iterator[bytes]:
    machine, pending, taken = zlib.decompressobj(-zlib.MAX_WBITS), b"", 0
    while not machine.eof:
        if not pending:
            file.seek(start + taken)
            pending = exactly(file, min(CHUNK, record.packed - taken))
            taken += len(pending)
        try:
            piece = machine.decompress(pending, CHUNK)
        except zlib.error as error:
            raise refused(f"{record.path} is damaged: {error}.") from error
        if not (piece or pending or machine.eof):
            raise refused(f"{record.path} is cut off.")
        pending = machine.unconsumed_tail
        yield piece
    if pending or machine.unused_data or taken != record.packed:
        raise refused(f"{record.path} holds data behind its end.")
