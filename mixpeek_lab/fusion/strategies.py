"""Fusion: the candidates of several legs become one ranking, and each hit explains itself.

Every strategy gives a found candidate a *normalised* value, multiplies it by the leg's weight
and adds up. What the value is makes the strategy:

    rrf       1 / (k + rank), rank from 1, k = 60
    dbsf      (score − μ) / σ over the leg's candidates (population σ); 0 where σ is 0
    weighted  the score itself
    max       the score itself; the largest counts alone, weights do not scale it
    learned   as rrf, the weights sampled from recorded interactions (Thompson sampling)

Other engines', with rank r from 0, for comparison:

    rrf_llamaindex  1 / (k + r), k = 60
    rrf_qdrant      1 / (k + (r + 1) / weight − 1), k = 2: the weight divides the position
    dbsf_qdrant     (score − low) / (high − low), low and high = μ ∓ 3σ (sample σ); else 0.5
    rrf_chroma      −1 / (k + r), k = 60: the smallest sum is the best

A leg that lacks a document adds 0. Weight 0 switches a leg off: what only it found is not in
the ranking. A document that a leg names twice counts where it stands first. Ties are broken
by document id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from operator import eq, neg
from typing import overload

from mixpeek_lab.errors import RetrieverError, nearest
from mixpeek_lab.fusion.methods import DIALECTS, METHODS, STRATEGIES, Method, default_k
from mixpeek_lab.fusion.weights import Arms, Weights, effective_weights
from mixpeek_lab.models import Contribution, Leg


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One leg, ready to be added up: place → rank, normalised value, contribution."""

    leg: Leg
    weight: float
    places: dict[str, int]
    scores: tuple[float, ...]
    normalised: tuple[float, ...]
    contributions: tuple[float, ...]


@dataclass(slots=True)
class Fused:
    """One document of the fused ranking.

    `score` is the exact sum of the contributions in leg order, whatever the strategy. Larger is
    better, but for `rrf_chroma`.
    """

    document_id: str
    score: float
    _tables: tuple[_Table, ...] = field(default=(), repr=False, compare=False)
    _is_max: bool = field(default=False, repr=False, compare=False)

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """What each leg gave, one entry per leg in leg order. Worked out when asked for.

        `normalised` is what the weight multiplied. Under `max` the first leg that holds the
        largest score contributes it and the others contribute 0.
        """
        found = [_contribution(table, self.document_id) for table in self._tables]
        return tuple(_keep_largest(found, self.score)) if self._is_max else tuple(found)


