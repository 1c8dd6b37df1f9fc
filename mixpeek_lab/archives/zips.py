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

from mixpeek_lab.archives.entries import CHUNK, Entry, check_count, check_ratio, refused
from mixpeek_lab.archives.extras import check_unicode_path, fields_of, sizes64
from mixpeek_lab.archives.paths import clean_path

END, CENTRAL, LOCAL, DESCRIPTOR, LOCATOR64 = (
    b"PK\5\6", b"PK\1\2", b"PK\3\4", b"PK\7\x08", b"PK\6\7"
)  # fmt: skip
_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_STREAMED = 0x0008
_UTF8 = 0x0800
_KNOWN_FLAGS = 0x0006 | _STREAMED | _UTF8
STORED, DEFLATED = 0, 8
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 99: "encryption"}
_REGULAR, _FOLDER = 0o100000, 0o040000
_KINDS = {
    0o120000: "a symbolic link", 0o020000: "a device", 0o060000: "a device", 0o010000: "a pipe",
    0o140000: "a socket",
}  # fmt: skip
_ONLY_4_GB = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Record:
    """One line of the directory."""

    raw: bytes
    path: str
    is_folder: bool
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def iter_zip(file: BinaryIO, size: int) -> Iterator[Entry]:
    """The entries of a zip archive of `size` bytes, all of them checked before the first one.

    SourceError where it is encrypted, damaged, in several parts, of the zip64 form or packed in
    another way than deflate, or where its parts overlap, contradict each other or leave bytes over.
    """
    records, begin = _directory(file, size)
    position, placed = 0, []
    for record in sorted(records, key=lambda r: r.offset):
        start, position = _place(file, record, position, begin)
        placed.append((record, start))
    if position != begin:
        raise refused(f"It holds {begin - position:,} bytes that its directory does not tell of.")
    for record, start in placed:
        check_ratio(record.path, record.packed, record.size)
        yield Entry(record.path, record.is_folder, partial(_content, file, record, start))


def _directory(file: BinaryIO, size: int) -> tuple[list[_Record], int]:
    """The directory, and where it begins."""
    position, entries, length, begin = _find_end(file, size)
    check_count(entries)
    if begin + length != position:
        raise refused(
            f"Its directory is {abs(position - begin - length):,} bytes away from where it should "
            "be: data was put before or into the archive."
        )
    file.seek(begin)
    records = [_read_record(file) for _ in range(entries)]
    if file.tell() != position:
        raise refused("Its directory holds more or less than it says.")
    return records, begin


