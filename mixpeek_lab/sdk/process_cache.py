"""What a process loads once, whoever asks for it and from however many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_locks: dict[Hashable, threading.RLock] = {}
_values: dict[Hashable, Any] = {}


def once_per_process(key: Hashable, load: Callable[[], T]) -> T:
    """The value that `load` gave in this process for this key; a failed load is tried again.

    Threads that come at once wait for the one load; other keys load beside it.
    """
    with _lock:
        lock = _locks.setdefault(key, threading.RLock())
    with lock:
        if key not in _values:
            _values[key] = load()
        found: T = _values[key]
        return found