class Ranking(Sequence[Fused]):
    """The fused documents, best first. An entry is made when it is looked at."""

    def __init__(
        self,
        ranked: list[tuple[float, str]],
        tables: tuple[_Table, ...],
        is_max: bool,
        sign: int = -1,
    ) -> None:
        self._ranked, self._tables, self._is_max, self._sign = ranked, tables, is_max, sign

    def __len__(self) -> int:
        return len(self._ranked)

    @overload
    def __getitem__(self, place: int) -> Fused: ...
    @overload
    def __getitem__(self, place: slice) -> Ranking: ...
    def __getitem__(self, place: int | slice) -> Fused | Ranking:
        """The entry at `place` (from 0), or a part of the ranking."""
        if isinstance(place, slice):
            return Ranking(self._ranked[place], self._tables, self._is_max, self._sign)
        key, document_id = self._ranked[place]
        return Fused(document_id, self._sign * key, self._tables, self._is_max)

    def __iter__(self) -> Iterator[Fused]:
        """As `Sequence` has it, without a look-up for each."""
        tables, is_max, sign = self._tables, self._is_max, self._sign
        return (Fused(found, sign * key, tables, is_max) for key, found in self._ranked)

    def __eq__(self, other: object) -> bool:
        """Whether the same documents stand in the same order with the same scores."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ranking({list(self)!r})"


def fuse(
    legs: Sequence[Leg],
    strategy: str = "rrf",
    *,
    k: float | None = None,
    weights: Weights | None = None,
    arms: Arms | None = None,
    seed: int = 0,
) -> Ranking:
    """Fuse `legs` (candidates best first, larger scores better), best document first.

    `weights` override the legs' own, `k` the strategy's. `arms` and `seed` are for `learned` only.
    Raises RetrieverError for an unknown strategy, a weight that is negative or not finite, a k
    that is too small, and a score that is not finite (the message names the leg).
    """
    check_strategy(strategy, k)
    constant = default_k(strategy) if k is None else k
    effective = effective_weights(legs, strategy, weights=weights, arms=arms, seed=seed)
    method = METHODS[strategy]
    tables = tuple(
        _table(leg, weight, method, constant) for leg, weight in zip(legs, effective, strict=True)
    )
    is_max = strategy == "max"
    totals = _largest(tables) if is_max else _sums(tables)
    keys = totals.values() if method.is_ascending else map(neg, totals.values())
    ranked = sorted(zip(keys, totals, strict=True))
    return Ranking(ranked, tables, is_max, 1 if method.is_ascending else -1)


def check_strategy(strategy: str, k: float | None = None, where: str = "fusion") -> None:
    """Refuse an unknown strategy and a k that makes the value of a place negative or infinite."""
    known = (*STRATEGIES, *DIALECTS)
    if strategy not in known:
        close = nearest(strategy, known)
        hint = f" Did you mean {close!r}?" if close else ""
        raise RetrieverError(
            f"{where}: there is no strategy {strategy!r}.{hint} There is: {', '.join(known)}."
        )
    least = METHODS[strategy].least_k
    if k is not None and not (isfinite(k) and k > least):
        usual = f"{default_k(strategy):g} is usual"
        bound = "of 1 or more" if strategy == "rrf_qdrant" else f"above {least:g}"
        raise RetrieverError(f"{where}: k is {k}; it must be a number {bound} ({usual}).")


# ---------------------------------------------------------------- parts


def _table(leg: Leg, weight: float, method: Method, k: float) -> _Table:
    scores = _checked_scores(leg)
    places = dict(zip(leg.document_ids, range(len(scores)), strict=True))
    if len(places) < len(leg.document_ids):
        places, scores = _first_of_each(leg)
    normalised = method.values(scores, k)
    # A leg of weight 0 is off, and what it would give is never read.
    contributions = method.weigh(normalised, weight, k) if weight else normalised
    return _Table(leg, weight, places, scores, normalised, contributions)


def _checked_scores(leg: Leg) -> tuple[float, ...]:
    if len(leg.scores) != len(leg.document_ids):
        raise RetrieverError(
            f"leg {leg.name!r}: {len(leg.document_ids)} documents, but {len(leg.scores)} scores."
        )
    if not isfinite(sum(leg.scores)):
        for document_id, score in zip(leg.document_ids, leg.scores, strict=True):
            if not isfinite(score):
                raise RetrieverError(
                    f"leg {leg.name!r}: document {document_id!r} has the score {score}. "
                    "A score must be finite: leave such candidates out of the index."
                )
    return leg.scores


def _first_of_each(leg: Leg) -> tuple[dict[str, int], tuple[float, ...]]:
    first: dict[str, float] = {}
    for document_id, score in zip(leg.document_ids, leg.scores, strict=True):
        first.setdefault(document_id, score)
    return {document_id: place for place, document_id in enumerate(first)}, tuple(first.values())


def _sums(tables: Sequence[_Table]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for table in tables:
        pairs = zip(table.places, table.contributions, strict=True)
        if not table.weight:
            continue
        if not totals:
            totals = dict(pairs)
            continue
        found = totals.get
        for document_id, contribution in pairs:
            totals[document_id] = found(document_id, 0.0) + contribution
    return totals


def _largest(tables: Sequence[_Table]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for table in tables:
        if table.weight:
            for document_id, score in zip(table.places, table.scores, strict=True):
                totals[document_id] = max(score, totals.get(document_id, score))
    return totals


def _contribution(table: _Table, document_id: str) -> Contribution:
    place = table.places.get(document_id)
    if place is None:
        return Contribution(table.leg.name, None, None, None, table.weight, 0.0)
    given = table.contributions[place] if table.weight else 0.0
    score, normalised = table.scores[place], table.normalised[place]
    return Contribution(table.leg.name, place + 1, score, normalised, table.weight, given)


def _keep_largest(found: Sequence[Contribution], largest: float) -> list[Contribution]:
    kept: list[Contribution] = []
    is_taken = False
    for entry in found:
        is_winner = not is_taken and entry.weight > 0 and entry.score == largest
        is_taken = is_taken or is_winner
        given = largest if is_winner else 0.0
        kept.append(
            Contribution(entry.leg, entry.rank, entry.score, entry.normalised, entry.weight, given)
        )
    return kept
