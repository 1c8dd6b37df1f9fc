"""What is behind a path or a URL: told by content, read whole only where it is text.

A remote file is looked at by its first bytes and its ETag, so a bucket of many videos costs
little; a local one is hashed, so that an edited file is never taken for the old one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mixpeek_lab.assets import (
    AssetError,
    AssetLimits,
    fetch,
    is_data_url,
    local_path,
    peek,
    redacted,
    scheme_of,
)
from mixpeek_lab.media import HEAD_BYTES, kind_of, promised_kind, size_text, sniff, suffix_of

MOST_TEXT_BYTES = 64 << 20
"""A remote text longer than this is not read: it would go through memory and the catalog whole."""
LOOKERS = 16
"""Files looked at at once."""

TEXT_SUFFIXES = frozenset((
    ".txt", ".md", ".markdown", ".rst", ".html", ".htm", ".xml", ".json", ".yaml", ".yml", ".toml",
    ".csv", ".tsv", ".tex", ".log", ".py", ".ipynb", ".js", ".ts", ".css", ".java", ".c", ".h",
    ".cpp", ".hpp", ".go", ".rs", ".rb", ".sh", ".sql", ".r", ".jl",
))  # fmt: skip
"""Text by name: read also where control characters make its content look like something else."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a blob can be made of."""

    url: str
    """`file:///…`, percent-encoded, for local files; remote URLs as they were given."""
    kind: str
    mime_type: str
    size_bytes: int
    """0 where a server does not say."""
    version: str
    """Changes when the content does."""
    text: str = ""
    """The content, where it is text."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why no blob can be made of a file."""

    reason: str
    """Goes on after the file's name: `holds text/html, which is no image`."""
    label: str = ""
    """What it is in a count of files of no use: `.bin`, `.txt not in UTF-8`; empty for others."""


def look_all(references: Iterable[str]) -> dict[str, Found | Unusable]:
    """Look at paths and URLs, several at once and each once. Nothing raises: see `Unusable`."""
    wanted = list(dict.fromkeys(references))
    pool = ThreadPoolExecutor(LOOKERS, thread_name_prefix="look")
    try:
        return dict(zip(wanted, pool.map(look, wanted), strict=True))
    finally:  # without waiting: an interrupt must not last as long as the slowest server
        pool.shutdown(wait=False, cancel_futures=True)


def look(reference: str) -> Found | Unusable:
    """Look at one path, or file://, http(s)://, s3:// or gs:// URL."""
    if is_data_url(reference):
        return Unusable("is a data: URL, which is not opened: write its bytes to a file, name that")
    try:
        if scheme_of(reference) in ("", "file"):
            return _look_at_file(local_path(reference))
        return _look_from_afar(reference)
    except AssetError as error:
        return Unusable(_without_name(str(error).rstrip("."), redacted(reference)))
    except (OSError, ValueError, RuntimeError) as error:  # too long, with a zero, `~nobody`
        return Unusable(f"cannot be read ({getattr(error, 'strerror', None) or error})")


def _without_name(message: str, name: str) -> str:
    """The message as it goes on after the name, which it may begin with."""
    rest = message.removeprefix(name)
    if rest == message:
        return f"cannot be read: {message}"
    return f"cannot be read{rest}" if rest.startswith(":") else rest.strip()


def _look_at_file(path: Path) -> Found | Unusable:
    if not path.is_file():
        return Unusable(_no_file(path))
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = os.fstat(file.fileno()).st_size
        seen = _classify(head, path.name)
        if isinstance(seen, Unusable):
            return seen
        if kind_of(seen) != "text":
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Found(path.resolve().as_uri(), str(kind_of(seen)), seen, size, digest)
    return _read_text(path.resolve().as_uri(), path, seen)


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder"
    return "is a link to what does not exist" if path.is_symlink() else "does not exist"


def _look_from_afar(url: str) -> Found | Unusable:
    seen = peek(url, HEAD_BYTES)
    name = name_of(url)
    mime = _classify(seen.head, name)
    if isinstance(mime, Unusable):
        return mime
    kind = str(kind_of(mime))
    if kind != "text":
        version = seen.version or hashlib.sha256(seen.head).hexdigest()
        return Found(url, kind, mime, seen.size, f"{version} {seen.size}")
    if seen.size > MOST_TEXT_BYTES:
        return Unusable(f"is a text of {size_text(seen.size)}: more than is read from afar")
    limits = AssetLimits()
    limits = replace(limits, max_bytes=min(limits.max_bytes, MOST_TEXT_BYTES))
    path, is_temp = fetch(url, None, limits)
    try:
        return _read_text(url, path, mime, name)
    finally:
        if is_temp:
            path.unlink(missing_ok=True)


def _classify(head: bytes, name: str) -> str | Unusable:
    """The MIME type of what a blob can be made of."""
    promised, suffix = promised_kind(name), suffix_of(name)
    if promised and not head:
        return Unusable("is empty", f"{suffix} that is empty")
    mime = sniff(head, name)
    kind = kind_of(mime)
    if kind == "text" and promised:
        return Unusable(f"holds {mime}, which is no {promised}")
    if kind is not None:
        return mime
    if suffix in TEXT_SUFFIXES:
        return "text/plain"  # what is not UTF-8 after all is told when it is read
    what = "is neither text in UTF-8 nor an image, audio, video or PDF"
    return Unusable(what, suffix or "without a suffix")


def _read_text(url: str, path: Path, mime_type: str, name: str = "") -> Found | Unusable:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        suffix = suffix_of(name or path.name)
        return Unusable("is not in UTF-8", f"{suffix or 'text'} not in UTF-8")
    return Found(url, "text", mime_type, len(text.encode()), "", text)


def name_of(reference: str) -> str:
    """The file's name in a path or a URL."""
    if scheme_of(reference) in ("http", "https"):
        try:
            reference = unquote(urlsplit(reference).path)
        except ValueError:
            return ""
    return reference.rpartition("/")[2]
