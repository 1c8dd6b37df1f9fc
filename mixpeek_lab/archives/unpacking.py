"""An archive as a folder: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.archives.reading import read_contents
from mixpeek_lab.errors import ConflictError, InvalidInputError
from mixpeek_lab.source import ExtractorSource, write_source


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A package that was written to disk."""

    path: Path
    """Its folder."""
    source: ExtractorSource
    left_out: tuple[str, ...]
    """Files of the archive that are no text of an extractor, and were not written. Sorted."""


def unpack(
    archive: str | Path | bytes, folder: str | Path = ".", name: str | None = None
) -> Unpacked:
    """Write an archive's package as `folder/NAME/`, byte for byte.

    The archive is read and checked as a whole first (see `read_archive`: SourceError), written
    beside its place, and moved there at once. ConflictError where `folder/NAME` is there already;
    InvalidInputError where `folder` cannot be written to.
    """
    contents = read_contents(archive, name)
    target = Path(folder) / contents.source.name
    if target.exists() or target.is_symlink():
        raise ConflictError(f"{target} is there already. Remove it, or unpack into another folder.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(contents.source, target)
    except OSError as error:
        raise InvalidInputError(
            f"{target} cannot be written: {error.strerror or error}. Unpack into another folder."
        ) from error
    return Unpacked(target, contents.source, contents.left_out)


def _write_whole(source: ExtractorSource, target: Path) -> None:
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unpacking-"))
    try:
        write_source(source, temporary)
        temporary.chmod(0o755)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
