"""What all cards have in common: text by `__str__`, HTML by `_repr_html_`, one frame."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from mixpeek_lab.widgets.static import printable, table_html, table_text

COLOURS = {
    "error": "var(--jp-error-color1, #c62828)",
    "warning": "var(--jp-warn-color0, #a85b00)",
    "info": "var(--jp-info-color0, #00639c)",
}
"""Text colours that hold their contrast in light and dark."""

MUTED = "opacity:.75"

_TICKS = re.compile(r"`([^`]+)`")


class View:
    """Text by `__str__`, which is its repr too; HTML by `_repr_html_`."""

    def __repr__(self) -> str:
        return str(self)


def framed(title: str, subtitle: str, *parts: str) -> str:
    """A box with a title, a muted phrase beside it, and parts that are HTML already."""
    body = "".join(part for part in parts if part)
    return (
        '<div style="border:1px solid var(--jp-border-color2,#ccc);border-radius:6px;'
        'padding:8px 14px;max-width:1000px;line-height:1.5;overflow-x:auto">'
        f'<div><strong style="font-size:110%">{escape(title)}</strong>'
        f'<span style="{MUTED};margin-left:.7em">{escape(subtitle)}</span></div>{body}</div>'
    )


def facts_html(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values on one line, as far as they fit."""
    shown = " · ".join(
        f'<span><span style="{MUTED}">{escape(name)}</span> <b>{escape(value)}</b></span>'
        for name, value in facts
    )
    return f'<div style="margin:.3em 0">{shown}</div>'


def marked_html(text: str) -> str:
    """Escaped text, with what stands between backticks as code."""
    return _TICKS.sub(r"<code>\1</code>", escape(text))


def line_html(text: str, style: str = "") -> str:
    """One escaped line."""
    return f'<div style="margin:.3em 0;{style}">{escape(text)}</div>'


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
