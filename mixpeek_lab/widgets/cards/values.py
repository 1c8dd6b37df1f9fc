"""Cells of an Arrow table as people read them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from mixpeek_lab.widgets.media import media_text

LONGEST = 80
"""Characters of one cell."""

SHOWN_NUMBERS = 3
"""Numbers of a vector."""


def shown_cells(table: pa.Table) -> tuple[list[str], list[list[str]]]:
    """Column names, and the rows as short texts."""
    rows = [[shown(value) for value in row.values()] for row in table.to_pylist()]
    return list(table.column_names), rows


def with_media(documents: pa.Table) -> pa.Table:
    """The documents, with MIME type and size before the URL of those that are files."""
    if not {"data", "blob_type"} <= set(documents.column_names):
        return documents
    about = documents.select(
        [n for n in ("data", "blob_type", "mime_type", "size_bytes") if n in documents.column_names]
    ).to_pylist()
    texts = [media_text(row, row, LONGEST) or row["data"] for row in about]
    if not any(media_text(row, row) for row in about):
        return documents
    at = documents.column_names.index("data")
    return documents.set_column(at, "data", pa.array(texts, pa.string()))


def shown(value: Any, longest: int = LONGEST) -> str:
    """A value as one short line: vectors by their first numbers and length, long text cut."""
    if value is None:
        return "–"
    if isinstance(value, list) and value and isinstance(value[0], float):
        return _vector(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _vector(value: list[float]) -> str:
    # Rounded first, and 0 added, so that -0.001 reads 0.00.
    head = ", ".join(f"{round(number, 2) + 0:.2f}" for number in value[:SHOWN_NUMBERS])
    return f"[{head}, … {len(value)}]" if len(value) > SHOWN_NUMBERS else f"[{head}]"
