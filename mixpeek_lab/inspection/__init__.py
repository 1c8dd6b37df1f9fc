"""SQL over what the lab made, and its results in pages: DuckDB lives here."""

from __future__ import annotations

from mixpeek_lab.inspection.columns import Column
from mixpeek_lab.inspection.fresh import LabPages, News
from mixpeek_lab.inspection.inspector import (
    TABLES,
    DocumentView,
    Inspector,
    Result,
    is_reserved,
    literal,
    reading,
)
from mixpeek_lab.inspection.pages import Pages
from mixpeek_lab.inspection.selecting import View

__all__ = [
    "TABLES",
    "Column",
    "DocumentView",
    "Inspector",
    "LabPages",
    "News",
    "Pages",
    "Result",
    "View",
    "is_reserved",
    "literal",
    "reading",
]
