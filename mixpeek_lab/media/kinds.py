"""MIME types and file names as kinds of blobs."""

from __future__ import annotations

from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"
"""The MIME type of what no signature fits."""

_PROMISES = {
    "image": ".jpg .jpeg .jpe .png .gif .webp .tif .tiff .bmp .heic .heif .avif .svg .ico .jp2 .jxl"
    " .psd",
    "audio": ".wav .mp3 .flac .ogg .oga .opus .m4a .m4b .aac .wma .aif .aiff .amr .mka .weba .mid",
    "video": ".mp4 .m4v .mov .webm .mkv .avi .wmv .flv .mpg .mpeg .ogv .3gp .mts .m2ts",
    "pdf": ".pdf",
}
"""Suffixes that nobody gives to a text. `.ts` is as often TypeScript, and not among them."""

_KIND_OF_SUFFIX = {suffix: kind for kind, listed in _PROMISES.items() for suffix in listed.split()}


def kind_of(mime_type: str) -> str | None:
    """The blob type of a MIME type: text, image, audio, video or pdf; None for anything else."""
    if mime_type == "application/pdf":
        return "pdf"
    family = mime_type.partition("/")[0]
    return family if family in ("text", "image", "audio", "video") else None


def promised_kind(name: str) -> str | None:
    """The kind of media that a file's name promises; None where it promises none."""
    return _KIND_OF_SUFFIX.get(suffix_of(name))


def suffix_of(name: str) -> str:
    """The suffix of a file's name or path in lower case: `.jpg`; empty where it has none."""
    return PurePosixPath(name).suffix.lower()


def size_text(size: int) -> str:
    """Bytes for people: `512 B`, `12.3 kB`, `4.0 MB`; empty for 0, which stands for unknown."""
    if size < 1000:
        return f"{size} B" if size > 0 else ""
    number = float(size)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} TB"
