"""A cell with what its findings tell to write, written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mixpeek_lab.cells import CellSplit, add_file, read_cell
from mixpeek_lab.errors import SourceError
from mixpeek_lab.findings import Finding, has_errors
from mixpeek_lab.lint.fixes import Edit, apply_edits, edits_for
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench.extractors import check_named

ROUNDS = 3
"""How often a fixed cell is looked at again: one remedy may bring the next mistake to light."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A cell before and after."""

    name: str
    before: str
    after: str
    done: tuple[Finding, ...]
    """What the changes remedy."""
    left: tuple[Finding, ...]
    """What is found in the cell as it would be then."""

    @property
    def diff(self) -> str:
        """Unified, as `patch` and `git apply` take it."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), "a/cell", "b/cell", lineterm=""
        )
        return "\n".join(lines)

    @property
    def has_errors(self) -> bool:
        """Whether something is left that keeps the extractor from being defined."""
        return has_errors(self.left)


def fix_cell(
    name: str, cell: str, file: str | None = None, before: ExtractorSource | None = None
) -> Fixed:
    """The cell of extractor `name` with every edit that its findings allow.

    `file`: the one that the cell holds, `before`: the package that it belongs to. A cell that
    cannot be cut into files raises SourceError.
    """
    split = _read(name, cell, file, before)
    findings, done, text = _findings(split), [], cell
    for _ in range(ROUNDS):
        edits = _in_cell(split, edits_for(split.source, findings))
        changed = apply_edits(text, edits)
        try:
            again = _read(name, changed, file, before)
        except SourceError:  # not what was meant: better nothing than a broken cell
            break
        if not edits or changed == text:
            break
        done += [edit.finding for edit in edits]
        text, split, findings = changed, again, _findings(again)
    return Fixed(name, cell, text, tuple(done), tuple(findings))


def _read(name: str, cell: str, file: str | None, before: ExtractorSource | None) -> CellSplit:
    if file is None:
        return read_cell(name, cell)
    source = add_file(before, name, file, cell)
    lines = tuple(range(1, cell.count("\n") + 2))
    return CellSplit(source, {file: lines})


def _findings(split: CellSplit) -> list[Finding]:
    return [*check_named(split.source, split).findings]


def _in_cell(split: CellSplit, edits: Iterable[Edit]) -> list[Edit]:
    """The edits with the cell's lines; those of generated lines are left out."""
    found: dict[tuple[int, int], Edit] = {}
    for edit in edits:
        first = split.cell_line(edit.path, edit.line)
        last = split.cell_line(edit.path, edit.end_line)
        if first and last and last - first == edit.end_line - edit.line:
            place = replace(edit, line=first, end_line=last)
            found.setdefault((first, edit.column), place)
    return list(found.values())
