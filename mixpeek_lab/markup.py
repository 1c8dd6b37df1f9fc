"""Small pieces of HTML and of plain text that cards and reports are made of. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import escape

COLOURS = {
    "error": "var(--jp-error-color1, var(--vscode-errorForeground, #c62828))",
    "warning": "var(--jp-warn-color0, var(--vscode-editorWarning-foreground, #a85b00))",
    "info": "var(--jp-info-color0, var(--vscode-editorInfo-foreground, #00639c))",
    "success": "var(--jp-success-color0, var(--vscode-testing-iconPassed, #1b6e1f))",
}
"""Text colours that hold their contrast in light and dark: JupyterLab's, or VS Code's."""

MUTED = "opacity:.75"
AS_IT_IS = "tex2jax_ignore mathjax_ignore"
"""Classes of what no notebook typesets as LaTeX: `$` in a text is a dollar."""

_TICKS = re.compile(r"`([^`]+)`")


def framed(title: str, subtitle: str, *parts: str) -> str:
    """A box with a title, a muted phrase beside it, and parts that are HTML already."""
    body = "".join(part for part in parts if part)
    return (
        f'<div class="{AS_IT_IS}" '
        'style="border:1px solid var(--jp-border-color2,var(--vscode-widget-border,#ccc));'
        'border-radius:6px;padding:8px 14px;max-width:1000px;line-height:1.5;overflow-x:auto">'
        f'<div><strong style="font-size:110%">{escape(title)}</strong> '
        f'<span style="{MUTED};margin-left:.5em">{escape(subtitle)}</span></div>{body}</div>'
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


def printable(text: str) -> str:
    """`text` with control and direction-changing characters replaced by spaces."""
    return "".join(
        " "
        if unicodedata.category(letter) in {"Cc", "Cf"} and letter not in "\u200c\u200d"
        else letter
        for letter in text
    )
