"""How sure a mean is, and whether two systems differ: bootstrap, paired tests, corrections."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Literal

from mixpeek_lab.errors import InvalidInputError

Interval = Literal["bca", "percentile"]
Test = Literal["t-test", "randomisation"]
Correction = Literal["holm", "bonferroni", "none"]

INTERVALS: tuple[Interval, ...] = ("bca", "percentile")
TESTS: tuple[Test, ...] = ("t-test", "randomisation")
CORRECTIONS: tuple[Correction, ...] = ("holm", "bonferroni", "none")

RESAMPLES = 4999
MOST_AT_ONCE = 4_000_000
"""Numbers drawn in one go: ten thousand queries would fill the memory otherwise."""
ROUNDING = 1e-9
"""Values that differ by less are equal: the same measure, added up in another order."""


def bootstrap_interval(
    values: Sequence[float],
    *,
    confidence: float = 0.95,
    kind: Interval = "bca",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """A confidence interval of the mean of `values`, by resampling queries.

    BCa is the bias-corrected and accelerated bootstrap (Efron 1987). The same seed gives the same
    interval. A single value, or equal ones, are their own interval. InvalidInputError for what is
    not a share between 0 and 1, an unknown kind, and no values.
    """
    _check(kind, INTERVALS, "interval")
    if not 0 < confidence < 1:
        raise InvalidInputError(f"confidence: {confidence} is not between 0 and 1, as 0.95 is.")
    if not values:
        raise InvalidInputError("There are no values to take an interval of.")
    mean = fsum(values) / len(values)
    if max(values) - min(values) <= ROUNDING:
        return mean, mean
    import numpy as np
    from scipy.stats import bootstrap

    drawn = bootstrap(
        (np.asarray(values, float),),
        np.mean,
        n_resamples=resamples,
        confidence_level=confidence,
        method="BCa" if kind == "bca" else "percentile",
        batch=max(1, MOST_AT_ONCE // len(values)),
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(drawn.low), float(drawn.high)


def paired_p_value(
    before: Sequence[float],
    after: Sequence[float],
    *,
    test: Test = "t-test",
    resamples: int = 9999,
    seed: int = 0,
) -> float:
    """The two-sided p-value of the same queries' values under two systems, in the same order.

    `t-test` is Student's paired test; `randomisation` is Fisher's: which system a value belongs to
    is swapped at random, exactly over all swaps where there are few; it answers too where every
    query differs by the same, so that the t-test has no variance to go by. 1 where none differs.
    InvalidInputError for an unknown test, and for fewer than two queries.
    """
    _check(test, TESTS, "test")
    differences = [b - a for a, b in zip(before, after, strict=True)]
    if len(differences) < 2:
        raise InvalidInputError("A test of significance needs at least two queries in common.")
    if all(abs(difference) <= ROUNDING for difference in differences):
        return 1.0
    if test == "randomisation" or max(differences) - min(differences) <= ROUNDING:
        return _randomised(differences, resamples, seed)
    from scipy.stats import ttest_1samp

    return float(ttest_1samp(differences, 0.0).pvalue)


def _randomised(differences: Sequence[float], resamples: int, seed: int) -> float:
    """The share of swaps whose sum is as far from 0 as the observed one."""
    import numpy as np

    values = np.asarray(differences, float)
    count = len(values)
    observed = abs(values.sum()) - ROUNDING
    if 2**count <= resamples:
        swaps = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return float(np.mean(np.abs((1 - 2 * swaps) @ values) >= observed))
    draw = np.random.default_rng(seed)
    batch = max(1, MOST_AT_ONCE // count)
    as_far = 0
    for start in range(0, resamples, batch):
        size = (min(batch, resamples - start), count)
        signs = 1 - 2 * draw.integers(0, 2, size, dtype=np.int8)
        as_far += int(np.sum(np.abs(signs @ values) >= observed))
    return (as_far + 1) / (resamples + 1)  # the observed order is one of the swaps


def corrected(p_values: Sequence[float], method: Correction = "holm") -> list[float]:
    """p-values of a family of tests, so that the chance of any false alarm stays what it says.

    Holm's step-down method, or Bonferroni's; `none` gives them back. InvalidInputError for another.
    """
    _check(method, CORRECTIONS, "correction")
    count = len(p_values)
    if method == "none":
        return list(p_values)
    if method == "bonferroni":
        return [min(1.0, p * count) for p in p_values]
    found = [0.0] * count
    largest = 0.0
    for step, place in enumerate(sorted(range(count), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[place] * (count - step)))
        found[place] = largest
    return found


def _check(given: str, known: Sequence[str], what: str) -> None:
    if given not in known:
        raise InvalidInputError(f"{what}: {given!r} is not one of {', '.join(known)}.")
