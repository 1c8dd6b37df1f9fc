"""How much work a template may be: sizes are looked at, steps counted, and the clock is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError

from mixpeek_lab.models import JSON

MOST_SECONDS = 2.0
MOST_CHARACTERS = 2_000_000
"""Of one text, and of all that a template writes."""
MOST_ITEMS = 100_000
"""Of one list or object, with all that lies in it; of a range."""
MOST_STEPS = 1_000_000
"""Items gone through, and texts handled: 16 characters are a step."""
MOST_BITS = 4_000
"""Of a whole number."""


class Names:
    """What `INPUT`, `DOC` or `CONTEXT` holds. Only items: `INPUT.items` is an input called so."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, JSON]) -> None:
        self.values = values

    def __getitem__(self, name: str) -> JSON:
        return self.values[name]


class Budget:
    """What one rendering may still spend."""

    __slots__ = ("deadline", "steps", "written")

    def __init__(self, seconds: float) -> None:
        self.steps, self.written = MOST_STEPS, MOST_CHARACTERS
        self.deadline = monotonic() + seconds

    def step(self, count: int = 1) -> None:
        """Count some work. SecurityError where it is too much."""
        self.steps -= count
        if self.steps < 0:
            raise SecurityError("it goes through too much")
        if monotonic() > self.deadline:
            raise SecurityError("it takes too long")

    def write(self, count: int) -> None:
        """Count characters that are written."""
        self.written -= count
        if self.written < 0:
            raise SecurityError(f"it writes more than {MOST_CHARACTERS:,} characters")


BUDGET: ContextVar[Budget] = ContextVar("mixpeek_lab_template_budget")
_LEFT: ContextVar[list[float] | None] = ContextVar("mixpeek_lab_template_seconds", default=None)


@contextmanager
def shared_seconds(seconds: float) -> Iterator[None]:
    """All renderings in this block together may take so long."""
    token = _LEFT.set([seconds])
    try:
        yield
    finally:
        _LEFT.reset(token)


def within_budget(work: Callable[[], JSON]) -> JSON:
    """`work()`, a rendering, under a budget of its own."""
    left, begun = _LEFT.get(), monotonic()
    token = BUDGET.set(Budget(min(MOST_SECONDS, left[0]) if left else MOST_SECONDS))
    try:
        return work()
    finally:
        BUDGET.reset(token)
        if left:
            left[0] -= monotonic() - begun


def weighed(value: Any) -> Any:
    """`value`, counted with all that lies in it. SecurityError where it is too large."""
    budget = BUDGET.get()
    if isinstance(value, str):
        demand_text(len(value))
        budget.step(1 + len(value) // 16)
    elif isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise SecurityError("it makes a number with too many digits")
    elif isinstance(value, Mapping | list | tuple):
        items, characters = 0, 0
        for each in leaves(value):
            items += 1
            characters += len(each) if isinstance(each, str) else 0
            if items > MOST_ITEMS:
                raise SecurityError(f"it makes a list of more than {MOST_ITEMS:,} items")
            demand_text(characters)
        budget.step(1 + items + characters // 16)
    else:
        budget.step()
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Everything in a value, however deep; without recursion, since others nest it."""
    left = [value]
    while left:
        one = left.pop()
        yield one
        if isinstance(one, Mapping):
            left += one.keys()
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one


def demand_text(characters: int) -> None:
    """SecurityError for a text that is too long."""
    if characters > MOST_CHARACTERS:
        raise SecurityError(f"it makes a text of more than {MOST_CHARACTERS:,} characters")


def text_of(value: Any) -> str:
    """A value as it is written."""
    return str(settled(value))


def settled(value: Any) -> Any:
    """What an expression came to. Raises where that is missing, or is a method, a part of a
    sequence that is still to be made, or one of Jinja2's own things."""
    if isinstance(value, Names):
        return weighed(dict(value.values))
    for each in leaves(value):
        if isinstance(each, StrictUndefined):
            str(each)  # raises, and says what is missing
        if isinstance(each, Iterator | range):
            raise SecurityError("it gives no value yet: write | list behind it")
        if callable(each) or type(each).__module__.partition(".")[0] in ("jinja2", __package__):
            raise SecurityError("it names a method or a thing of the template, not a value")
    return value


def each_counted(iterable: Any, cost: int = 0) -> Iterator[Any]:
    """Stands round what a loop goes through. Each round costs what its body writes."""
    budget, cost = BUDGET.get(), max(0, cost)
    for one in iterable.values if isinstance(iterable, Names) else iterable:
        budget.step(1 + cost // 16)
        budget.write(cost)
        yield one
