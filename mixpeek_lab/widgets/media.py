"""Documents made of images, recordings, films and PDF, as people see them.

Everywhere that is a line of text: MIME type, size, URL (without its secrets). A small picture goes
with it for images that lie on this machine, where Pillow is installed. Nothing is fetched to
show it, and no view makes a browser ask another host for anything.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from mixpeek_lab.assets import AssetError, local_path, redacted
from mixpeek_lab.documents import is_file_url
from mixpeek_lab.media import size_text

THUMBNAIL_PIXELS = 96
"""The longer side of a thumbnail."""
MOST_BYTES = 64 * 1024
"""Of a thumbnail's data URI; what is larger is not shown."""
MOST_SOURCE_BYTES, MOST_SOURCE_PIXELS = 32 << 20, 50_000_000
"""Of an image that a thumbnail is made of: hits are somebody else's files."""
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")


def media_text(fields: Mapping[str, Any], lineage: Mapping[str, Any], longest: int = 160) -> str:
    """`image/png, 12.3 kB: file:///…/a.png`; empty for a document whose `data` is text.

    Where that is longer than `longest` characters the URL loses its beginning.
    """
    url = fields.get("data")
    if not is_file_url(url, lineage.get("blob_type")):
        return ""
    size = lineage.get("size_bytes")
    facts = [str(lineage.get("mime_type") or ""), size_text(size if isinstance(size, int) else 0)]
    head = ", ".join(fact for fact in facts if fact)
    shown, room = redacted(url), max(20, longest - len(head) - 2)
    return f"{head}: {shown if len(shown) <= room else '…' + shown[1 - room :]}"


def thumbnail(fields: Mapping[str, Any], lineage: Mapping[str, Any]) -> str:
    """A picture of a document's local image as a data URI; empty where there is none to show."""
    url, mime = fields.get("data"), str(lineage.get("mime_type") or "")
    is_local = isinstance(url, str) and url.startswith("file:///")
    if not is_local or not mime.startswith("image/") or not is_file_url(url, "image"):
        return ""
    try:
        path = local_path(str(url))
        status = path.stat()
    except (AssetError, OSError, ValueError):
        return ""
    if not path.is_file() or status.st_size > MOST_SOURCE_BYTES:
        return ""
    return _made(path, status.st_mtime_ns)


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow warns of large images; those are not shown anyway."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@lru_cache(maxsize=256)
def _made(path: Path, _changed: int) -> str:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return ""
    try:
        with _quiet(), Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > MOST_SOURCE_PIXELS:
                return ""
            image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            page = Image.new("RGB", upright.size, "white")
            page.paste(upright, mask=upright.getchannel("A"))
            kept = BytesIO()
            page.save(kept, "JPEG", quality=75)
    except Exception:  # noqa: BLE001 - a file that is no image after all: its URL is shown
        return ""
    uri = f"data:image/jpeg;base64,{base64.b64encode(kept.getvalue()).decode()}"
    return uri if len(uri) <= MOST_BYTES else ""
