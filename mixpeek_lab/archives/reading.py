"""From an archive to an extractor's source. Nothing is written."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mixpeek_lab.archives.entries import Budget, Entry, refused
from mixpeek_lab.archives.paths import Paths, is_junk
from mixpeek_lab.archives.tar_headers import BLOCK
from mixpeek_lab.archives.tars import is_tar, iter_tar, iter_tar_gz
from mixpeek_lab.archives.zips import END, LOCAL, iter_zip
from mixpeek_lab.errors import SourceError
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.missing import expanded, no_path
from mixpeek_lab.source import LAYOUT, MAX_BYTES, SUFFIXES, ExtractorSource, decoded
from mixpeek_lab.uris import NAME

MANIFEST = "manifest.py"
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7z", b"Rar!": "RAR",
    b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive holds."""

    source: ExtractorSource
    left_out: tuple[str, ...]
    """Its files that are no text of an extractor: weights, images, archives. Sorted."""


def read_archive(archive: str | Path | bytes, name: str | None = None) -> ExtractorSource:
    """Read a package from a .zip, .tar.gz, .tgz or .tar file, or from such a file's bytes.

    The package is in one top folder, or has its `manifest.py` at the root. It is called `name`,
    else as its top folder, else as its manifest says, else as the file. Hidden files,
    `__pycache__` and `__MACOSX` are left out, as are files that are not of SUFFIXES.

    Raises SourceError, and reads nothing further, for an archive that is damaged, ambiguous, over
    Mixpeek's limits or made to do harm: with links, devices, names that lead out or collide,
    sizes that are not so.
    """
    return read_contents(archive, name).source


def read_contents(archive: str | Path | bytes, name: str | None = None) -> Contents:
    """As `read_archive`; also says which files were left out."""
    if isinstance(archive, bytes):
        return _labelled(io.BytesIO(archive), "The archive", "", name)
    path = expanded(archive)
    try:
        if not path.is_file():
            what = f"{path} is no file." if path.exists() else no_path(archive, "file")
            raise SourceError(f"{what} An archive is a .zip or a .tar.gz.")
        with path.open("rb") as file:
            return _labelled(file, str(path), path.name.partition(".")[0], name)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error


def _labelled(file: BinaryIO, label: str, stem: str, name: str | None) -> Contents:
    try:
        return _read(file, stem, name)
    except SourceError as error:
        raise SourceError(f"{label} was not read. {error}") from error


def _read(file: BinaryIO, stem: str, name: str | None) -> Contents:
    size = file.seek(0, io.SEEK_END)
    if size > MAX_BYTES:
        raise refused(
            f"It has {size / 1024**2:,.0f} MB. Mixpeek takes at most {MAX_BYTES // 1024**2} MB:",
            "do not bundle model weights, download them in setup().",
        )
    texts, others = _gather(_entries(file, size))
    top = _top(sorted([*texts, *others]))
    files = tuple((path.removeprefix(top), decoded(path, data)) for path, data in texts.items())
    called = name or _name(top.rstrip("/"), files, stem)
    left_out = tuple(sorted(path.removeprefix(top) for path in others))
    return Contents(ExtractorSource(called, files), left_out)


def _entries(file: BinaryIO, size: int) -> Iterator[Entry]:
    """The archive's entries, whatever its kind is; its content tells, not its name."""
    file.seek(0)
    head = file.read(BLOCK)
    file.seek(max(0, size - 22 - 0xFFFF))
    if head.startswith((LOCAL, END)):
        return iter_zip(file, size)
    if head.startswith(_GZIP):
        return iter_tar_gz(file)
    if is_tar(head):
        return iter_tar(file)
    if END in file.read():
        return iter_zip(file, size)  # which says what stands before its first entry
    kind = next((kind for mark, kind in _OTHERS.items() if head.startswith(mark)), "")
    raise refused(
        f"It is packed with {kind}." if kind else "It is neither a zip nor a tar archive.",
        "An extractor's archive is a .zip or a .tar.gz.",
    )


def _gather(entries: Iterable[Entry]) -> tuple[dict[str, bytes], list[str]]:
    """The package's text files, and the paths of its others. All are unpacked and counted."""
    budget, paths = Budget(), Paths()
    texts: dict[str, bytes] = {}
    others: list[str] = []
    for entry in entries:
        budget.entry()
        path = entry.path
        if entry.is_folder:
            paths.add_folder(path)
            continue
        paths.add_file(path)
        is_ours = not is_junk(path)
        if is_ours:
            budget.file()
        data = _unpacked(entry, budget, is_kept=is_ours and path.endswith(SUFFIXES))
        if is_ours and path.endswith(SUFFIXES):
            texts[path] = data
        elif is_ours:
            others.append(path)
    return texts, others


def _unpacked(entry: Entry, budget: Budget, *, is_kept: bool) -> bytes:
    kept = bytearray()
    for piece in entry.chunks():
        budget.take(len(piece))
        if is_kept:
            kept += piece
    return bytes(kept)


def _top(paths: list[str]) -> str:
    """What all the package's paths begin with: `my_extractor/`, or nothing."""
    if MANIFEST in paths:
        return ""
    tops = sorted({path.partition("/")[0] for path in paths})
    holders = [path.removesuffix(MANIFEST) for path in paths if path.endswith(f"/{MANIFEST}")]
    shallow = [holder for holder in holders if holder.count("/") == 1]
    if not paths:
        raise refused("It holds no files.", f"An extractor looks like this:\n{LAYOUT}")
    if len(tops) == 1 and shallow:
        return shallow[0]
    if len(shallow) > 1:
        raise refused(f"It holds several packages: {', '.join(shallow)}.", "Pack them one by one.")
    if shallow:
        beside = next(top for top in tops if f"{top}/" != shallow[0])
        raise refused(
            f"The package is in {shallow[0]}, and {beside} is beside it.", "Pack its folder alone."
        )
    if holders:
        raise refused(f"Its manifest.py is in {holders[0]}.", "Pack that folder alone.")
    raise refused("It has no manifest.py.", f"An extractor looks like this:\n{LAYOUT}")


def _name(top: str, files: tuple[tuple[str, str], ...], stem: str) -> str:
    """The extractor's name, where the caller gives none."""
    if NAME.match(top):
        return top
    manifest = read_manifest(ExtractorSource("unnamed", files)).manifest
    return manifest.name if manifest is not None else stem or top
