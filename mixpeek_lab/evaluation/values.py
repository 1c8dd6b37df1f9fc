"""What an evaluation found: means with their intervals, and every query's own values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.evaluation.judgements import Judgements
from mixpeek_lab.evaluation.runs import write_run
from mixpeek_lab.evaluation.statistics import Interval, bootstrap_interval
from mixpeek_lab.metrics import MEASURES, evaluate, run_from_rankings
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MEASURES = (*MEASURES, "AP", "P@10")
_COMMAS = re.compile(r",(?![^()]*\))")
_CUT = re.compile(r"@(\d+)$")


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """One retriever against one set of judgements. Kept in the catalog; frozen."""

    evaluation_id: str
    name: str
    """As it is called in lists and comparisons: the retriever's name, unless said."""
    retriever: str
    dataset: str
    digest: str
    """Of queries and judgements: evaluations of one digest can be compared."""
    measures: tuple[str, ...]
    per_query: Mapping[str, Mapping[str, float]]
    """Query id → measure → value."""
    rankings: Mapping[str, Sequence[str]]
    """Query id → the judged ids of what was found, best first."""
    unjudged: Mapping[str, float]
    """Query id → the share of its first `cut` hits that nobody judged."""
    cut: int
    intervals: Mapping[str, tuple[float, float]]
    """Measure → the mean's confidence interval."""
    confidence: float = 0.95
    interval: Interval = "bca"
    seed: int = 0
    created_at: str = ""
    about: Mapping[str, JSON] = field(default_factory=dict)
    """`body` of the retriever, `options`, `collections` with the extractors' versions, `id_field`,
    `depth`, `queries` (id → text), `failed` (id → message), `seconds`."""
    notes: tuple[str, ...] = ()
    """What to know about the numbers."""

    @property
    def mean(self) -> dict[str, float]:
        """Measure → mean over the queries."""
        count = len(self.per_query)
        return {m: fsum(row[m] for row in self.per_query.values()) / count for m in self.measures}

    @property
    def mean_unjudged(self) -> float:
        """The share of the first hits that nobody judged, over the queries that found any."""
        shares = [self.unjudged[query_id] for query_id, found in self.rankings.items() if found]
        return fsum(shares) / len(shares) if shares else 0.0

    def to_pandas(self) -> pd.DataFrame:
        """One row a query: query_id, query, every measure, unjudged@k, hits. Worst first."""
        import pandas as pd

        queries = self.about.get("queries", {})
        rows = [
            {
                "query_id": query_id,
                "query": _words(queries.get(query_id, "")),
                **values,
                f"unjudged@{self.cut}": self.unjudged[query_id],
                "hits": len(self.rankings.get(query_id, ())),
            }
            for query_id, values in self.per_query.items()
        ]
        first = self.measures[0]
        return pd.DataFrame(rows).sort_values(first, kind="stable", ignore_index=True)

    def to_trec(self, path: str | Path) -> Path:
        """Write the run as TREC's file. InvalidInputError for ids with blanks."""
        return write_run(self.rankings, path, self.name)

    def __repr__(self) -> str:
        """The means, one measure a line."""
        title = f"Evaluation({self.name!r} on {self.dataset!r}, {len(self.per_query)} queries)"
        lines = [f"  {measure}: {value:.4f}" for measure, value in self.mean.items()]
        return "\n".join([title, *lines, *(f"  Note: {note}" for note in self.notes)])


def measured(
    rankings: Mapping[str, Sequence[str]], judgements: Judgements, measures: Sequence[str]
) -> tuple[dict[str, dict[str, float]], dict[str, float], int]:
    """Each query's measures, the share of unjudged among its first hits, and how many those are.

    InvalidInputError for an unknown measure.
    """
    scores = evaluate(run_from_rankings(rankings), judgements.qrels, measures)
    cut = next((int(m[1]) for m in map(_CUT.search, measures) if m), 10)
    unjudged = {}
    for query_id, judged in judgements.qrels.items():
        first = list(dict.fromkeys(rankings.get(query_id, ())))[:cut]
        unjudged[query_id] = sum(d not in judged for d in first) / len(first) if first else 0.0
    return scores.per_query, unjudged, cut


def intervals_of(
    per_query: Mapping[str, Mapping[str, float]],
    measures: Sequence[str],
    confidence: float,
    kind: Interval,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Measure → the confidence interval of its mean. InvalidInputError as the bootstrap's."""
    return {
        measure: bootstrap_interval(
            [row[measure] for row in per_query.values()],
            confidence=confidence,
            kind=kind,
            seed=seed,
        )
        for measure in measures
    }


def measure_names(text: str | None) -> list[str] | None:
    """The names in `nDCG@10, AP`, split at commas outside brackets; None where there are none."""
    parts = _COMMAS.split((text or "").replace('"', ""))
    return [part.strip() for part in parts if part.strip()] or None


def deepest_cut(measures: Sequence[str]) -> int:
    """The largest k of any measure; 0 where none has one."""
    return max((int(m[1]) for m in map(_CUT.search, measures) if m), default=0)


def _words(query: Any) -> str:
    if isinstance(query, Mapping):
        texts = [value for value in query.values() if isinstance(value, str)]
        return texts[0] if texts else str(dict(query))
    return str(query)
