"""The data explorer: any table or query, paged by DuckDB, in a grid of a million rows."""

from __future__ import annotations

from mixpeek_lab.widgets.explorer.widget import Explorer

__all__ = ["Explorer"]
