"""Unified diffs, as text and as HTML with added and removed lines in colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mixpeek_lab.markup import COLOURS, MUTED, printable
from mixpeek_lab.workbench.versions import FileChange

MOST_LINES = 1_000
"""Lines of code in one card: they stay in the saved notebook."""

_STYLES = {
    "+": f"color:{COLOURS['success']}",
    "-": f"color:{COLOURS['error']}",
    "@": f"{MUTED};color:{COLOURS['info']}",
}


def diff_lines(files: Sequence[FileChange]) -> list[str]:
    """The lines of all files' diffs, cut at MOST_LINES, which is said."""
    lines = [printable(line) for change in files for line in change.diff.splitlines()]
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES:,} more lines"]


def diff_html(files: Sequence[FileChange]) -> str:
    """The same, each line in its colour."""
    return _pre(diff_lines(files))


def patch_html(patch: Sequence[str]) -> str:
    """Lines of a unified diff, each in its colour and none broken: they can be copied."""
    return _pre(patch, ";white-space:pre")


def _pre(patch: Sequence[str], style: str = "") -> str:
    lines = "\n".join(map(_line, patch))
    style = f"margin:.5em 0;font-size:12px;line-height:1.4;overflow-x:auto{style}"
    return f'<pre tabindex="0" style="{style}">{lines}</pre>' if lines else ""


def _line(text: str) -> str:
    if text.startswith(("---", "+++")):
        return f"<b>{escape(text)}</b>"
    style = _STYLES.get(text[:1])
    return f'<span style="{style}">{escape(text)}</span>' if style else escape(text)
