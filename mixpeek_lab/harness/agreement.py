"""Do two answers agree? Vectors by direction and length, all else by value.

Two vectors agree where their cosine is at least COSINE and their lengths differ by at most the
part NORM: what float32 and another padding leave open, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixpeek_lab.harness.answers import Answer, Vectors

COSINE = 0.9999
NORM = 1e-3
VALUE = 1e-4
"""Relative tolerance for numbers that are not vectors."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well vectors agree."""

    cosine: float = 1.0
    """The worst."""
    cosine_row: int | None = None
    norm: float = 0.0
    """The largest difference of lengths, as a part of the larger."""
    norm_row: int | None = None
    unequal: tuple[int, ...] = ()
    """Rows that have another number of documents, or other dimensions."""

    @property
    def has_directions(self) -> bool:
        """Whether all vectors point the same way."""
        return self.cosine >= COSINE and not self.unequal

    @property
    def has_lengths(self) -> bool:
        """Whether all vectors are equally long."""
        return self.norm <= NORM


def compare_vectors(one: Vectors, other: Vectors, rows: Iterable[int]) -> Agreement:
    """Compare the vectors of these rows, document by document."""
    cosine, cosine_row, norm, norm_row = 1.0, None, 0.0, None
    unequal = []
    nothing = np.empty((0, 0))
    for row in rows:
        a, b = one.get(row, nothing), other.get(row, nothing)
        if len(a) != len(b) or (len(a) and a.shape != b.shape):
            unequal.append(row)
            continue
        for left, right in zip(a, b, strict=True):
            found, difference = compare_two(left, right)
            if found < cosine:
                cosine, cosine_row = found, row
            if difference > norm:
                norm, norm_row = difference, row
    return Agreement(cosine, cosine_row, norm, norm_row, tuple(unequal))


def compare_two(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Cosine of two vectors, and the difference of their lengths as a part of the larger.

    Two zeros agree, as do two that are missing; a vector with NaN or infinity agrees only with
    its equal.
    """
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return (1.0, 0.0) if np.array_equal(left, right, equal_nan=True) else (-1.0, 1.0)
    one, other = float(np.linalg.norm(left)), float(np.linalg.norm(right))
    longer = max(one, other)
    if longer == 0:
        return 1.0, 0.0
    if min(one, other) == 0:
        return 0.0, 1.0
    cosine = float(np.dot(left / one, right / other))
    return min(1.0, cosine), abs(one - other) / longer


def differing_columns(
    one: Answer, other: Answer, features: list[str], rows: Iterable[int]
) -> dict[str, int]:
    """Columns that are no vectors and differ → the first row where they do."""
    found: dict[str, int] = {}
    wanted = list(rows)
    columns = dict.fromkeys([*one.others(features), *other.others(features)])
    for column in columns:
        a = one.values(column) if column in one.documents.column_names else {}
        b = other.values(column) if column in other.documents.column_names else {}
        row = next((r for r in wanted if not is_alike(a.get(r), b.get(r))), None)
        if row is not None:
            found[column] = row
    return found


def is_alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, numbers within VALUE; also inside lists and dicts."""
    if isinstance(one, bool) or isinstance(other, bool):
        return bool(one == other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        both_nan = one != one and other != other
        return both_nan or math.isclose(one, other, rel_tol=VALUE, abs_tol=1e-6)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(is_alike(a, b) for a, b in pairs)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_alike(one[k], other[k]) for k in one)
    return bool(one == other)
