"""Ctrl-C that is not lost, and one that another thread asks for.

Python raises KeyboardInterrupt wherever the main thread happens to be; inside a finaliser or a
callback of a library it is printed and forgotten, and a long run would go on.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 1.0
"""Seconds after an interrupt in which another one is taken for the same: whoever presses twice
means to stop once, and the second would hit the clearing up."""


@contextmanager
def heard_interrupts() -> Iterator[Callable[[], None]]:
    """Yields a function that raises KeyboardInterrupt if SIGINT has come in since.

    SIGINT is handled as before as well, but not again within a second. Only the main thread gets
    signals: elsewhere, and where somebody has taken SIGINT out of Python's hands, the function
    does nothing.
    """
    before = _handler()
    if before is None:
        yield lambda: None
        return
    heard = threading.Event()
    last = float("-inf")

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal last
        heard.set()
        if time.monotonic() - last > AGAIN:
            last = time.monotonic()
            before(number, frame)

    def demand_none() -> None:
        if heard.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    try:
        yield demand_none
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def unheard_interrupts() -> Iterator[None]:
    """In here an interrupt does nothing: what the block clears up is cleared up to its end."""
    before = _handler()
    if before is None:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def late_interrupts() -> Iterator[None]:
    """An interrupt in here is raised at the end of the block.

    For imports: a C extension whose import is broken off cannot be imported again.
    """
    before = _handler()
    if before is None:
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])


def _handler() -> Callable[[int, FrameType | None], object] | None:
    """What Python does at SIGINT; None outside the main thread, and where it does nothing."""
    found = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(found):
        return None
    return found


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
