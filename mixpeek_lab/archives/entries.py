"""What all kinds of archives are made of, how much of it is taken, and how one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mixpeek_lab.errors import SourceError
from mixpeek_lab.source import MAX_BYTES, MAX_FILES

MAX_ENTRIES = 4 * MAX_FILES
"""Folders, and what macOS adds beside each file, are entries that are not counted as files."""

CHUNK = 1 << 16
"""Bytes that are inflated at a time."""

MAX_RATIO = 200
"""Text packs to a tenth, and seldom to less than a fiftieth; bombs to less than a thousandth."""
RATIO_FROM = 10 * 1024 * 1024
"""Bytes from which the ratio counts: a small file of one repeated line is no bomb."""

PACK_AGAIN = "Pack its folder again: mixpeek-lab pack FOLDER."


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in an archive."""

    path: str
    """As `clean_path` gives it."""
    is_folder: bool
    chunks: Callable[[], Iterator[bytes]]
    """The content in pieces of at most CHUNK bytes. SourceError where it is damaged."""


def refused(what: str, fix: str = PACK_AGAIN) -> SourceError:
    """The error for an archive, which `read_archive` completes with the archive's name."""
    return SourceError(f"{what} {fix}".rstrip())


def check_ratio(name: str, packed: int, unpacked: int) -> None:
    """SourceError where so few bytes become so many that it is a bomb."""
    if unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed:
        raise refused(
            f"{name} packs {unpacked / 1024**2:,.0f} MB into {packed / 1024:,.0f} kB: "
            "only a zip bomb does that.",
            "Leave the file out, or make it smaller.",
        )


@dataclass
class Budget:
    """Counts what an archive holds. SourceError where it is more than Mixpeek takes."""

    entries: int = 0
    files: int = 0
    size: int = 0

    def entry(self) -> None:
        """One more entry of any kind."""
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise _too_many(f"more than {MAX_ENTRIES:,} entries")

    def file(self) -> None:
        """One more file that is not the operating system's own."""
        self.files += 1
        if self.files > MAX_FILES:
            raise _too_many(f"more than {MAX_FILES:,} files")

    def take(self, count: int) -> None:
        """So many unpacked bytes more."""
        self.size += count
        if self.size > MAX_BYTES:
            raise refused(
                f"It holds more than {MAX_BYTES // 1024**2} MB, which is all that Mixpeek takes.",
                "Do not bundle model weights: download them in setup().",
            )


def check_count(entries: int) -> None:
    """The same limit for a directory that tells its length before it is read."""
    if entries > MAX_ENTRIES:
        raise _too_many(f"{entries:,} entries")


def _too_many(what: str) -> SourceError:
    return refused(
        f"It holds {what}. Mixpeek takes at most {MAX_FILES:,} files:",
        "leave data and environments out of the extractor.",
    )
