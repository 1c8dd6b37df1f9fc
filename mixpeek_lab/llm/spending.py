"""The process' tally: what was asked of each model, what it cost, and for which piece of work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from threading import Lock

from mixpeek_lab.llm.prices import cost_of
from mixpeek_lab.llm.requests import LLMUsage
from mixpeek_lab.models import Spending, Spent, add_spent

_lock = Lock()
_tally: dict[tuple[str, str], Spending] = {}


class Meter:
    """Counts the calls of one piece of work: of a step, on a block of rows."""

    def __init__(self) -> None:
        self._spent: Spent = {}

    @property
    def spent(self) -> Spent:
        """`provider/model` → what was asked of it for this work so far."""
        with _lock:
            return dict(self._spent)


_mine: ContextVar[Meter | None] = ContextVar("mixpeek_lab_llm_meter", default=None)
_open: list[Meter] = []


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what the code inside asks of models, however many calls it has under way at once.

    To this work belong the calls of its tasks and of the SDK's threads. Calls from threads that
    it started itself are counted too while no other work is metered in this process; with others
    under way nobody can tell whose they are, and they are in the tally alone, as are calls that
    end after the work.
    """
    meter = Meter()
    with _lock:
        _open.append(meter)
    token = _mine.set(meter)
    try:
        yield meter
    finally:
        _mine.reset(token)
        with _lock:
            _open.remove(meter)


def payer() -> Meter | None:
    """The work that the calling code belongs to; None where it belongs to none."""
    mine = _mine.get()
    with _lock:
        if mine in _open:
            return mine
        return _open[0] if len(_open) == 1 else None


def tally() -> Mapping[tuple[str, str], Spending]:
    """(provider, model) → what this process has asked of it so far. A copy."""
    with _lock:
        return dict(_tally)


def count(provider: str, model: str, more: Spending, meter: Meter | None) -> None:
    """Add to the tally, and to the meter of the work that asked."""
    with _lock:
        _tally[provider, model] = _tally.get((provider, model), Spending()) + more
        if meter is not None:
            meter._spent = add_spent(meter._spent, {f"{provider}/{model}": more})


def bill(provider: str, model: str, usage: LLMUsage) -> Spending:
    """One answered call."""
    cost = cost_of(provider, model, usage)
    made = Spending(answered=1, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    return replace(made, cost=cost or 0.0, unpriced=int(cost is None))
