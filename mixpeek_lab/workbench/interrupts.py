"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever the main thread happens to be; inside a finaliser or a
callback of a library it is printed and forgotten, and a long run would go on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heard_interrupts() -> Iterator[Callable[[], None]]:
    """Yields a function that raises KeyboardInterrupt if SIGINT has come in since.

    SIGINT is handled as before as well. Only the main thread gets signals: elsewhere, and where
    somebody has taken SIGINT out of Python's hands, the function does nothing.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: None
        return
    heard = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        heard.set()
        before(number, frame)

    def demand_none() -> None:
        if heard.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    try:
        yield demand_none
    finally:
        signal.signal(signal.SIGINT, before)
