"""An iterator that is driven in a thread of its own, so that no interrupt breaks it off.

Python raises KeyboardInterrupt wherever the main thread happens to be. In the middle of Ray's code,
as it makes actors, that leaves some behind which nobody knows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from queue import Full, Queue
from typing import TypeVar

from mixpeek_lab.interrupts import unheard_interrupts

Item = TypeVar("Item")

AHEAD = 2
"""Items that are taken before they are asked for."""
PATIENCE = 2.0
"""Seconds for the thread to end once it was stopped; after that it is left alone."""
BETWEEN = 0.1
"""Seconds between two looks whether anybody still wants what was taken."""


@dataclass(frozen=True)
class _End:
    """The iterator has ended, by an exception or as it should."""

    error: BaseException | None = None


def pumped(
    make: Callable[[], Iterator[Item]], stop: Callable[[], None]
) -> Generator[Item, None, None]:
    """What `make()` gives, made and driven in a thread; what it raises is raised here.

    However this one ends, `stop` is called here and then the thread is waited for. `stop` may be
    called at any moment, in the middle of `make` as well, and must make the iterator end.
    """
    queue: Queue[Item | _End] = Queue(AHEAD)
    is_over = threading.Event()
    thread = threading.Thread(
        target=copy_context().run, args=(_drive, make, queue, is_over),
        name="mixpeek-lab-blocks", daemon=True,
    )  # fmt: skip
    try:
        thread.start()
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        with unheard_interrupts():
            is_over.set()
            stop()
            thread.join(PATIENCE)


def _drive(
    make: Callable[[], Iterator[Item]], queue: Queue[Item | _End], is_over: threading.Event
) -> None:
    end = _End()
    try:
        for item in make():
            if not _put(queue, item, is_over):
                return
    except BaseException as error:  # noqa: BLE001 - raised in the consumer's thread
        end = _End(error)
    _put(queue, end, is_over)


def _put(queue: Queue[Item | _End], item: Item | _End, is_over: threading.Event) -> bool:
    """Whether somebody still wants it."""
    while not is_over.is_set():
        try:
            queue.put(item, timeout=BETWEEN)
        except Full:
            continue
        return True
    return False
