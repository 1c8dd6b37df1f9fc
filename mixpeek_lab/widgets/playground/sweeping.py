"""The measure over a grid of settings: candidates are kept, and fused again for every cell."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log2
from typing import Any

import numpy as np

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.evaluation import paired_p_value
from mixpeek_lab.fusion import METHODS
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.playground.depths import NO_DEPTHS
from mixpeek_lab.widgets.playground.measuring import DEPTH, Kept
from mixpeek_lab.widgets.ranking import FusionChoice

KS = (1, 2, 5, 10, 20, 40, 60, 100, 150, 200)
WEIGHTS = (0, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.3, 1.6, 2)
SWEPT = ("nDCG@10", "RR", "R@100")
LEAST_TO_SPLIT = 4
BUDGET = 0.4
"""Seconds of one step."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is varied: two axes, `k` or a leg's name each, around `choice`."""

    choice: FusionChoice
    x: str
    y: str
    measure: str = "nDCG@10"
    seed: int = 0

    def __post_init__(self) -> None:
        """InvalidInputError for an unknown axis or measure."""
        known = ["k", *self.choice.weights]
        for name in (self.x, self.y):
            if name not in known:
                raise InvalidInputError(f"sweep: {name!r} is not one of {', '.join(known)}.")
        if self.x == self.y:
            raise InvalidInputError(f"sweep: both axes are {self.x!r}; choose two.")
        if self.measure not in SWEPT:
            raise InvalidInputError(f"sweep: {self.measure!r} is not one of {', '.join(SWEPT)}.")

    def values(self, axis: str) -> list[float]:
        """The values of an axis, the current one among them."""
        usual = KS if axis == "k" else WEIGHTS
        return sorted({*map(float, usual), self.current(axis)})

    def current(self, axis: str) -> float:
        """Where the settings stand on an axis."""
        return float(self.choice.k if axis == "k" else self.choice.weights[axis])

    def at(self, x: float, y: float) -> FusionChoice:
        """The settings of one cell."""
        found = self.choice
        for axis, value in ((self.x, x), (self.y, y)):
            if axis == "k":
                found = replace(found, k=value)
            else:
                found = replace(found, weights={**found.weights, axis: value})
        return found


class Query:
    """One judged query, ready to be fused quickly under any weights and k."""

    def __init__(
        self, kept: Kept, judged: Mapping[str, int], top_k: Mapping[str, int] = NO_DEPTHS
    ) -> None:
        """`top_k`: leg name → candidates of it that count."""
        legs = [_first_of_each(leg, top_k.get(leg["name"])) for leg in kept.payload["legs"]]
        ids = sorted({key for _, keys, _ in legs for key in keys})  # the cut goes by document id
        at = {key: row for row, key in enumerate(ids)}
        self._size = len(ids)
        self._legs = [
            (name, np.array([at[key] for key in keys], dtype=np.intp), scores)
            for name, keys, scores in legs
        ]
        self._names = [kept.names.get(key, key) for key in ids]
        by_name = {name: at for at, name in enumerate(sorted(set(self._names)))}
        self._places = np.array([by_name[name] for name in self._names], dtype=np.intp)
        self._grades = np.array([max(0, judged.get(name, 0)) for name in self._names], float)
        self._are_unique = len(set(self._names)) == len(self._names)
        self._relevant = sum(grade > 0 for grade in judged.values())
        best = sorted((grade for grade in judged.values() if grade > 0), reverse=True)[:10]
        self._ideal = sum(grade / log2(rank + 2) for rank, grade in enumerate(best))

    def value(self, choice: FusionChoice, measure: str) -> float:
        """The measure under a choice, as `metrics.evaluate` counts it."""
        grades = self._grades[self._order(choice)]
        if measure == "RR":
            hits = np.flatnonzero(grades)
            return 1.0 / (int(hits[0]) + 1) if len(hits) else 0.0
        if measure == "R@100":
            return float(np.count_nonzero(grades) / self._relevant) if self._relevant else 0.0
        gains = grades[:10]
        found = float((gains / _DISCOUNTS[: len(gains)]).sum())
        return found / self._ideal if self._ideal else 0.0

    def _order(self, choice: FusionChoice) -> np.ndarray[Any, np.dtype[np.intp]]:
        """The rows of the first documents, each judged name once."""
        # The weights of `learned` were drawn when the retriever ran; here they are set by hand.
        strategy = "rrf" if choice.strategy == "learned" else choice.strategy
        method, is_max = METHODS[strategy], strategy == "max"
        totals = np.zeros(self._size)
        held = np.zeros(self._size, dtype=np.bool_)
        for name, rows, scores in self._legs:
            weight = float(choice.weights.get(name, 1.0))
            if not weight:
                continue
            values = method.values(scores, choice.k)
            if is_max:
                given = np.asarray(scores)
                totals[rows] = np.where(held[rows], np.maximum(totals[rows], given), given)
            else:
                totals[rows] += np.asarray(method.weigh(values, weight, choice.k))
            held[rows] = True
        keys = totals if method.is_ascending else -totals
        order = np.argsort(keys[held], kind="stable")
        found = np.flatnonzero(held)[order][:DEPTH]
        found = found[np.lexsort((self._places[found], keys[found]))]  # ties, see judged_order
        return found if self._are_unique else self._once(found)

    def _once(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.intp]]:
        first = {self._names[row]: row for row in reversed(rows.tolist())}
        return np.array([row for row in rows.tolist() if first[self._names[row]] == row], np.intp)


