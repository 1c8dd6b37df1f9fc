"""Ctrl-C that is not lost, and one that another thread asks for.

Python raises KeyboardInterrupt wherever the main thread happens to be; inside a finaliser or a
callback of a library it is printed and forgotten, and a long run would go on.
"""

from __future__ import annotations

import _thread
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


class StopButton:
    """Interrupts the main thread for whoever presses it, as long as its block runs there.

    What happens is what an interrupt of the kernel does. Pressed before or after the block, or
    from the thread that the block itself keeps busy, it does nothing: an interrupt is never left
    over for what comes next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = False

    def press(self) -> bool:
        """Interrupt the block. Returns whether there was one to interrupt."""
        with self._lock:
            if not self._runs or threading.current_thread() is threading.main_thread():
                return False
            self._runs = False  # once is enough: a second one would hit the clearing up
            _interrupt_main()
            return True

    def __enter__(self) -> None:
        self._runs = threading.current_thread() is threading.main_thread()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._runs = False


def _interrupt_main() -> None:
    """SIGINT for the main thread, so that what it waits for is broken off as by Ctrl-C."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:  # Windows
        _thread.interrupt_main()
