"""An extractor as the .zip that Mixpeek takes: the same content, the same bytes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mixpeek_lab.archives.entries import Budget
from mixpeek_lab.archives.paths import Paths, clean_path, is_junk
from mixpeek_lab.archives.reading import MANIFEST
from mixpeek_lab.errors import InvalidInputError, SourceError
from mixpeek_lab.source import SUFFIXES, ExtractorSource

SUFFIX = ".zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that was written."""

    path: Path
    sha256: str
    """Of the file, in hex: equal for the same name and content on every machine."""
    size: int
    """Bytes of the file."""
    files: tuple[str, ...]
    """What is in it, sorted: `my_extractor/manifest.py`."""

    def __str__(self) -> str:
        count = len(self.files)
        files = f"{count:,} file{'' if count == 1 else 's'}"
        return f"{self.path}: {files}, {self.size:,} bytes, sha256 {self.sha256}"


def pack(source: ExtractorSource, path: str | Path) -> Packed:
    """Write the package as a .zip, as `zip -r my_extractor.zip my_extractor/` lays it out.

    `path` is the file, or a folder that is there to put NAME.zip into. A file of that name is
    replaced, at once and as a whole.

    Names are sorted, times and modes fixed, and the files are stored, not deflated: zlib and its
    replacements differ in what they make of the same text, and an archive's sha256 must be the
    same wherever it is packed. Source text is small; the limit of 500 MB is on what it unpacks to.

    SourceError where the package has no manifest.py, is over Mixpeek's limits, or has a file that
    an archive cannot hold or that reading it would leave out; InvalidInputError for the path.
    """
    target = _target(source, Path(path))
    files = _checked(source)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sha256, size = _write_whole(target, files)
    except OSError as error:
        raise InvalidInputError(
            f"{target} cannot be written: {error.strerror or error}. Name another file."
        ) from error
    return Packed(target, sha256, size, tuple(name for name, _ in files))


def _target(source: ExtractorSource, path: Path) -> Path:
    if path.is_dir():
        return path / f"{source.name}{SUFFIX}"
    if path.suffix.lower() != SUFFIX:
        raise InvalidInputError(
            f"{path} is neither a folder nor a {SUFFIX} file, which is what Mixpeek takes: "
            f"name it {path.name.partition('.')[0] or source.name}{SUFFIX}."
        )
    return path


def _checked(source: ExtractorSource) -> list[tuple[str, bytes]]:
    """The names in the archive and their content; what reading it would refuse is refused here."""
    if source.text(MANIFEST) is None:
        raise SourceError(f"{source.name} has no manifest.py: it cannot be packed without one.")
    budget, paths = Budget(), Paths()
    files = []
    for path, text in source.files:
        if is_junk(path) or not path.endswith(SUFFIXES):
            raise SourceError(
                f"{path} would be left out where the archive is read: an extractor's files are "
                f"not hidden and end in {', '.join(SUFFIXES)}. Rename or remove it."
            )
        name, data = f"{source.name}/{path}", text.encode()
        paths.add_file(clean_path(name))
        budget.file()
        budget.take(len(data))
        files.append((name, data))
    return sorted(files)


def _write_whole(target: Path, files: list[tuple[str, bytes]]) -> tuple[str, int]:
    """Write the archive beside its place, and move it there. Returns its sha256 and size."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".packing-")
    try:
        with os.fdopen(handle, "w+b") as file:
            _write(file, files)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return sha256, size


def _write(file: BinaryIO, files: list[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = _MODE << 16
            archive.writestr(info, data)
