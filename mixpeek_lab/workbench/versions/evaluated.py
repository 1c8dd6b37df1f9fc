"""Two versions side by side where both were evaluated: the mean, and the queries won and lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from mixpeek_lab.models import JSON

Scores = Mapping[str, Mapping[str, float]]
"""What was evaluated (`retriever on qrels`) → query id → its nDCG@10."""

ScoresOf = Callable[[str, str], Scores]
"""(extractor, digest) → the newest scores of searches over what that code made; none: empty."""

MEASURE = "nDCG@10"
SAME = 1e-9


class SavedEvaluation(Protocol):
    """What is read of an evaluation that was kept."""

    @property
    def retriever(self) -> str:
        """Its name."""

    @property
    def dataset(self) -> str:
        """What the judgements are called."""

    @property
    def digest(self) -> str:
        """Of queries and judgements: only equal ones are compared."""

    @property
    def per_query(self) -> Mapping[str, Mapping[str, float]]:
        """Query id → measure → value."""

    @property
    def about(self) -> Mapping[str, JSON]:
        """`collections`: which code, by `extractor` and `digest`, made what was searched."""


def saved_scores(saved: Callable[[], Iterable[SavedEvaluation]]) -> ScoresOf:
    """Scores from evaluations that were kept; `saved` lists them, newest first."""

    def scores_of(extractor: str, digest: str) -> Scores:
        found: dict[str, Mapping[str, float]] = {}
        for each in saved():
            made = each.about.get("collections", ())
            if not any((m["extractor"], m["digest"]) == (extractor, digest) for m in made):
                continue
            values = {q: row[MEASURE] for q, row in each.per_query.items() if MEASURE in row}
            if values:
                found.setdefault(f"{each.retriever} on {each.dataset} ({each.digest[:6]})", values)
        return found

    return scores_of


@dataclass(frozen=True, slots=True)
class EvaluationChange:
    """How the same queries did before and after."""

    label: str
    before: float
    """Mean nDCG@10 over the queries that both answered."""
    after: float
    won: tuple[str, ...]
    """Queries that the later version answers better, the most improved first."""
    lost: tuple[str, ...]
    """Queries that it answers worse, the worst first."""
    queries: int

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


def evaluation_changes(before: Scores, after: Scores) -> tuple[EvaluationChange, ...]:
    """A change for each evaluation that both have, over the queries that both have."""
    return tuple(_changes(before, after))


def _changes(before: Scores, after: Scores) -> Iterator[EvaluationChange]:
    for label in sorted(before.keys() & after.keys()):
        old, new = before[label], after[label]
        gains = {query: new[query] - old[query] for query in sorted(old.keys() & new.keys())}
        if not gains:
            continue
        ranked = sorted(gains, key=lambda query: -abs(gains[query]))
        yield EvaluationChange(
            label,
            fmean(old[query] for query in gains),
            fmean(new[query] for query in gains),
            tuple(query for query in ranked if gains[query] > SAME),
            tuple(query for query in ranked if gains[query] < -SAME),
            len(gains),
        )
