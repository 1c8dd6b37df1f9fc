"""What the findings of a cell tell to write: as a patch, and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixpeek_lab.markup import framed, line_html, marked_html, printable
from mixpeek_lab.widgets.cards.diffs import patch_html
from mixpeek_lab.widgets.cards.view import View, folded
from mixpeek_lab.workbench.fixing import Fixed


def fix_lines(fixed: Fixed | None) -> list[str]:
    """The patch in a card's text form; nothing where there is none."""
    if fixed is None or not fixed.done:
        return []
    return [f"  {fix_phrase(fixed)}", *(f"    {printable(line)}" for line in _lines(fixed))]


def fix_html(fixed: Fixed | None) -> str:
    """The patch in a card's HTML, folded."""
    if fixed is None or not fixed.done:
        return ""
    return folded(fix_phrase(fixed), patch_html(_lines(fixed)))


def fix_phrase(fixed: Fixed) -> str:
    """`3 fixes: %extractor fix NAME writes them.`"""
    count = len(fixed.done)
    word, them = ("fix", "it") if count == 1 else ("fixes", "them")
    return f"{count} {word}: `%extractor fix {fixed.name}` writes {them} into the cell."


@dataclass(frozen=True, repr=False)
class FixCard(View):
    """A cell that was mended, and what is left to do by hand."""

    fixed: Fixed

    @property
    def _state(self) -> str:
        count = len(self.fixed.done)
        if not count:
            return "nothing that was found has a remedy of one meaning: what is left is below"
        return f"{count} fix{'' if count == 1 else 'es'} in the cell: look at it, and run it"

    def __str__(self) -> str:
        head = f"{self.fixed.name}: {self._state}"
        left = [f"  left: {printable(str(each))}" for each in self.fixed.left]
        return "\n".join([head, *(f"  {printable(line)}" for line in _lines(self.fixed)), *left])

    def _repr_html_(self) -> str:
        left = [f"<div>left: {marked_html(str(each))}</div>" for each in self.fixed.left]
        done = line_html("") if not self.fixed.done else patch_html(_lines(self.fixed))
        return framed(self.fixed.name, self._state, done, *left)


def _lines(fixed: Fixed) -> Sequence[str]:
    return fixed.diff.splitlines()
