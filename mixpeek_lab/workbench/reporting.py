"""Telling how far a run is while it goes on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mixpeek_lab.models import Failure, Progress, StepProgress
from mixpeek_lab.pipeline import Watch, aside

OnProgress = Callable[[Progress], None]
"""Called at every step forward and, from a thread of its own, between them: one call at a time."""


def unheard(progress: Progress) -> None:
    """Nobody listens."""


INTERVAL = 0.1
"""Seconds between two updates, at least."""
BEAT = 0.5
"""Seconds without a block after which the state of the steps is told all the same."""
EXAMPLES = 20
"""Failed rows of each kind that are told of while a run goes on."""


@dataclass
class Reporter:
    """Adds blocks up and tells `tell` at once, at the end, and ten times a second between."""

    total: int
    tell: OnProgress
    collection: str = ""
    watch: Watch = field(default_factory=Watch)
    begun: float = 0.0
    """When work on the first row began (seconds since the epoch): actors and models were there."""
    last: float = 0.0
    done: int = 0
    failed: int = 0
    documents: int = 0
    engine: str = "ray"
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Failure] = field(default_factory=list)
    _seen: int = 0
    _raised: BaseException | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self, engine: str = "ray") -> None:
        """The engine is on its way."""
        self.engine = engine
        self._send()

    def add(
        self,
        rows: int,
        failed: int,
        documents: int,
        begun: float,
        failures: Sequence[Failure] = (),
    ) -> None:
        """A block is done: it had so many input rows, and gave so many documents.

        `failures`: all that there are by now.
        """
        with self._lock:
            self._demand_no_error()
            self.begun = begun
            self.done += rows
            self.failed += failed
            self.documents += documents
            self._note(failures[self._seen :])
            self._seen = len(failures)
        if time.perf_counter() - self.last > INTERVAL or self.done >= self.total:
            self._send()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Tell of the steps while no block comes. What `tell` raises there is raised by `add`."""
        is_over = threading.Event()
        thread = threading.Thread(
            target=self._beat, args=(is_over,), name="mixpeek-lab-beat", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join(1.0)  # no longer: actors wait to be freed

    # ------------------------------------------------------------ inside

    def _beat(self, is_over: threading.Event) -> None:
        while not is_over.wait(BEAT):
            if time.perf_counter() - self.last < BEAT:
                continue
            try:
                self._send()
            except BaseException as error:  # noqa: BLE001 - handed over to the run's own thread
                self._raised = error
                return

    def _demand_no_error(self) -> None:
        if self._raised is not None:
            raise self._raised

    def _note(self, failures: Sequence[Failure]) -> None:
        for failure in failures:
            self.kinds[failure.kind] += 1
            if self.kinds[failure.kind] <= EXAMPLES:
                self.examples.append(failure)

    def _send(self) -> None:
        steps, printed = self.watch.steps(), self.watch.printed()
        with self._lock:
            self.last = time.perf_counter()
            seconds = max(0.0, time.time() - self.begun) if self.begun else 0.0
            progress = Progress(
                self.total,
                self.done,
                self.failed,
                self.documents,
                seconds,
                self._phase(steps),
                steps,
                tuple(self.examples),
                dict(self.kinds),
                self.collection,
                printed,
            )
            with aside():
                self.tell(progress)

    def _phase(self, steps: Sequence[StepProgress]) -> str:
        if self.done >= self.total:
            return "indexing"
        if self.done or any(step.working for step in steps):
            return "processing"
        return "starting actors" if self.engine == "ray" else "starting"
