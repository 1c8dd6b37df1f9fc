"""`%extractor show` and `%extractor fix`: all of an extractor, and its cell mended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import SourceError
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.harness import TestReport
    from mixpeek_lab.widgets.cards.fixes import FixCard
    from mixpeek_lab.widgets.cards.sheets import ExtractorSheet
    from mixpeek_lab.workbench import Lab
    from mixpeek_lab.workbench.fixing import Fixed


def shown_sheet(lab: Lab, name: str, reports: Mapping[str, TestReport]) -> ExtractorSheet:
    """The whole card of an extractor; `reports`: of the tests in this session."""
    from mixpeek_lab.widgets.cards.sheets import ExtractorSheet

    found = lab.check(name)
    base = found.source.name
    known = lab.versions.overview(base)
    return ExtractorSheet(
        base, found.manifest, found.findings, True, None, known, reports.get(base), lab.url
    )


class TypedCells:
    """The last `%%extractor` cell of each extractor, as it was typed."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cells: dict[str, tuple[str, str | None]] = {}

    def put(self, name: str, cell: str, file: str | None) -> None:
        """Remember a cell; `file` is the one that it holds, None for a whole package."""
        self._cells[name] = (cell, file)

    def fixed(self, name: str) -> Fixed | None:
        """Its last cell with what its findings tell to write; None where there is no cell."""
        from mixpeek_lab.workbench.fixing import fix_cell

        if name not in self._cells:
            return None
        cell, file = self._cells[name]
        before = current_lab().draft(name) if file else None
        with suppress(SourceError):
            return fix_cell(name, cell, file, before)
        return None

    def fix(self, name: str) -> FixCard:
        """Put the mended cell in place of the one that asked for it.

        An extractor that was loaded from a package comes as a cell of its files.
        """
        from mixpeek_lab.cells import join_sections
        from mixpeek_lab.widgets.cards.fixes import FixCard
        from mixpeek_lab.workbench.fixing import fix_cell

        fixed = self.fixed(name)
        if fixed is None:
            text = join_sections(current_lab().extractor(name).source)
            self.put(name, text, None)
            fixed = fix_cell(name, text)
        _, file = self._cells[name]
        if fixed.done:
            head = f"%%extractor {name} {file}" if file else f"%%extractor {name}"
            self._shell.set_next_input(f"{head}\n{fixed.after}", replace=True)
        # Editors count the line of the magic itself.
        below = 0 if file else 1
        left = [replace(f, cell_line=f.cell_line and f.cell_line + below) for f in fixed.left]
        return FixCard(replace(fixed, left=tuple(left)))
