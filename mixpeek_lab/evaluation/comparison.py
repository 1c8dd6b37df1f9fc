"""Two evaluations on the same judgements: what changed, how surely, and in which queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import TYPE_CHECKING

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.evaluation.statistics import (
    ROUNDING,
    Correction,
    Test,
    bootstrap_interval,
    corrected,
    paired_p_value,
)
from mixpeek_lab.evaluation.values import Evaluation

if TYPE_CHECKING:
    import pandas as pd

ID_DIGITS = 9
"""Of an evaluation's id, where its name alone does not say which one is meant."""


@dataclass(frozen=True, slots=True)
class Change:
    """One measure of one system against the baseline."""

    system: str
    """Its name; with the beginning of its id where several of the compared have that name."""
    measure: str
    before: float
    after: float
    interval: tuple[float, float]
    """Of the difference of the means."""
    p: float
    corrected_p: float
    won: int
    """Queries that are better than with the baseline."""
    lost: int
    tied: int

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems against a baseline."""

    baseline: Evaluation
    others: tuple[Evaluation, ...]
    changes: tuple[Change, ...]
    """By system, then by measure."""
    test: Test
    correction: Correction
    confidence: float

    @property
    def labels(self) -> tuple[str, ...]:
        """The baseline and the others by name; with the id where several have that name."""
        return _labels(self.baseline, *self.others)

    @property
    def measures(self) -> tuple[str, ...]:
        """Those that are compared."""
        return tuple(dict.fromkeys(change.measure for change in self.changes))

    def to_pandas(self, measure: str | None = None) -> pd.DataFrame:
        """One row a query: the baseline's value of a measure (the first), each system's, and the
        difference of each; the largest losses of the first system are first.
        """
        import pandas as pd

        chosen = measure or self.measures[0]
        if chosen not in self.measures:
            known = ", ".join(self.measures)
            raise InvalidInputError(f"measure: {chosen!r} is not one of {known}.")
        labels = [f"{number}: {each.name}" for number, each in enumerate(self.others, start=1)]
        rows = []
        for query_id, values in self.baseline.per_query.items():
            row: dict[str, object] = {"query_id": query_id, "baseline": values[chosen]}
            for label, other in zip(labels, self.others, strict=True):
                row[label] = other.per_query[query_id][chosen]
                row[f"Δ {label}"] = other.per_query[query_id][chosen] - values[chosen]
            rows.append(row)
        return pd.DataFrame(rows).sort_values(f"Δ {labels[0]}", kind="stable", ignore_index=True)

    def __repr__(self) -> str:
        """One line a change."""
        title = f"Comparison with {self.labels[0]!r} on {self.baseline.dataset!r}"
        lines = [
            f"  {c.system} {c.measure}: {c.before:.4f} → {c.after:.4f} ({c.difference:+.4f}), "
            f"p = {c.corrected_p:.3g}, won {c.won}, lost {c.lost}, tied {c.tied}"
            for c in self.changes
        ]
        return "\n".join([title, *lines])


def compare(
    baseline: Evaluation,
    others: Sequence[Evaluation],
    *,
    measures: Sequence[str] | None = None,
    test: Test = "t-test",
    correction: Correction = "holm",
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare each of `others` with `baseline`, over the measures that all have.

    The p-values are corrected over all measures and systems together. InvalidInputError where the
    judgements are not the same, or no measure is common.
    """
    if not others:
        raise InvalidInputError("A comparison needs a baseline and at least one other evaluation.")
    for other in others:
        if other.digest != baseline.digest:
            raise InvalidInputError(
                f"{other.name!r} and {baseline.name!r} were measured on different queries or "
                f"judgements ({other.dataset!r} {other.digest}, {baseline.dataset!r} "
                f"{baseline.digest}). Evaluate both on the same."
            )
    names = _common(baseline, others, measures)
    changes = [
        replace(_change(baseline, other, measure, test, confidence, seed), system=label)
        for other, label in zip(others, _labels(baseline, *others)[1:], strict=True)
        for measure in names
    ]
    adjusted = corrected([change.p for change in changes], correction)
    return Comparison(
        baseline,
        tuple(others),
        tuple(replace(c, corrected_p=p) for c, p in zip(changes, adjusted, strict=True)),
        test,
        correction,
        confidence,
    )


def _labels(*compared: Evaluation) -> tuple[str, ...]:
    named = Counter(each.name for each in compared)
    return tuple(
        f"{each.name} ({each.evaluation_id[:ID_DIGITS]})" if named[each.name] > 1 else each.name
        for each in compared
    )


def _common(
    baseline: Evaluation, others: Sequence[Evaluation], wanted: Sequence[str] | None
) -> list[str]:
    common = [m for m in baseline.measures if all(m in other.measures for other in others)]
    there = f"Common to all of these evaluations: {', '.join(common) or 'none'}."
    missing = [measure for measure in wanted or () if measure not in common]
    if missing or not common:
        raise InvalidInputError(f"measures: {', '.join(missing) or 'nothing to compare'}. {there}")
    return list(wanted or common)


def _change(
    baseline: Evaluation, other: Evaluation, measure: str, test: Test, confidence: float, seed: int
) -> Change:
    before = [row[measure] for row in baseline.per_query.values()]
    after = [other.per_query[query_id][measure] for query_id in baseline.per_query]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    p = paired_p_value(before, after, test=test, seed=seed)
    won = sum(difference > ROUNDING for difference in differences)
    lost = sum(difference < -ROUNDING for difference in differences)
    return Change(
        system=other.name,
        measure=measure,
        before=fsum(before) / len(before),
        after=fsum(after) / len(after),
        interval=bootstrap_interval(differences, confidence=confidence, seed=seed),
        p=p,
        corrected_p=p,
        won=won,
        lost=lost,
        tied=len(differences) - won - lost,
    )
