"""Tar archives, plain or gzipped, read within limits and to their very end."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import IO, BinaryIO

from mixpeek_lab.archives.entries import CHUNK, MAX_ENTRIES, Entry, check_ratio, refused
from mixpeek_lab.archives.paths import clean_path
from mixpeek_lab.archives.tar_headers import BLOCK, check_headers
from mixpeek_lab.source import MAX_BYTES

_HEADERS = 8 * BLOCK * MAX_ENTRIES
"""Bytes that headers and padding may add to the content."""
_IN_MEMORY = 16 * 1024 * 1024

_KINDS = {
    tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe",
}  # fmt: skip
_BROKEN = (
    tarfile.TarError, ValueError, ArithmeticError, LookupError, RecursionError, EOFError, OSError,
)  # fmt: skip
"""What `tarfile` raises on data that is no archive."""


def is_tar(head: bytes) -> bool:
    """Whether a file that begins so is a tar archive, of whatever age."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def iter_tar_gz(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a gzipped tar archive. SourceError as for `iter_tar`, and for bad gzip."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as plain:
        _gunzip(file, plain)
        yield from iter_tar(plain)


def iter_tar(file: IO[bytes]) -> Iterator[Entry]:
    """The entries of a tar archive.

    SourceError for links, devices, sparse files, headers that override others, and where the
    archive does not end as it must: `tarfile` takes a damaged header for the end.
    """
    check_headers(file)
    file.seek(0)
    end = 0
    try:
        with tarfile.open(
            fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as tar:
            while (member := tar.next()) is not None:
                path = clean_path(_name(member))
                _check(tar, member)
                length = -(-member.size // BLOCK) * BLOCK if member.isreg() else 0
                end = member.offset_data + length
                yield Entry(path, member.isdir(), partial(_content, tar, member))
    except _BROKEN as error:
        raise refused(f"It is no tar archive, or a damaged one ({error}).") from error
    _check_end(file, end)


def _gunzip(file: BinaryIO, plain: IO[bytes]) -> None:
    """Inflate one gzip member, counting what goes in and what comes out."""
    machine, taken, made = zlib.decompressobj(16 + zlib.MAX_WBITS), 0, 0
    file.seek(0)
    while not machine.eof:
        data = machine.unconsumed_tail or file.read(CHUNK)
        taken += 0 if machine.unconsumed_tail else len(data)
        try:
            piece = machine.decompress(data, CHUNK)
        except zlib.error as error:
            raise refused(f"It is damaged: {error}.") from error
        if not (piece or data or machine.eof):
            raise refused("It is cut off.")
        made += len(piece)
        check_ratio("It", taken, made)
        if made > MAX_BYTES + _HEADERS:
            raise refused(
                f"It holds more than {MAX_BYTES // 1024**2} MB, which is all that Mixpeek takes.",
                "Do not bundle model weights: download them in setup().",
            )
        plain.write(piece)
    if machine.unused_data or file.read(1):
        raise refused("There is data behind the end of its gzip stream.")


def _check(tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    name = member.name
    if member.issparse() or member.type == tarfile.GNUTYPE_SPARSE:
        raise refused(f"{name} is a sparse file.", "Pack plain files alone.")
    if not (member.isreg() or member.isdir()) or member.type == tarfile.CONTTYPE:
        kind = _KINDS.get(member.type, f"of type {member.type!r}")
        raise refused(f"{name} is {kind}.", "Pack plain files alone.")
    if member.size < 0 or (member.isdir() and member.size):
        raise refused(f"{name} has a size that cannot be: {member.size:,}.")
    if "path" in tar.pax_headers:
        raise refused(f"{name} has a pax header for all files that overrides `path`.")


def _name(member: tarfile.TarInfo) -> str:
    return member.name + "/" if member.isdir() else member.name


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    stream = tar.extractfile(member)
    left = member.size
    while left and stream is not None:
        try:
            piece = stream.read(min(CHUNK, left))
        except _BROKEN as error:
            raise refused(f"{member.name} is damaged or cut off ({error}).") from error
        if not piece:
            raise refused(f"{member.name} is cut off.")
        left -= len(piece)
        yield piece


def _check_end(file: IO[bytes], end: int) -> None:
    """Behind the last entry stand two blocks of zeros or more, and nothing else."""
    file.seek(end)
    zeros = 0
    while data := file.read(CHUNK):
        if data.strip(b"\0"):
            raise refused("A header in it is damaged, or there is data behind its end.")
        zeros += len(data)
    if zeros < 2 * BLOCK:
        raise refused("It is cut off: the end of the archive is missing.")