def _find_end(file: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """Where the directory ends, how many entries it has, its length and its begin."""
    first = max(0, size - _END.size - 0xFFFF)
    file.seek(first)
    tail = file.read()
    found = [at for at in _occurrences(tail, END) if _reaches_the_end(tail, at)]
    if not found:
        raise refused("It has no directory at its end: it is cut off, or data was added to it.")
    if len(found) > 1:
        raise refused("It has two directories, of which programs read the one or the other.")
    _, disk, first_disk, here, entries, length, begin, _ = _END.unpack_from(tail, found[0])
    if disk or first_disk or here != entries:
        raise refused("It is one part of several.")
    if tail[max(0, found[0] - 20) :].startswith(LOCATOR64) or _ONLY_4_GB in (length, begin):
        raise refused("It is of the zip64 form, which is for more than Mixpeek takes.")
    return first + found[0], entries, length, begin


def _occurrences(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _reaches_the_end(tail: bytes, at: int) -> bool:
    """Whether an end record stands at `at` whose comment is all that follows."""
    if at + _END.size > len(tail):
        return False
    comment = int(_END.unpack_from(tail, at)[-1])
    return at + _END.size + comment == len(tail)


def _read_record(file: BinaryIO) -> _Record:
    (sign, _, _, flags, method, _, _, crc, packed, size, name_len, extra_len, comment_len,
     disk, _, attributes, offset) = _CENTRAL.unpack(_exactly(file, _CENTRAL.size))  # fmt: skip
    if sign != CENTRAL:
        raise refused("Its directory is damaged.")
    raw = _exactly(file, name_len)
    name = _decoded(raw, flags)
    path = clean_path(name)
    check_unicode_path(raw, fields_of(_exactly(file, extra_len)))
    _exactly(file, comment_len)
    _check_form(name, flags, method)
    _check_kind(name, attributes >> 16)
    if disk:
        raise refused("It is one part of several.")
    if _ONLY_4_GB in (packed, size, offset):
        raise refused(f"{name} is of the zip64 form, which is for more than Mixpeek takes.")
    if method == STORED and packed != size:
        raise refused(f"{name} is not packed, and yet has two sizes: {packed:,} and {size:,}.")
    if name.endswith("/") and size:
        raise refused(f"{name} is a folder, and has content.")
    return _Record(raw, path, name.endswith("/"), flags, method, crc, packed, size, offset)


def _decoded(raw: bytes, flags: int) -> str:
    """A name's text: ASCII, or UTF-8, which macOS writes without saying so."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        said = "says that it is UTF-8, and is not" if flags & _UTF8 else "is in another encoding"
        raise refused(f"The name {raw!r} {said}. Names are ASCII or UTF-8.") from error


def _check_form(name: str, flags: int, method: int) -> None:
    if flags & _ENCRYPTED:
        raise refused(f"{name} is encrypted.", "Pack it again without a password.")
    if flags & ~_KNOWN_FLAGS:
        raise refused(f"{name} has the flags {flags:#06x}, of which some are not known.")
    if method not in (STORED, DEFLATED):
        kind = _METHODS.get(method, f"method {method}")
        raise refused(f"{name} is packed with {kind}.", "Pack it again with deflate, zip's usual.")


def _check_kind(name: str, mode: int) -> None:
    """Links and devices are told by the mode, whatever system the archive says to be from."""
    kind = mode & 0o170000
    if kind not in (0, _REGULAR, _FOLDER):
        raise refused(f"{name} is {_KINDS.get(kind, 'no file')}.", "Pack plain files alone.")
    if kind == _FOLDER and not name.endswith("/"):
        raise refused(f"{name} says to be a folder, and is written as a file.")


def _place(file: BinaryIO, record: _Record, position: int, end: int) -> tuple[int, int]:
    """Where an entry's content begins, and where the entry ends. It must begin at `position`."""
    if record.offset < position:
        raise refused(f"{record.path} overlaps with the entry before it.")
    if record.offset > position:
        count = record.offset - position
        raise refused(f"There are {count:,} bytes before {record.path} that belong to nothing.")
    file.seek(position)
    sign, _, flags, method, _, _, crc, packed, size, name_len, extra_len = _LOCAL.unpack(
        _exactly(file, _LOCAL.size)
    )
    raw, extra = _exactly(file, name_len), fields_of(_exactly(file, extra_len))
    if sign != LOCAL:
        raise refused(f"{record.path} is not where the directory says it is.")
    if raw != record.raw:
        raise refused(f"{record.path} has another name in its own header: {raw[:60]!r}.")
    check_unicode_path(raw, extra)
    if (flags, method) != (record.flags, record.method):
        raise refused(f"{record.path} is told of in two ways by directory and header.")
    if _ONLY_4_GB in (packed, size):
        size, packed = sizes64(extra) or (size, packed)
    told = {(crc, record.crc), (packed, record.packed), (size, record.size)}
    is_streamed = bool(flags & _STREAMED)  # then a header may leave open what it does not know yet
    if any(mine != theirs and not (is_streamed and mine == 0) for mine, theirs in told):
        raise refused(f"{record.path} has other sizes in its own header than in the directory.")
    start = file.tell()
    stop = start + record.packed
    if is_streamed:
        stop += _descriptor_length(file, stop, record)
    if stop > end:
        raise refused(f"{record.path} overlaps with the directory.")
    return start, stop


def _descriptor_length(file: BinaryIO, position: int, record: _Record) -> int:
    """Bytes of what a streamed entry tells behind its content, which must agree."""
    file.seek(position)
    found = file.read(24)
    for mark in (DESCRIPTOR, b""):
        for form in ("<LQQ", "<LLL"):
            expected = mark + struct.pack(form, record.crc, record.packed, record.size)
            if found.startswith(expected):
                return len(expected)
    raise refused(f"{record.path} has other sizes behind its content than in the directory.")


def _content(file: BinaryIO, record: _Record, start: int) -> Iterator[bytes]:
    """The content, counted: never more than the directory says, and with its checksum."""
    made = crc = 0
    inflate = _stored if record.method == STORED else _inflated
    for piece in inflate(file, start, record):
        made += len(piece)
        if made > record.size:
            raise refused(f"{record.path} is larger than the {record.size:,} bytes it says.")
        crc = zlib.crc32(piece, crc)
        yield piece
    if made != record.size:
        raise refused(f"{record.path} holds {made:,} bytes, and says {record.size:,}.")
    if crc != record.crc:
        raise refused(f"{record.path} is damaged: its checksum does not fit.")


def _stored(file: BinaryIO, start: int, record: _Record) -> Iterator[bytes]:
    for at in range(0, record.packed, CHUNK):
        file.seek(start + at)
        yield _exactly(file, min(CHUNK, record.packed - at))


def _inflated(file: BinaryIO, start: int, record: _Record) -> Iterator[bytes]:
    machine, pending, taken = zlib.decompressobj(-zlib.MAX_WBITS), b"", 0
    while not machine.eof:
        if not pending:
            file.seek(start + taken)
            pending = _exactly(file, min(CHUNK, record.packed - taken))
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


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise refused("It is cut off.")
    return data
