"""The command-line tools that extractors may run, where they come from, and how they are found."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from difflib import get_close_matches

from mixpeek_lab.errors import InvalidInputError, MissingDependencyError

__all__ = ["TOOLS", "command_for"]


@dataclass(frozen=True)
class Origin:
    """What a tool belongs to, and how to install it."""

    product: str
    install: str


def _debian(package: str, brew: str) -> Origin:
    return Origin(
        f"the Debian package {package}",
        f"apt-get install {package} (macOS: brew install {brew}). "
        f'In the manifest: system_packages = ["{package}"].',
    )


def _vendor(product: str, vendor: str) -> Origin:
    return Origin(
        product,
        f"no package system has it. Download it from {vendor}, and put its folder on PATH.",
    )


_FFMPEG = _debian("ffmpeg", "ffmpeg")
_IMAGEMAGICK = _debian("imagemagick", "imagemagick")
_SOX = _debian("sox", "sox")

TOOLS: dict[str, Origin] = {
    "ffmpeg": _FFMPEG,
    "ffprobe": _FFMPEG,
    "convert": _IMAGEMAGICK,
    "identify": _IMAGEMAGICK,
    "magick": _IMAGEMAGICK,
    "exiftool": _debian("libimage-exiftool-perl", "exiftool"),
    "mediainfo": _debian("mediainfo", "mediainfo"),
    "sox": _SOX,
    "soxi": _SOX,
    "REDline": _vendor("RED's REDCINE-X PRO", "RED Digital Cinema"),
    "art-cmd": _vendor("the ARRI Reference Tool (ART CMD)", "ARRI"),
}
"""Tool → where it comes from."""

_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "convert": ("magick", "convert"),
    "identify": ("magick", "identify"),
    "soxi": ("sox", "--info"),
}
"""Tool → the same thing by another name, for machines that have only that."""

_OF_IMAGEMAGICK_6 = ("compare", "composite", "convert", "identify", "mogrify", "montage", "stream")
"""`magick COMMAND …` is `COMMAND …` where ImageMagick is older than 7."""


def command_for(tool: object, args: list[str]) -> list[str]:
    """The command that runs `tool`: an absolute path, then its arguments.

    Raises InvalidInputError for a tool that is not in TOOLS, and MissingDependencyError where
    neither it nor its other name is on PATH.
    """
    if not isinstance(tool, str) or tool not in TOOLS:
        raise InvalidInputError(f"run_tool does not run {tool!r}. {_instead(tool)}")
    for name, *rest in ([tool, *args], *_alternatives(tool, args)):
        path = shutil.which(name)
        if path:
            # Links stay unresolved: ImageMagick and SoX look at the name they are called by.
            return [os.path.abspath(path), *rest]  # noqa: PTH100 - Path would not drop `..`
    origin = TOOLS[tool]
    raise MissingDependencyError(origin.product, f'run_tool("{tool}", …)', origin.install)


def _alternatives(tool: str, args: list[str]) -> list[list[str]]:
    if tool in _OTHER_NAMES:
        return [[*_OTHER_NAMES[tool], *args]]
    if tool == "magick" and args and args[0] in _OF_IMAGEMAGICK_6:
        return [args]
    if tool == "magick":
        return [["convert", *args]]
    return []


def _instead(tool: object) -> str:
    name = tool.replace("\\", "/").rpartition("/")[2] if isinstance(tool, str) else ""
    lower = {known.lower(): known for known in TOOLS}
    close = get_close_matches(name.lower(), lower, n=1)
    hint = f'Did you mean "{lower[close[0]]}"? ' if close else ""
    return f"{hint}It runs, by name and without a path: {', '.join(TOOLS)}."
