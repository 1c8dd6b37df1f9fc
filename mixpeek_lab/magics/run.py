"""One `%process`: its progress while it runs, its report afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.magics.live import TerminalLine, is_terminal, shown_meanwhile, told_already
from mixpeek_lab.models import Progress

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import RunCard
    from mixpeek_lab.widgets.progress import RunProgress
    from mixpeek_lab.workbench import Lab

WAITING = "starting actors"
"""The phase in which a run may be waiting for Ray."""


def run_live(
    lab: Lab,
    source: Sequence[str],
    extractor: str,
    into: str | None,
    code: str = "",
    **options: Any,
) -> RunCard:
    """Process, with a bar that is gone when the report is there. `code`: the line that does so.

    An interruption is raised again, saying how far the run was.
    """
    from mixpeek_lab.interrupts import StopButton, heard_interrupts
    from mixpeek_lab.widgets.cards import RunCard
    from mixpeek_lab.widgets.progress import RunProgress

    stop = StopButton()
    bar = RunProgress(
        into or "_".join([*source, extractor]),
        code,
        source=", ".join(source),
        cancel=stop.press,
    )
    face = _in_terminal(bar) if is_terminal() else shown_meanwhile(bar, bar.under_way_html())
    with heard_interrupts(), face, told_already(), _Watch(lab, bar) as watch:
        try:
            with stop:
                report = lab.process(source, extractor, into, on_progress=watch.tell, **options)
        except KeyboardInterrupt:
            bar.leave("stopped")
            raise KeyboardInterrupt(_stopped(bar.progress)) from None
        except Exception:
            bar.leave("failed")
            raise
    bar.finish(report)  # for a page that was loaded meanwhile, and saw nothing of the end
    # A terminal has shown what was printed.
    return RunCard(report) if is_terminal() else RunCard(report, bar.progress.printed)


class _Watch:
    """Passes progress on to the bar; while Ray is not there yet, says how its start goes."""

    def __init__(self, lab: Lab, bar: RunProgress) -> None:
        self._lab, self._bar = lab, bar
        self._is_waiting, self._is_over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mixpeek-lab-run", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._is_waiting.set()
        self._thread.join()

    def tell(self, progress: Progress) -> None:
        """What `Lab.process` calls."""
        self._bar.update(progress)
        if progress.phase == WAITING:
            self._is_waiting.set()
        else:
            self._is_waiting.clear()

    def _watch(self) -> None:
        while not self._is_over.is_set():
            self._is_waiting.wait()
            if not self._is_over.is_set():
                text = self._lab.status().ray
                self._say(text if text.startswith("Ray: starting") else WAITING)
            self._is_over.wait(1.0)

    def _say(self, phase: str) -> None:
        now = self._bar.progress
        if self._is_waiting.is_set() and now.phase != phase:
            self._bar.update(replace(now, phase=phase))


@contextmanager
def _in_terminal(bar: RunProgress) -> Iterator[None]:
    """One line for the run, and above it what the extractor prints, at most ten times a second."""
    from mixpeek_lab.widgets.printed import NewLines
    from mixpeek_lab.widgets.report import format_progress

    line, new = TerminalLine(), NewLines()

    def show(change: Any) -> None:
        lines = new.of(bar.progress.printed)
        if lines:
            line.print(*lines)
        line.say(f"{change['new']['title']} {format_progress(bar.progress, timings=True)}")

    bar.observe(show, "state")
    try:
        yield
    finally:
        bar.unobserve(show, "state")
        line.clear()
        if lines := new.of(bar.progress.printed):
            line.print(*lines)
        bar.close()


def _stopped(progress: Progress) -> str:
    return (
        f"The run was stopped after {progress.done:,} of {progress.total:,} rows. "
        "The collection keeps what it had."
    )
