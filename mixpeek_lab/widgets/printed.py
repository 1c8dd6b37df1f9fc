"""What an extractor printed in a run, as lines for a view."""

from __future__ import annotations

from html import escape

from mixpeek_lab.markup import printable
from mixpeek_lab.models import Printed

SAVED_LINES = 30
"""Lines that a saved report holds."""


def printed_title(printed: Printed) -> str:
    """`printed by the extractor: 3 lines`; empty where it printed nothing."""
    if not printed.lines:
        return ""
    count = f"{printed.count:,} line{'' if printed.count == 1 else 's'}"
    return f"printed by the extractor: {'more than ' if printed.is_cut else ''}{count}"


def printed_lines(printed: Printed, most: int) -> list[str]:
    """The newest lines; where several steps print, each begins with its step's name."""
    several = len({step for step, _ in printed.lines}) > 1
    return [
        printable(f"{step}: {line}" if several else line) for step, line in printed.lines[-most:]
    ]


def printed_html(printed: Printed) -> str:
    """The newest lines, folded, without scripts; empty where nothing was printed."""
    if not printed.lines:
        return ""
    lines = printed_lines(printed, SAVED_LINES)
    title = printed_title(printed)
    if len(lines) < printed.count or printed.is_cut:
        title += f", the last {len(lines)}"
    return (
        '<details style="margin-top:.4em">'
        f'<summary style="cursor:pointer">{escape(title)}</summary>'
        '<pre style="margin:.2em 0;white-space:pre-wrap;overflow-wrap:anywhere">'
        f"{escape(chr(10).join(lines))}</pre></details>"
    )


class NewLines:
    """What of the printed lines was not given yet, each with its step's name."""

    def __init__(self) -> None:
        self._given = 0

    def of(self, printed: Printed) -> list[str]:
        """The new ones among those that are kept; a sentence in place of those that are not."""
        new = printed.count - self._given
        self._given = max(self._given, printed.count)
        if new <= 0:
            return []
        lines = [printable(f"{step}: {line}") for step, line in printed.lines[-new:]]
        left = new - len(lines)
        return [f"({left:,} lines are left out)", *lines] if left > 0 else lines
