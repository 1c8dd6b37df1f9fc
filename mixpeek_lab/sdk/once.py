"""Something that runs once, however many threads ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Once:
    """Runs a function on the first call only. A failed first call is tried again by the next.

    Picklable: the copy remembers whether it ran, and has a lock of its own.
    """

    def __init__(self, is_done: bool = False) -> None:
        self._is_done = is_done
        self._lock = threading.RLock()

    def __call__(self, function: Callable[[], object]) -> None:
        """Call `function` unless an earlier call went through; concurrent callers wait for it."""
        if self._is_done:
            return
        with self._lock:
            if not self._is_done:
                function()
                self._is_done = True

    def __reduce__(self) -> tuple[type[Once], tuple[bool]]:
        return Once, (self._is_done,)
