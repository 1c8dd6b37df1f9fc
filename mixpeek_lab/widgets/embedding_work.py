"""A map's projections: the one wanted is worked out in the background, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.projections import Projection, Recipe

Project = Callable[
    [str, Mapping[str, JSON], Callable[[str, float | None], None], threading.Event], Projection
]
"""Method, parameters, who is told how far it is, and what ends it early → the projection."""

SECONDS_BETWEEN = 0.1
"""Between two reports of one phase: the kernel's output channel is narrow."""


class Work:
    """Makes projections. `on_done(method)`, `on_failed(error)` and `on_progress(phase, share)` are
    called in the thread that works.
    """

    def __init__(
        self,
        project: Project,
        asked: Recipe,
        on_done: Callable[[str], None],
        on_failed: Callable[[Exception], None],
        on_progress: Callable[[str, float | None], None],
    ) -> None:
        """`asked` has the parameters of its method; other methods take their own defaults."""
        self.made: dict[str, Projection] = {}
        self._project, self._asked = project, asked
        self._on_done, self._on_failed, self._on_progress = on_done, on_failed, on_progress
        self._stop, self._thread = threading.Event(), threading.Thread()
        self._failed: Exception | None = None
        self._told, self._told_at = "", float("-inf")

    def make(self, method: str) -> None:
        """Make a projection here and now. Raises what `project` raises."""
        self.made[method] = self._make(method, threading.Event())

    def begin(self, method: str) -> None:
        """Make it in the background; what was under way ends."""
        self.end()
        self._stop, self._failed = threading.Event(), None
        work = (method, self._stop)
        self._thread = threading.Thread(target=self._work, args=work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End what is under way; nobody is told."""
        self._stop.set()

    def wait(self, timeout: float | None) -> None:
        """Wait for it. Raises what went wrong, and InvalidInputError where it takes longer."""
        if self._thread.is_alive():
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise InvalidInputError(f"It takes longer than {timeout} s: wait again.")
        if self._failed is not None:
            raise self._failed

    def _make(self, method: str, stop: threading.Event) -> Projection:
        def tell(phase: str, share: float | None) -> None:
            is_due = phase != self._told or monotonic() - self._told_at >= SECONDS_BETWEEN
            if not stop.is_set() and is_due:
                self._told, self._told_at = phase, monotonic()
                self._on_progress(phase, share)

        parameters = self._asked.parameters if method == self._asked.method else {}
        return self._project(method, parameters, tell, stop)

    def _work(self, method: str, stop: threading.Event) -> None:
        try:
            self.made[method] = self._make(method, stop)
        except Exception as error:  # noqa: BLE001 - told in the view, raised by `wait`
            if not stop.is_set():
                self._failed = error
                self._on_failed(error)
            return
        if not stop.is_set():
            self._on_done(method)
