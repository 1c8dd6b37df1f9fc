"""A zip archive's directory: where it is, and what it says of each entry."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mixpeek_lab.archives.entries import check_count, refused
from mixpeek_lab.archives.extras import check_unicode_path, fields_of
from mixpeek_lab.archives.paths import clean_path

END = b"PK\5\6"
UNKNOWN = 0xFFFFFFFF
"""A 32-bit size that says: it is elsewhere, in 64 bits."""
STREAMED = 0x0008
"""Flag: the sizes are behind the content."""
STORED, DEFLATED = 0, 8

_CENTRAL, _LOCATOR64 = b"PK\1\2", b"PK\6\7"
_END = struct.Struct("<4s4H2LH")
_RECORD = struct.Struct("<4s6H3L5H2L")
_VERSION = 63
"""The version of the format that all programs know, times ten."""
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_UTF8 = 0x0800
_KNOWN_FLAGS = 0x0006 | STREAMED | _UTF8
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 99: "encryption"}
_REGULAR, _FOLDER = 0o100000, 0o040000
_KINDS = {
    0o120000: "a symbolic link", 0o020000: "a device", 0o060000: "a device", 0o010000: "a pipe",
    0o140000: "a socket",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """What the directory says of one entry."""

    raw: bytes
    """The name's bytes, which the entry's own header must repeat."""
    path: str
    is_folder: bool
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read_directory(file: BinaryIO, size: int) -> tuple[list[Record], int]:
    """The records of an archive of `size` bytes, and where the directory begins. SourceError."""
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


def exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. SourceError where the file ends before."""
    data = file.read(count)
    if len(data) != count:
        raise refused("It is cut off.")
    return data


def _find_end(file: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """Where the directory ends, how many entries it has, its length and its begin."""
    first = max(0, size - _END.size - 0xFFFF)
    file.seek(first)
    tail = file.read()
    found = [at for at in _occurrences(tail, END) if _reaches_the_end(tail, at)]
    if not found:
        raise refused("It has no directory at its end: it is cut off, or data was added to it.")
    if len(found) > 1 or END in tail[found[0] + 1 :]:  # some programs take the last mark there is
        raise refused("It has two directories, of which programs read the one or the other.")
    _, disk, first_disk, here, entries, length, begin, _ = _END.unpack_from(tail, found[0])
    if disk or first_disk or here != entries:
        raise refused("It is one part of several.")
    if tail[max(0, found[0] - 20) :].startswith(_LOCATOR64) or UNKNOWN in (length, begin):
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


def _read_record(file: BinaryIO) -> Record:
    values = _RECORD.unpack(exactly(file, _RECORD.size))
    sign, _, needed, flags, method, _, _, crc, packed, size, name_length, extra_length = values[:12]
    comment_length, disk, _, attributes, offset = values[12:]
    if sign != _CENTRAL:
        raise refused("Its directory is damaged.")
    raw = exactly(file, name_length)
    name = _decoded(raw, flags)
    path = clean_path(name)
    check_unicode_path(raw, fields_of(exactly(file, extra_length)))
    exactly(file, comment_length)
    record = Record(raw, path, name.endswith("/"), flags, method, crc, packed, size, offset)
    if needed & 0xFF > _VERSION:
        raise refused(f"{path} needs version {needed / 10:g} of the zip format.")
    _check_form(record)
    _check_kind(record, attributes >> 16)
    if disk:
        raise refused("It is one part of several.")
    return record


def _decoded(raw: bytes, flags: int) -> str:
    """A name's text: ASCII, or UTF-8, which macOS writes without saying so."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        said = "says that it is UTF-8, and is not" if flags & _UTF8 else "is in another encoding"
        raise refused(f"The name {raw[:60]!r} {said}. Names are ASCII or UTF-8.") from error


def _check_form(record: Record) -> None:
    path, method = record.path, record.method
    if record.flags & _ENCRYPTED:
        raise refused(f"{path} is encrypted.", "Pack it again without a password.")
    if record.flags & ~_KNOWN_FLAGS:
        raise refused(f"{path} has the flags {record.flags:#06x}, of which some are not known.")
    if method not in (STORED, DEFLATED):
        kind = _METHODS.get(method, f"method {method}")
        raise refused(f"{path} is packed with {kind}.", "Pack it again with deflate, zip's usual.")
    if UNKNOWN in (record.packed, record.size, record.offset):
        raise refused(f"{path} is of the zip64 form, which is for more than Mixpeek takes.")
    if method == STORED and record.packed != record.size:
        raise refused(f"{path} is stored as it is, and yet has two sizes.")


def _check_kind(record: Record, mode: int) -> None:
    """Links and devices are told by the mode, whatever system the archive says to be from."""
    kind = mode & 0o170000
    if kind not in (0, _REGULAR, _FOLDER):
        raise refused(f"{record.path} is {_KINDS.get(kind, 'no file')}.", "Pack plain files alone.")
    if kind == _FOLDER and not record.is_folder:
        raise refused(f"{record.path} says to be a folder, and is written as a file.")
    if record.is_folder and record.size:
        raise refused(f"{record.path} is a folder, and has content.")
