"""What the notebook shows: playground, explorer, embedding map, runs, and static doubles.

`static` and `report` are plain text and HTML and load at once. The widgets need anywidget
and load when they are first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpeek_lab.widgets.report import format_progress, format_report, report_html
from mixpeek_lab.widgets.static import results_html, results_text, table_html, table_text

if TYPE_CHECKING:
    from mixpeek_lab.widgets.embedding_map import EmbeddingMap
    from mixpeek_lab.widgets.explorer import Explorer
    from mixpeek_lab.widgets.playground import Playground
    from mixpeek_lab.widgets.progress import RunProgress

__all__ = [
    "EmbeddingMap",
    "Explorer",
    "Playground",
    "RunProgress",
    "format_progress",
    "format_report",
    "report_html",
    "results_html",
    "results_text",
    "table_html",
    "table_text",
]


def __getattr__(name: str) -> Any:
    """Load a widget class, and with it anywidget, on first use."""
    if name == "EmbeddingMap":
        from mixpeek_lab.widgets.embedding_map import EmbeddingMap

        return EmbeddingMap
    if name == "Explorer":
        from mixpeek_lab.widgets.explorer import Explorer

        return Explorer
    if name == "Playground":
        from mixpeek_lab.widgets.playground import Playground

        return Playground
    if name == "RunProgress":
        from mixpeek_lab.widgets.progress import RunProgress

        return RunProgress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
