"""One `%process`: its progress while it runs, its report afterwards."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.magics.live import shown_meanwhile
from mixpeek_lab.models import Progress

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import RunCard
    from mixpeek_lab.widgets.progress import RunProgress
    from mixpeek_lab.workbench import Lab

WAITING = "starting actors"
"""The phase in which a run may be waiting for Ray."""


def run_live(
    lab: Lab, source: Sequence[str], extractor: str, into: str | None, **options: Any
) -> RunCard:
    """Process, with a bar that is gone when the report is there.

    An interruption is raised again, saying how far the run was.
    """
    from mixpeek_lab.interrupts import StopButton, heard_interrupts
    from mixpeek_lab.widgets.cards import RunCard
    from mixpeek_lab.widgets.progress import RunProgress

    stop = StopButton()
    bar = RunProgress(
        into or "_".join([*source, extractor]), source=", ".join(source), cancel=stop.press
    )
    with heard_interrupts(), shown_meanwhile(bar), _Watch(lab, bar) as watch:
        try:
            with stop:
                report = lab.process(source, extractor, into, on_progress=watch.tell, **options)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_stopped(bar.progress)) from None
    return RunCard(report, bar.progress.printed)


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


def _stopped(progress: Progress) -> str:
    return (
        f"The run was stopped after {progress.done:,} of {progress.total:,} rows. "
        "The collection keeps what it had."
    )
