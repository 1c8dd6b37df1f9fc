"""What became of the items of `parallel_io` and `concurrent_api_calls`, for who called the code.

Both give None for an item that fails, and a processor may go on with that: its caller would not
know that the rows are not what they should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock

from mixpeek_lab.sdk.logs import get_logger


@dataclass(frozen=True, slots=True)
class IOCall:
    """One call of a helper: how many items it had, and the errors of those that failed."""

    helper: str
    items: int
    errors: Mapping[int, Exception]
    """Position → error, in the order of the positions."""


class IORecord:
    """The helpers' calls of one piece of work: of a processor, on a batch."""

    def __init__(self) -> None:
        self.calls: list[IOCall] = []

    def affected(self, rows: int) -> list[int]:
        """Positions of a batch's rows that may lack something. `rows` is their number.

        Where a helper was called once, with one item a row, these are the failed items' rows.
        Otherwise nobody can tell which row an item belongs to, and they are all rows.
        """
        failed = [call for call in self.calls if call.errors]
        helpers = [call.helper for call in self.calls]
        is_once = len(set(helpers)) == len(helpers)
        if is_once and all(call.items == rows for call in failed):
            return sorted({position for call in failed for position in call.errors})
        return list(range(rows)) if failed else []

    def raised(self, error: BaseException) -> bool:
        """Whether an error is that of an item, which the processor raised again."""
        known = [each for call in self.calls for each in call.errors.values()]
        return any(error is each or error.__cause__ is each for each in known)


_lock = Lock()
_mine: ContextVar[IORecord | None] = ContextVar("mixpeek_lab_io_record", default=None)
_open: list[IORecord] = []


@contextmanager
def recorded_io(record: IORecord) -> Iterator[None]:
    """Record the helpers' calls of the code inside.

    Calls from threads that it started itself belong to it while no other work is recorded.
    """
    with _lock:
        _open.append(record)
    token = _mine.set(record)
    try:
        yield
    finally:
        _mine.reset(token)
        with _lock:
            _open.remove(record)


def record_call(helper: str, items: int, errors: Mapping[int, Exception]) -> None:
    """Note a call that has ended, and log that items failed, in one line."""
    errors = dict(sorted(errors.items()))
    mine = _mine.get()
    with _lock:
        if mine not in _open:
            mine = _open[0] if len(_open) == 1 else None
        if mine is not None:
            mine.calls.append(IOCall(helper, items, errors))
    for position, error in list(errors.items())[:1]:
        get_logger(helper).warning(
            "%d of %d items failed, first item %d: %s: %s",
            len(errors), items, position, type(error).__name__, error,
        )  # fmt: skip
