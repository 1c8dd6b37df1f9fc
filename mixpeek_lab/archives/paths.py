"""Names in archives: which are safe on every system, which collide, which are no extractor's."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from mixpeek_lab.archives.entries import refused

LONGEST_PART = 255
"""Bytes of a file's or a folder's name that every file system takes."""
LONGEST_PATH = 1_000
DEEPEST = 32
JUNK = ("__MACOSX", "__pycache__")
"""Folders that macOS and Python add. Hidden ones (`.git`, `.DS_Store`) are left out as well."""

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.I)
_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN = '<>:"|?*'
"""Characters that Windows has in no name."""

RENAME = "Rename it and pack again."


def clean_path(name: str) -> str:
    """The path inside the archive's top, as `a/b.py`; empty for the top itself (`./`).

    SourceError for a name that leads elsewhere, that a system cannot hold, or that is read
    differently on another.
    """
    if any(unicodedata.category(char) == "Cs" for char in name):
        raise refused(f"The name {_shown(name)} is not UTF-8.")
    if any(unicodedata.category(char) == "Cc" for char in name):
        raise refused(f"The name {_shown(name)} holds a control character.", RENAME)
    if "\\" in name:
        raise refused(f"The name {_shown(name)} holds a backslash, which some programs take for /.")
    if name.startswith("/") or _DRIVE.match(name):
        raise refused(f"The name {_shown(name)} is an absolute path.")
    parts = name.removeprefix("./").removesuffix("/").split("/")
    if parts in ([""], ["."]) and name.startswith("."):
        return ""
    if any(part in ("", ".", "..") for part in parts):
        raise refused(f"The name {_shown(name)} leads elsewhere: it has an empty part, . or ...")
    _check_parts(name, parts)
    return "/".join(parts)


def is_junk(path: str) -> bool:
    """Whether the file is the operating system's or Python's own."""
    return any(part in JUNK or part.startswith(".") for part in path.split("/"))


@dataclass
class Paths:
    """The paths of one archive so far. SourceError where two are one on some system."""

    files: dict[str, str] = field(default_factory=dict)
    """Key → path as it is written; equal keys collide."""
    folders: dict[str, str] = field(default_factory=dict)

    def add_file(self, path: str) -> None:
        """Take a file's path, as `clean_path` gives it."""
        for end in (at for at, char in enumerate(path) if char == "/"):
            self.add_folder(path[:end])
        key = _key(path)
        if self.files.get(key) == path:
            raise refused(f"{path} is in it twice.")
        if key in self.files:
            raise _collision(self.files[key], path)
        if key in self.folders:
            raise refused(f"{path} is both a file and a folder.")
        self.files[key] = path

    def add_folder(self, path: str) -> None:
        """Take a folder's path; the same one may come again. Empty is the archive's top."""
        if not path:
            return
        key = _key(path)
        if key in self.files:
            raise refused(f"{self.files[key]} is both a file and a folder.")
        known = self.folders.setdefault(key, path)
        if known != path:
            raise _collision(known, path)


def _key(path: str) -> str:
    """Equal for paths that are the same where case or the form of accents do not count."""
    folded = unicodedata.normalize("NFKC", path).casefold()
    return unicodedata.normalize("NFKC", folded)


def _collision(one: str, other: str) -> Exception:
    return refused(
        f"{_shown(one)} and {_shown(other)} are one name where upper and lower case, or the two "
        "ways to write an accent, are not told apart.",
        RENAME,
    )


def _check_parts(name: str, parts: list[str]) -> None:
    if len(parts) > DEEPEST:
        raise refused(f"The name {_shown(name)} is {len(parts)} folders deep.", RENAME)
    if len(name.encode()) > LONGEST_PATH or any(len(p.encode()) > LONGEST_PART for p in parts):
        raise refused(f"The name {_shown(name)} is too long: {len(name.encode())} bytes.", RENAME)
    for part in parts:
        if any(char in _FORBIDDEN for char in part) or part[-1] in ". " or _RESERVED.match(part):
            raise refused(f"The name {_shown(name)} is one that Windows does not allow.", RENAME)


def _shown(name: str) -> str:
    """The name on one line, shortened, with everything odd in it escaped."""
    text = ascii(name)
    return text if len(text) <= 90 else f"{text[:60]}…{text[-20:]}"
