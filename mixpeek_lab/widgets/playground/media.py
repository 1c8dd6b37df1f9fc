"""The files behind results, as bytes: the view is given no path, and asks nobody else.

Only documents that the last search found are opened, and only files whose content is what a
browser shows: pictures, recordings, films, PDF.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixpeek_lab.assets import AssetError, local_path
from mixpeek_lab.documents import is_file_url
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.media import HEAD_BYTES, kind_of, size_text, sniff
from mixpeek_lab.widgets.places import name_of

MOST_BYTES = 32 << 20
"""Of a file that is handed to the browser."""
KINDS = ("image", "audio", "video", "pdf")
UNSAFE = ("image/svg+xml",)
"""Shown as nothing: a document with scripts of its own."""


def content_of(document: Mapping[str, Any]) -> bytes:
    """`MIME type`, a line break, the bytes of a result's file.

    InvalidInputError where there is none that can be shown.
    """
    url = document.get("fields", {}).get("data")
    kind = document.get("lineage", {}).get("blob_type")
    if not is_file_url(url, kind):
        raise InvalidInputError("This result is no file.")
    name = name_of(str(url))
    content = _read(_local(str(url), name), name)
    mime = sniff(content[:HEAD_BYTES], name)
    if kind_of(mime) not in KINDS or mime in UNSAFE:
        raise InvalidInputError(f"{name} holds {mime}: that cannot be shown here.")
    return mime.encode() + b"\n" + content


def _local(url: str, name: str) -> Path:
    if not url.startswith("file:///"):
        raise InvalidInputError(
            f"{name} is on another machine, and nothing is fetched for a view. `pg.results` has "
            "its URL."
        )
    try:
        return local_path(url)
    except (AssetError, ValueError) as error:
        raise InvalidInputError(f"{name} cannot be opened here.") from error


def _read(path: Path, name: str) -> bytes:
    """The file's bytes, read once: what is checked is what is shown."""
    try:
        size = path.stat().st_size if path.is_file() else None
        if size is not None and size <= MOST_BYTES:
            with path.open("rb") as file:
                return file.read(MOST_BYTES)
    except OSError as error:
        told = error.strerror or type(error).__name__
        raise InvalidInputError(f"{name} cannot be read: {told}.") from error
    if size is None:
        raise InvalidInputError(f"{name} is not there any more.")
    raise InvalidInputError(
        f"{name} has {size_text(size)}; files of up to {size_text(MOST_BYTES)} are shown here."
    )
