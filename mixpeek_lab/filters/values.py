"""What values mean to a filter: their kinds, their order, and the path to them."""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import Any

from mixpeek_lab.models import JSON

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": op.gt,
    "gte": op.ge,
    "lt": op.lt,
    "lte": op.le,
}

MOST_PATH, MOST_DOTS = 500, 32
"""Characters and dots of a field's path."""

Test = Callable[[JSON], bool]
"""Whether one scalar of a document satisfies a condition."""


def resolve(document: JSON, path: str) -> JSON:
    """The value at a dotted `path`, None where there is none.

    A key equal to the whole path wins over a walk down. On the way down a list stands for
    all its elements: the answer is then the list of what they hold.
    """
    if isinstance(document, list | tuple):
        return [resolve(entry, path) for entry in document]
    if not isinstance(document, Mapping):
        return None
    if path in document:
        return document[path]
    for head, tail in splits(path):
        if head in document:
            return resolve(document[head], tail)
    return None


def path_problem(path: str) -> str | None:
    """Why a field's path is none that is looked up, None where it is: each dot is a step."""
    if len(path) > MOST_PATH or path.count(".") > MOST_DOTS:
        return f"a field's path has {MOST_PATH} characters and {MOST_DOTS} dots at most"
    return None


def splits(path: str) -> Iterator[tuple[str, str]]:
    """All ways to cut a dotted path in two: `a.b.c` → (a, b.c), (a.b, c)."""
    parts = path.split(".")
    return ((".".join(parts[:i]), ".".join(parts[i:])) for i in range(1, len(parts)))


def scalars(value: JSON) -> Iterator[JSON]:
    """`value` itself, or the elements of a list, however deep. No nulls."""
    if isinstance(value, list | tuple):
        for entry in value:
            yield from scalars(entry)
    elif value is not None:
        yield value


def fold(text: str, case_sensitive: bool) -> str:
    """`text` as it is compared."""
    return text if case_sensitive else text.casefold()


def nanoseconds(moment: date) -> int:
    """Nanoseconds since 1970 in UTC. A date is its midnight; without a zone it is UTC."""
    when = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    since = when - _EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return micros * 1_000 + int(getattr(moment, "nanosecond", 0))


def as_time(value: JSON) -> int | None:
    """An ISO 8601 text as nanoseconds since 1970, None for everything else."""
    if not isinstance(value, str):
        return None
    try:
        return nanoseconds(datetime.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        return None


def as_number(value: JSON) -> int | float | Decimal | None:
    """`value` where it is a number (a boolean is none), else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else float(value)
    return float(value) if isinstance(value, Real) else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values that `eq` or `in` accept, by kind."""

    texts: frozenset[str]
    numbers: frozenset[int | float]
    booleans: frozenset[bool]
    times: frozenset[int]

    def holds(self, scalar: JSON, case_sensitive: bool) -> bool:
        """Whether `scalar` is one of them."""
        if isinstance(scalar, str):
            return fold(scalar, case_sensitive) in self.texts
        if isinstance(scalar, bool):
            return scalar in self.booleans
        if isinstance(scalar, date):
            return nanoseconds(scalar) in self.times
        number = as_number(scalar)
        return number is not None and number in self.numbers


@lru_cache(maxsize=64)
def _wanted(values: tuple[tuple[type, JSON], ...], case_sensitive: bool) -> Wanted:
    plain = [value for _, value in values]
    numbers = (as_number(value) for value in plain)
    times = (as_time(value) for value in plain)
    return Wanted(
        texts=frozenset(fold(value, case_sensitive) for value in plain if isinstance(value, str)),
        numbers=frozenset(n for n in numbers if isinstance(n, int | float)),
        booleans=frozenset(value for value in plain if isinstance(value, bool)),
        times=frozenset(moment for moment in times if moment is not None),
    )


def wanted(value: JSON, case_sensitive: bool) -> Wanted:
    """What `eq value` (a scalar) or `in value` (a tuple) accepts."""
    values = value if isinstance(value, tuple) else (value,)
    # True and 1 are equal keys in Python, so the types are part of the cache's key.
    return _wanted(tuple((type(entry), entry) for entry in values), case_sensitive)


def is_held_by(operator: str, value: JSON, case_sensitive: bool) -> Test:
    """The test of one scalar for an operator that is positive (not `ne`, `nin`, `exists`,
    `is_null`), and not `regex`, see `found_among`."""
    if operator in ("eq", "in"):
        accepted = wanted(value, case_sensitive)
        return lambda scalar: accepted.holds(scalar, case_sensitive)
    if operator in ORDER:
        return _order_test(operator, value)
    return _text_test(operator, value, case_sensitive)


def _text_test(operator: str, value: JSON, case_sensitive: bool) -> Test:
    """The test for `contains`, `starts_with` and `ends_with`; only texts pass."""
    if not isinstance(value, str):
        return lambda _scalar: False
    part, compare = fold(value, case_sensitive), _TEXT[operator]
    return lambda scalar: isinstance(scalar, str) and compare(fold(scalar, case_sensitive), part)


_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def _order_test(operator: str, value: JSON) -> Test:
    compare, number, moment = ORDER[operator], as_number(value), as_time(value)

    def test(scalar: JSON) -> bool:
        if isinstance(scalar, str):
            return isinstance(value, str) and compare(scalar, value)
        if isinstance(scalar, date):
            return moment is not None and compare(nanoseconds(scalar), moment)
        other = as_number(scalar)
        return number is not None and other is not None and compare(other, number)

    return test


def found_among(pattern: str, values: Iterable[JSON], case_sensitive: bool) -> Test:
    """The test for `regex`, prepared for the texts in `values`."""
    from mixpeek_lab.filters.patterns import found_in

    texts = list({text for value in values for text in scalars(value) if isinstance(text, str)})
    mask = found_in(pattern, texts, case_sensitive).tolist()
    holding = {text for text, is_found in zip(texts, mask, strict=True) if is_found}
    return lambda scalar: isinstance(scalar, str) and scalar in holding
