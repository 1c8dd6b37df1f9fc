"""What the settings are worth: every judged query's candidates, kept and fused again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

from mixpeek_lab.errors import LabError
from mixpeek_lab.evaluation import bootstrap_interval, judged_order, paired_p_value
from mixpeek_lab.evaluation.statistics import ROUNDING
from mixpeek_lab.metrics import MEASURES, evaluate, run_from_rankings
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.playground.depths import Scope
from mixpeek_lab.widgets.playground.judging import Judging
from mixpeek_lab.widgets.ranking import FusionChoice, ranked_scores

DEPTH = 100
BUDGET = 0.4
"""Seconds that one request may search, so that the view stays quick and can stop."""
MOST_QUERIES = 1000
Answer = Callable[[str, int, Scope], Mapping[str, Any]]
"""(query, limit, scope) → a payload."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One query's candidates."""

    payload: Mapping[str, Any]
    """Legs, hits, stages, fusion: what fusing again needs."""
    names: Mapping[str, str]
    """Document id → what judgements call it."""

    def ranking(self, choice: FusionChoice, depth: int = DEPTH) -> list[str]:
        """What judgements call the first documents, as `%evaluate` orders them."""
        own = {leg["name"]: float(leg.get("weight", 1.0)) for leg in self.payload["legs"]}
        given = {name: float(choice.weights.get(name, weight)) for name, weight in own.items()}
        found = ranked_scores(self.payload, replace(choice, weights=given), depth)
        return judged_order((self.names.get(key, key), score) for key, score in found)


class Measuring:
    """Candidates of judged queries, by query and scope."""

    def __init__(self, judging: Judging, answer: Answer) -> None:
        self._judging, self._answer = judging, answer
        self._kept: dict[tuple[str, str], Kept | LabError] = {}

    def counted(self) -> dict[str, str]:
        """The judged queries with a relevant document: query id → text."""
        judging = self._judging
        relevant = self._relevant()[:MOST_QUERIES]
        return {q: judging.queries[q] for q in relevant if q in judging.queries}

    @property
    def left_out(self) -> int:
        """Queries beyond the first MOST_QUERIES: they are not measured."""
        return max(0, len(self._relevant()) - MOST_QUERIES)

    def _relevant(self) -> list[str]:
        found = self._judging.qrels.items()
        return [q for q, judged in found if any(grade > 0 for grade in judged.values())]

    def gather(self, scopes: Sequence[Scope], budget: float = BUDGET) -> dict[str, int]:
        """Search for judged queries that have no candidates yet: `{done, total}`."""
        wanted = [(text, each) for text in self.counted().values() for each in scopes]
        missing = [pair for pair in wanted if _key(*pair) not in self._kept]
        started = time.perf_counter()
        done = len(wanted) - len(missing)
        for text, each in missing:
            self._kept[_key(text, each)] = self._search(text, each)
            done += 1
            if time.perf_counter() - started > budget:
                break
        return {"done": done, "total": len(wanted)}

    def forget(self) -> None:
        """Search for all queries anew: the documents have changed, or what they are called."""
        self._kept.clear()

    def kept(self, scope: Scope) -> dict[str, Kept]:
        """Query id → candidates, of those that are there."""
        found = {q: self._kept.get(_key(t, scope)) for q, t in self.counted().items()}
        return {q: each for q, each in found.items() if isinstance(each, Kept)}

    def values(
        self, choice: FusionChoice, scope: Scope, measures: Sequence[str] = MEASURES
    ) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
        """Query id → measure → value, and the share of its first 10 that nobody judged.

        A query whose search failed counts 0.
        """
        rankings = {q: kept.ranking(choice) for q, kept in self.kept(scope).items()}
        qrels = {q: self._judging.qrels[q] for q in self.counted()}
        scores = evaluate(run_from_rankings(rankings), qrels, measures)
        return scores.per_query, {q: unjudged(rankings.get(q, ()), qrels[q]) for q in qrels}

    def failed(self, scope: Scope) -> list[str]:
        """What went wrong with queries that could not be asked."""
        found = (self._kept.get(_key(t, scope)) for t in self.counted().values())
        return [str(each) for each in found if isinstance(each, LabError)]

    def _search(self, text: str, scope: Scope) -> Kept | LabError:
        try:
            payload = self._answer(text, DEPTH, scope)
        except LabError as error:
            return error
        judged = {name for each in self._judging.qrels.values() for name in each}
        naming, documents = self._judging.naming, payload.get("documents", {})
        naming.find(documents, judged)
        names = {key: naming.name(key, document) for key, document in documents.items()}
        needed = ("legs", "hits", "stages", "fusion")
        return Kept({name: payload[name] for name in needed if name in payload}, names)


def unjudged(ranking: Sequence[str], judged: Mapping[str, int], cut: int = 10) -> float:
    """The share of the first `cut` that nobody judged."""
    first = ranking[:cut]
    return sum(name not in judged for name in first) / len(first) if first else 0.0


def table(
    now: Mapping[str, Mapping[str, float]], before: Mapping[str, Mapping[str, float]] | None
) -> list[dict[str, JSON]]:
    """A row for each measure: mean and interval; against the baseline, difference, p and wins."""
    return [_row(measure, now, before) for measure in next(iter(now.values()))]


def _row(
    measure: str,
    now: Mapping[str, Mapping[str, float]],
    before: Mapping[str, Mapping[str, float]] | None,
) -> dict[str, JSON]:
    values = [row[measure] for row in now.values()]
    low, high = bootstrap_interval(values)
    found: dict[str, JSON] = {
        "measure": measure, "mean": fsum(values) / len(values), "low": low, "high": high,
    }  # fmt: skip
    if before is None:
        return found
    old = [before[q][measure] for q in now]
    gaps = [b - a for a, b in zip(old, values, strict=True)]
    low, high = bootstrap_interval(gaps)
    return found | {
        "baseline": fsum(old) / len(old),
        "difference": fsum(gaps) / len(gaps),
        "difference_low": low,
        "difference_high": high,
        "p": paired_p_value(old, values) if len(values) > 1 else None,
        "won": sum(gap > ROUNDING for gap in gaps),
        "lost": sum(gap < -ROUNDING for gap in gaps),
        "tied": sum(abs(gap) <= ROUNDING for gap in gaps),
    }


def _key(text: str, scope: Scope) -> tuple[str, str]:
    return text, json.dumps(scope.request, sort_keys=True, default=str)
