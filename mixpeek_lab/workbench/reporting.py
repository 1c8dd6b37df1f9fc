"""Telling how far a run is while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from mixpeek_lab.models import Progress

OnProgress = Callable[[Progress], None]

INTERVAL = 0.1
"""Seconds between two updates, at least."""


@dataclass
class Reporter:
    """Adds blocks up and tells `tell` at once, at the end, and ten times a second between."""

    total: int
    tell: OnProgress
    begun: float = 0.0
    """When work on the first row began (seconds since the epoch): actors and models were there."""
    last: float = 0.0
    done: int = 0
    failed: int = 0
    documents: int = 0

    def start(self) -> None:
        """The actors are on their way."""
        self._send("starting actors")

    def add(self, rows: int, failed: int, documents: int, begun: float) -> None:
        """A block is done: it had so many input rows, and gave so many documents."""
        self.begun = begun
        self.done += rows
        self.failed += failed
        self.documents += documents
        if time.perf_counter() - self.last > INTERVAL or self.done >= self.total:
            self._send("processing" if self.done < self.total else "indexing")

    def _send(self, phase: str) -> None:
        self.last = time.perf_counter()
        seconds = max(0.0, time.time() - self.begun) if self.begun else 0.0
        self.tell(Progress(self.total, self.done, self.failed, self.documents, seconds, phase))
