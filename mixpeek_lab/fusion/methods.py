"""What each strategy makes of one leg: the value of a place, and what a weight does to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import fsum, sqrt

Values = tuple[float, ...]
"""One number for each candidate of a leg, in the leg's order."""

DEFAULT_K = 60.0
QDRANT_K = 2.0


def _scaled(values: Values, weight: float, _k: float) -> Values:
    return values if weight == 1.0 else tuple([weight * value for value in values])


@dataclass(frozen=True, slots=True)
class Method:
    """One way to fuse."""

    values: Callable[[Values, float], Values]
    """(scores, k) → the normalised value of each candidate."""
    weigh: Callable[[Values, float, float], Values] = _scaled
    """(values, weight, k) → what each gives to the fused score; the weight is above 0."""
    has_k: bool = False
    k: float = DEFAULT_K
    """The constant where none is given."""
    least_k: float = -1.0
    """Every k above this keeps the values positive."""
    is_ascending: bool = False
    """Whether the smallest fused score is the best."""


# ---------------------------------------------------------------- by rank


@lru_cache(maxsize=64)
def _reciprocals(count: int, k: float, first: int) -> Values:
    return tuple(1.0 / (k + rank) for rank in range(first, count + first))


def _from_one(scores: Values, k: float) -> Values:
    return _reciprocals(len(scores), k, 1)


def _from_zero(scores: Values, k: float) -> Values:
    return _reciprocals(len(scores), k, 0)


def _negated(scores: Values, k: float) -> Values:
    return tuple(-value for value in _from_zero(scores, k))


def _by_position(values: Values, weight: float, k: float) -> Values:
    """Qdrant's weight shortens the way down the list: it divides the position."""
    return tuple(1.0 / (k + (place + 1) / weight - 1.0) for place in range(len(values)))


# ---------------------------------------------------------------- by score


def _raw(scores: Values, _k: float) -> Values:
    return scores


def _spread(scores: Values, degrees: int) -> tuple[float, float]:
    """Mean and deviation; 0 for scores that are equal, whose mean may be off by a rounding."""
    mean = fsum(scores) / len(scores)
    if degrees < 1 or min(scores) == max(scores):
        return mean, 0.0
    return mean, sqrt(fsum((score - mean) ** 2 for score in scores) / degrees)


def _z_scores(scores: Values, _k: float) -> Values:
    if not scores:
        return ()
    mean, sigma = _spread(scores, len(scores))
    return tuple((score - mean) / sigma if sigma else 0.0 for score in scores)


def _within_three_sigma(scores: Values, _k: float) -> Values:
    """0 at μ − 3σ, 1 at μ + 3σ of the sample; 0.5 where there is no spread."""
    if not scores:
        return ()
    mean, sigma = _spread(scores, len(scores) - 1)
    low, high = mean - 3.0 * sigma, mean + 3.0 * sigma
    if low == high:
        return (0.5,) * len(scores)
    return tuple((score - low) / (high - low) for score in scores)


METHODS: Mapping[str, Method] = {
    "rrf": Method(_from_one, has_k=True),
    "dbsf": Method(_z_scores),
    "weighted": Method(_raw),
    "max": Method(_raw, weigh=lambda values, _weight, _k: values),
    "learned": Method(_from_one, has_k=True),
    "rrf_llamaindex": Method(_from_zero, has_k=True, least_k=0.0),
    "rrf_qdrant": Method(_from_zero, _by_position, has_k=True, k=QDRANT_K, least_k=0.99),
    "dbsf_qdrant": Method(_within_three_sigma),
    "rrf_chroma": Method(_negated, has_k=True, least_k=0.0, is_ascending=True),
}

STRATEGIES = ("rrf", "dbsf", "weighted", "max", "learned")
"""Mixpeek's own."""

DIALECTS = ("rrf_llamaindex", "rrf_qdrant", "dbsf_qdrant", "rrf_chroma")
"""The same ideas as other engines have them, for comparison."""


def default_k(strategy: str) -> float:
    """The k of a fusion that names none."""
    return METHODS[strategy].k if strategy in METHODS else DEFAULT_K
