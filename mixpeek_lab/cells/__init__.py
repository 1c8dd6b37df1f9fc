"""From notebook cells to extractor packages and back."""

from __future__ import annotations

from mixpeek_lab.cells.sections import add_file, join_sections, read_cell, split_sections
from mixpeek_lab.cells.split import CellSplit, split_cell

__all__ = ["CellSplit", "add_file", "join_sections", "read_cell", "split_cell", "split_sections"]