@dataclass
class Sweep:
    """A plan under way: `step` until `is_done`."""

    plan: Plan
    queries: Mapping[str, Query]
    _found: list[list[float]] = field(default_factory=list)

    @property
    def cells(self) -> list[tuple[float, float]]:
        """(x, y) of every cell, row by row."""
        xs, ys = self.plan.values(self.plan.x), self.plan.values(self.plan.y)
        return [(x, y) for y in ys for x in xs]

    @property
    def is_done(self) -> bool:
        """Whether every cell has its values."""
        return len(self._found) == len(self.cells)

    def step(self, budget: float = BUDGET) -> dict[str, int]:
        """Work for a moment: `{done, total}`."""
        started, cells = time.perf_counter(), self.cells
        while len(self._found) < len(cells) and time.perf_counter() - started < budget:
            choice = self.plan.at(*cells[len(self._found)])
            values = [each.value(choice, self.plan.measure) for each in self.queries.values()]
            self._found.append(values)
        return {"done": len(self._found), "total": len(cells)}

    def told(self) -> dict[str, JSON]:
        """Means on the queries to choose by and on those held out, and the best of the former."""
        train, held = split(list(self.queries), self.plan.seed)
        means = [[_mean(row, part) for part in (train, held)] for row in self._found]
        cells, plan = self.cells, self.plan
        now = cells.index((plan.current(plan.x), plan.current(plan.y)))
        # Of equals, the one nearest to where the settings stand.
        best = max(
            range(len(cells)), key=lambda at: (round(means[at][0] or 0, 12), -_far(cells, at, now))
        )
        choice = plan.at(*cells[best])
        return {
            "x": {"axis": plan.x, "values": plan.values(plan.x)},
            "y": {"axis": plan.y, "values": plan.values(plan.y)},
            "measure": plan.measure,
            "cells": [{"train": train_, "held": held_} for train_, held_ in means],
            "train": len(train), "held": len(held), "best": best, "now": now,
            "p": self._p(now, best, held),
            "settings": {
                "strategy": choice.strategy, "k": choice.k, "weights": dict(choice.weights),
                "top_k": dict(choice.top_k),
            },
        }  # fmt: skip

    def _p(self, now: int, best: int, held: Sequence[int]) -> float | None:
        """Of the best against the current settings, on the queries held out."""
        if len(held) < 2:
            return None
        before, after = ([self._found[at][n] for n in held] for at in (now, best))
        return paired_p_value(before, after)


def split(queries: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    """Places of the queries to choose by, and of those held out: halves drawn with `seed`.

    Fewer than 4 queries are not split.
    """
    places = sorted(range(len(queries)), key=lambda at: queries[at])
    if len(places) < LEAST_TO_SPLIT:
        return places, []
    random.Random(seed).shuffle(places)
    half = (len(places) + 1) // 2
    return places[:half], places[half:]


_DISCOUNTS = np.log2(np.arange(2, 12))


def _mean(values: Sequence[float], places: Sequence[int]) -> float | None:
    return sum(values[at] for at in places) / len(places) if places else None


def _far(cells: Sequence[tuple[float, float]], at: int, now: int) -> float:
    return abs(cells[at][0] - cells[now][0]) + abs(cells[at][1] - cells[now][1])


def _first_of_each(
    leg: Mapping[str, Any], most: int | None
) -> tuple[str, list[str], tuple[float, ...]]:
    first: dict[str, float] = {}
    for key, score in zip(leg["document_ids"][:most], leg["scores"][:most], strict=True):
        first.setdefault(key, float(score))
    return leg["name"], list(first), tuple(first.values())
