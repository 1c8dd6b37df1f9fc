"""Telling front ends that something changed, for as long as one of them shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

LEASE_SECONDS = 180.0
"""How long a front end is told without asking again: one that is gone cannot say goodbye."""
PAUSE_SECONDS = 0.5
"""Between two looks, so at most two messages a second."""
BEAT_SECONDS = 0.15
"""Between two looks at a run that goes on."""

Tell = Callable[[dict[str, Any]], None]


class Watch:
    """Calls `tell` with `{change}`, from a thread of its own, whenever `version()` is another.

    While a run goes on it is told with `{far}` how far it is, whenever `far()` is another, and
    with `{far: null}` once it has ended. The thread is there only while a front end has something
    on the screen.
    """

    def __init__(
        self,
        version: Callable[[], object],
        tell: Tell,
        far: Callable[[], dict[str, Any] | None] = lambda: None,
        *,
        pause: float = PAUSE_SECONDS,
        beat: float = BEAT_SECONDS,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._version, self._tell, self._far = version, tell, far
        self._pause, self._beat, self._lease = pause, beat, lease
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`{client, on}`: begin or end to tell a front end. To be asked again within `lease`."""
        client = str(request.get("client", ""))
        with self._lock:
            if request.get("on"):
                self._until[client] = time.monotonic() + self._lease
                self._begin()
            else:
                self._until.pop(client, None)
                self._wake.set()
        return {"seconds": self._lease}

    def stop(self) -> None:
        """Tell nobody any more."""
        with self._lock:
            self._until.clear()
            self._wake.set()

    def _begin(self) -> None:
        if self._thread is None:
            self._wake.clear()
            self._thread = threading.Thread(
                target=self._look, name="mixpeek-lab-sidebar", daemon=True
            )
            self._thread.start()

    def _is_wanted(self) -> bool:
        """Whether somebody still wants to know. The thread is let go where nobody does."""
        now = time.monotonic()
        with self._lock:
            self._until = {client: end for client, end in self._until.items() if end > now}
            if not self._until:
                self._thread = None
            self._wake.clear()
            return bool(self._until)

    def _look(self) -> None:
        seen, number, looked = self._version(), 0, time.monotonic()
        far = self._far()
        while self._is_wanted():
            self._wake.wait(self._beat if far else self._pause)
            now = self._far()
            if now != far:
                far = now
                self._tell({"far": far})
            if time.monotonic() - looked < self._pause * 0.9:
                continue
            looked, found = time.monotonic(), self._version()
            if found != seen:
                seen, number = found, number + 1
                self._tell({"change": number})
