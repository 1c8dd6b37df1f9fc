"""The functions of `aggregate`: what each makes of the values of a field.

A list counts with all its elements, except for `first`, `last` and `collect`. Null is no value, and
a figure of no values is null; their sum and count are 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import floor, fsum, sqrt
from typing import Literal

from pydantic import Field, model_validator

from mixpeek_lab.filters.values import scalars
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.stages.documents import as_finite, value_at
from mixpeek_lab.retrievers.stages.sorting import identity, order_key
from mixpeek_lab.retrievers.stages.stage import StageParameters

Name = Literal[
    "count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "collect",
    "collect_distinct", "percentile", "stddev", "variance", "frequency", "co_occurrence",
    "correlation",
]  # fmt: skip
_OF_NUMBERS = ("sum", "avg", "percentile", "stddev", "variance", "correlation")
_OF_TWO = ("co_occurrence", "correlation")


class Aggregation(StageParameters):
    """One figure."""

    function: Name
    """What is computed. stddev and variance are those of all documents, not an estimate from a
    sample; a percentile between two values is in proportion between them."""
    field: FieldPath | None = None
    """The field; `count` needs none, and counts the documents that have it where there is one."""
    field_b: FieldPath | None = None
    """The second field, for co_occurrence and correlation."""
    percentile_value: float = Field(50.0, ge=0, le=100)
    """For percentile: which one."""
    top_k: int = Field(10, ge=1, le=100)
    """For frequency and co_occurrence: how many of the most frequent."""
    alias: str = Field(min_length=1)
    """Its name in the answer."""

    @model_validator(mode="after")
    def _check(self) -> Aggregation:
        if self.field is None and self.function != "count":
            raise ValueError(f"{self.function} needs a field.")
        if self.field_b is None and self.function in _OF_TWO:
            raise ValueError(f"{self.function} needs a second field, field_b.")
        return self


def _scalars(hits: Iterable[Hit], field: str | None) -> list[JSON]:
    return [each for hit in hits for each in scalars(value_at(hit, field or ""))]


def _numbers(hits: Iterable[Hit], field: str | None) -> list[float]:
    numbers = (as_finite(each) for each in _scalars(hits, field))
    return [number for number in numbers if number is not None]


def _values(hits: Iterable[Hit], field: str | None) -> list[JSON]:
    found = (value_at(hit, field or "") for hit in hits)
    return [value for value in found if value is not None]


def _distinct(hits: Sequence[Hit], field: str | None) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for each in _scalars(hits, field):
        found.setdefault(identity(each), each)
    return found


def lacks_numbers(hits: Sequence[Hit], asked: Aggregation) -> bool:
    """Whether the function computes with numbers, and a field has values that are none."""
    if asked.function not in _OF_NUMBERS:
        return False
    fields = (asked.field, asked.field_b) if asked.function in _OF_TWO else (asked.field,)
    return any(_values(hits, field) and not _numbers(hits, field) for field in fields)


def _count(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    return len(hits) if asked.field is None else len(_values(hits, asked.field))


def _sum(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    numbers = _numbers(hits, asked.field)
    return sum(numbers) if all(isinstance(each, int) for each in numbers) else fsum(numbers)


def _mean(numbers: Sequence[float]) -> float | None:
    return fsum(numbers) / len(numbers) if numbers else None


def _extreme(hits: Sequence[Hit], asked: Aggregation, sign: int) -> JSON:
    keyed = [(order_key(each), each) for each in _scalars(hits, asked.field)]
    ordered = sorted((key, i) for i, (key, _) in enumerate(keyed) if key is not None)
    return keyed[ordered[0 if sign < 0 else -1][1]][1] if ordered else None


def _variance(hits: Sequence[Hit], asked: Aggregation) -> float | None:
    numbers = _numbers(hits, asked.field)
    mean = _mean(numbers)
    return None if mean is None else _mean([(number - mean) ** 2 for number in numbers])


def _stddev(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    variance = _variance(hits, asked)
    return None if variance is None else sqrt(variance)


def _percentile(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    numbers = sorted(_numbers(hits, asked.field))
    if not numbers:
        return None
    place = asked.percentile_value / 100 * (len(numbers) - 1)
    below = floor(place)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (numbers[above] - numbers[below]) * (place - below)


def _frequency(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    values = _distinct(hits, asked.field)
    counts = Counter(identity(each) for each in _scalars(hits, asked.field))
    return [{"value": values[key], "count": n} for key, n in counts.most_common(asked.top_k)]


def _co_occurrence(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    """How often two values stand in one document, each pair once a document."""
    one, other = _distinct(hits, asked.field), _distinct(hits, asked.field_b)
    counts: Counter[tuple[str, str]] = Counter()
    for hit in hits:
        left, right = _distinct([hit], asked.field), _distinct([hit], asked.field_b)
        counts.update((a, b) for a in left for b in right)
    return [
        {"value": one[a], "value_b": other[b], "count": n}
        for (a, b), n in counts.most_common(asked.top_k)
    ]


def _correlation(hits: Sequence[Hit], asked: Aggregation) -> JSON:
    """Pearson's, over documents with one number in each field; null without any variation."""
    pairs = [(_numbers([hit], asked.field), _numbers([hit], asked.field_b)) for hit in hits]
    points = [(a[0], b[0]) for a, b in pairs if len(a) == len(b) == 1]
    if len(points) < 2:
        return None
    mean_a, mean_b = (
        fsum(a for a, _ in points) / len(points),
        fsum(b for _, b in points) / len(points),
    )
    along = fsum((a - mean_a) * (b - mean_b) for a, b in points)
    spread = sqrt(fsum((a - mean_a) ** 2 for a, _ in points))
    spread *= sqrt(fsum((b - mean_b) ** 2 for _, b in points))
    return max(-1.0, min(1.0, along / spread)) if spread else None


FUNCTIONS: Mapping[str, Callable[[Sequence[Hit], Aggregation], JSON]] = {
    "count": _count,
    "count_distinct": lambda hits, asked: len(_distinct(hits, asked.field)),
    "sum": _sum,
    "avg": lambda hits, asked: _mean(_numbers(hits, asked.field)),
    "min": lambda hits, asked: _extreme(hits, asked, -1),
    "max": lambda hits, asked: _extreme(hits, asked, 1),
    "first": lambda hits, asked: next(iter(_values(hits, asked.field)), None),
    "last": lambda hits, asked: next(iter(_values(reversed(hits), asked.field)), None),
    "collect": lambda hits, asked: _values(hits, asked.field),
    "collect_distinct": lambda hits, asked: list(_distinct(hits, asked.field).values()),
    "percentile": _percentile,
    "stddev": _stddev,
    "variance": _variance,
    "frequency": _frequency,
    "co_occurrence": _co_occurrence,
    "correlation": _correlation,
}
