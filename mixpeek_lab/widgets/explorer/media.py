"""Cells that stand for files: their line of text, small pictures, recordings to play.

The rules are those of `widgets.media`: nothing is fetched from anywhere else, pictures are made
here, and what a browser plays is a local file whose content is audio or video.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mixpeek_lab.assets import AssetError, local_path
from mixpeek_lab.inspection import Column, Pages, View
from mixpeek_lab.media import HEAD_BYTES, kind_of, sniff
from mixpeek_lab.widgets.media import media_text, thumbnail

MEDIA_COLUMN = "data"
FACTS = ("blob_type", "mime_type", "size_bytes")
KINDS = ("image", "audio", "video", "pdf")
MOST_ROWS = 40
"""Rows whose pictures are made at once."""
MOST_PLAYED_BYTES = 16 << 20
"""Of a recording that is handed to the browser."""


def has_media(pages: Pages) -> bool:
    """Whether any row of the result stands for a file that is no text."""
    names = {column.name for column in pages.columns}
    if not {MEDIA_COLUMN, "blob_type"} <= names:
        return False
    return pages.count(View(filters={"blob_type": {"in": list(KINDS)}})) > 0


def media_cells(pages: Pages, rows: Sequence[int]) -> dict[str, dict[str, str]]:
    """Row number → `{text, kind, thumbnail}` of the rows that stand for files."""
    found = {}
    for row in rows[:MOST_ROWS]:
        fields, facts = _parts(pages, row)
        text = media_text(fields, facts)
        if text:
            kind = str(facts.get("blob_type") or "")
            picture = thumbnail(fields, facts)
            found[str(row)] = {"text": text, "kind": kind, "thumbnail": picture}
    return found


def playable(pages: Pages, row: int) -> tuple[str, bytes]:
    """The MIME type and the bytes of a local recording or film; empty where there is none."""
    fields, facts = _parts(pages, row)
    url = str(fields.get(MEDIA_COLUMN) or "")
    if not media_text(fields, facts) or not url.startswith("file:///"):
        return "", b""
    try:
        path = local_path(url)
        if not path.is_file() or path.stat().st_size > MOST_PLAYED_BYTES:
            return "", b""
        content = path.read_bytes()
    except (AssetError, OSError, ValueError):
        return "", b""  # gone since, or not ours to read: its line of text stays
    mime = sniff(content[:HEAD_BYTES], path.name)
    return (mime, content) if kind_of(mime) in ("audio", "video") else ("", b"")


def _parts(pages: Pages, row: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The row's content and its facts, as `widgets.media` takes them."""
    names = {column.name for column in pages.columns}
    facts = pages.values(row, [MEDIA_COLUMN, *(name for name in FACTS if name in names)])
    size = facts.get("size_bytes")
    known = {**facts, "size_bytes": int(size) if size and str(size).isdigit() else None}
    return {MEDIA_COLUMN: facts[MEDIA_COLUMN]}, known


def is_media_column(column: Column) -> bool:
    """Whether cells of this column may stand for files."""
    return column.name == MEDIA_COLUMN
