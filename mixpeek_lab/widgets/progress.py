"""The view of a run while it runs, step by step, and its report afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from time import monotonic
from typing import Any

import traitlets

from mixpeek_lab.models import Progress, RunReport
from mixpeek_lab.widgets.assets import module_text, style_text
from mixpeek_lab.widgets.printed import printed_lines, printed_title
from mixpeek_lab.widgets.report import (
    STATES,
    examples_of,
    failure_kinds,
    failure_lines,
    format_progress,
    format_report,
    format_seconds,
    report_facts,
    report_html,
    timing_facts,
)
from mixpeek_lab.widgets.saving import LabWidget, with_saved
from mixpeek_lab.widgets.static import message_html, printable

SECONDS_BETWEEN = 0.1
"""Updates that come closer than this are merged: the kernel's output channel is narrow."""
LIVE_KINDS = 8
"""Kinds of failures that the live view lists; the report has all of them."""
UNDER_WAY = (
    "A run was under way here when this notebook was saved. It goes on for as long as its kernel "
    "does; %inspect SELECT * FROM runs says what came of it."
)
LIVE_LINES = 50
"""Lines of what the extractor prints that the live view shows."""
LIVE_ROWS = 20
"""Failed rows of each kind that the live view lists."""


class RunProgress(LabWidget):
    """A run drawn as its steps, from the source to the index, then its report.

    `show()` displays it; `update` and `finish` feed it. Without `show`, display it like any
    widget; then the text and HTML saved in the notebook are those of that moment.
    """

    _esm = module_text("nodes.js", "lanes.js", "printed.js", "progress.js")
    _css = style_text("theme.css", "progress.css", "lanes.css", "printed.css")

    state = traitlets.Dict().tag(sync=True)
    """What the view draws: title, phase, numbers in words, and the report at the end."""

    def __init__(
        self,
        title: str = "",
        code: str = "",
        *,
        source: str = "",
        cancel: Callable[[], bool] | None = None,
    ) -> None:
        """`title`: what is being made, `source`: of what. `code`: the line that runs it again.

        `cancel` is what the button calls, in whatever thread the message comes; it returns
        whether the run is being stopped. Without it there is no button.
        """
        self._title, self._code, self._cancel = title, code, cancel
        self._about = {
            "title": title, "source": source, "can_cancel": cancel is not None, "code": code,
        }  # fmt: skip
        self._progress = Progress(total=0)
        self._report: RunReport | None = None
        self._is_over = False
        self._handle: Any = None
        self._sent_at = float("-inf")
        super().__init__(state=_progress_state(self._about, self._progress))
        self.on_msg(self._hear)

    @property
    def progress(self) -> Progress:
        """The newest progress that `update` was given, shown already or not."""
        return self._progress

    @property
    def report(self) -> RunReport | None:
        """What `finish` was given."""
        return self._report

    def show(self) -> None:
        """Display the widget here, so that `finish` can put the report into the saved output."""
        from IPython.display import display

        self._handle = display(self, display_id=True)

    def update(self, progress: Progress) -> None:
        """Show `progress`. At most ten times a second, and at once when the phase changes."""
        now = self._progress
        is_new_phase = (progress.phase, progress.collection) != (now.phase, now.collection)
        self._progress = progress
        if not self._is_over and (is_new_phase or self._is_due()):
            self._draw(_progress_state(self._about, progress))

    def finish(self, report: RunReport) -> None:
        """Put the report in place of the bar; also into the saved output where `show` was used."""
        self._report, self._is_over = report, True
        self._progress = replace(self._progress, phase=STATES[report.state])
        self._draw(_report_state(self._title, report))
        if self._handle is not None:
            self._handle.update(self)

    def leave(self, phase: str) -> None:
        """The run has ended without a report: say how, and take the button away."""
        self._progress, self._is_over = replace(self._progress, phase=phase), True
        self._draw(_progress_state({**self._about, "can_cancel": False}, self._progress))

    def __repr__(self) -> str:
        if self._report is not None:
            return format_report(self._report)
        return f"{self._title} {format_progress(self._progress)}".strip()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it text and HTML that stay when the kernel is gone."""
        return with_saved(super()._repr_mimebundle_(**kwargs), repr(self), self._html())

    def under_way_html(self) -> str:
        """What a notebook that is saved while the run goes on shows to a page without its view."""
        return message_html(self._title, UNDER_WAY, self._code)

    def _html(self) -> str:
        if self._report is not None:
            return report_html(self._report, self._code)
        return message_html(self._title, format_progress(self._progress), self._code)

    def _hear(self, _: Any, content: dict[str, Any], __: Any) -> None:
        """The button was pressed: say at once whether that stops anything."""
        if content.get("kind") == "cancel" and self._cancel is not None:
            self.send({"kind": "canceling" if self._cancel() else "over"})

    def _is_due(self) -> bool:
        return monotonic() - self._sent_at >= SECONDS_BETWEEN

    def _draw(self, state: dict[str, Any]) -> None:
        self._sent_at = monotonic()
        self.state = state


def _progress_state(about: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """What the view draws while the run is under way."""
    left = progress.seconds_left
    title = str(about["title"])
    follows = progress.collection not in ("", title)
    return {
        **about,
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "documents": progress.documents,
        "phase": f"follows: {progress.phase}" if follows else progress.phase,
        "title": f"{title} → {progress.collection}" if follows else title,
        "rate": progress.rate,
        "left": format_seconds(left) if left is not None else "",
        "steps": [asdict(step) for step in progress.steps],
        "failures": _failures(progress),
        "printed": _printed(progress),
        "report": None,
    }


def _printed(progress: Progress) -> dict[str, Any]:
    """What the extractor printed last; of one step its name is not said at each line."""
    return {
        "title": printed_title(progress.printed),
        "lines": printed_lines(progress.printed, LIVE_LINES),
    }


def _failures(progress: Progress) -> list[dict[str, Any]]:
    """The failed rows by kind, the most frequent kind first, each with some of its rows."""
    ordered = sorted(progress.kinds.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "kind": kind,
            "count": count,
            "rows": [
                [printable(each.called), each.step, printable(each.message), each.where]
                for each in examples_of(progress.failures, kind, LIVE_ROWS)
            ],
        }
        for kind, count in ordered[:LIVE_KINDS]
    ]


def _report_state(title: str, report: RunReport) -> dict[str, Any]:
    """What the view draws when the run is over."""
    failures = [
        {
            "kind": kind,
            "count": count,
            "examples": failure_lines(report, kind, count),
        }
        for kind, count in failure_kinds(report)
    ]
    return {
        "title": title or report.collection,
        "report": {
            "state": report.state,
            "words": STATES[report.state],
            "facts": report_facts(report),
            "times": timing_facts(report),
            "failures": failures,
            "notes": list(report.notes),
        },
    }
