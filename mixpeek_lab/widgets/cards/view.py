"""What all cards have in common: text by `__str__`, HTML by `_repr_html_`, one frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mixpeek_lab.markup import (
    COLOURS,
    MUTED,
    facts_html,
    framed,
    line_html,
    marked_html,
    printable,
)
from mixpeek_lab.widgets.static import table_html, table_text

__all__ = [
    "COLOURS",
    "MUTED",
    "FactsCard",
    "TableView",
    "View",
    "facts_html",
    "folded",
    "framed",
    "line_html",
    "marked_html",
    "note_lines",
]


class View:
    """Text by `__str__`, which is its repr too; HTML by `_repr_html_`."""

    def __repr__(self) -> str:
        return str(self)


def folded(title: str, body: str, *, is_open: bool = False) -> str:
    """A titled part of a card that opens by a click or a key; works without scripts."""
    return (
        f'<details style="margin-top:.35em"{" open" if is_open else ""}>'
        f'<summary style="cursor:pointer;display:list-item">{marked_html(title)}</summary>'
        f'<div style="margin:.2em 0 .4em 1.1em">{body}</div></details>'
    )


def note_lines(notes: Iterable[str]) -> list[str]:
    """Notes as lines of a card's text form."""
    return [f"  note: {printable(note)}" for note in notes]


@dataclass(frozen=True, repr=False)
class TableView(View):
    """A list of things as a table; where there are none, a sentence that says how to make one."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    nothing: str

    def __str__(self) -> str:
        return table_text(self.columns, self.rows) if self.rows else self.nothing

    def _repr_html_(self) -> str:
        return table_html(self.columns, self.rows) if self.rows else line_html(self.nothing)


@dataclass(frozen=True, repr=False)
class FactsCard(View):
    """Names and values under a title."""

    title: str
    facts: Sequence[tuple[str, str]]

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  {name}: {value}" for name, value in self.facts)])

    def _repr_html_(self) -> str:
        return framed(self.title, "", table_html(["", ""], self.facts))
