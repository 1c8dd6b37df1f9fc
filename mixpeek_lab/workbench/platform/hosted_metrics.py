"""Mixpeek's names of metrics, brought to measures and back: `ndcg` at 10 is `nDCG@10`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from mixpeek_lab.errors import BodyError
from mixpeek_lab.evaluation import Evaluation
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, shown

_MEASURES = {"precision": "P", "recall": "R", "map": "AP", "ndcg": "nDCG", "mrr": "RR"}
_BETAS = {"f1": 1.0, "f2": 2.0}
METRICS = (*_MEASURES, *_BETAS)
DEFAULT_METRICS = tuple(_MEASURES)
DEFAULT_K = (1, 5, 10, 20)
MOST_K = 1000


@dataclass(frozen=True, slots=True)
class MetricConfig:
    """What an evaluation over the API measures."""

    metrics: tuple[str, ...]
    k_values: tuple[int, ...]

    @property
    def measures(self) -> list[str]:
        """The measures that are needed for it."""
        names = [m for metric in self.metrics for m in _needed(metric)]
        cut = [f"{name}@{k}" for k in self.k_values for name in names]
        return list(dict.fromkeys([*cut, *(n for n in names if n in ("AP", "RR", "nDCG"))]))

    def by_k(self, found: Evaluation) -> dict[str, dict[str, float]]:
        """k → metric → mean over the queries."""
        return {
            str(k): {metric: _mean(metric, found, f"@{k}") for metric in self.metrics}
            for k in self.k_values
        }

    def overall(self, found: Evaluation) -> dict[str, float]:
        """Metric → mean: of whole rankings where a metric has that, else at the largest k."""
        largest = f"@{max(self.k_values)}"
        whole = ("map", "mrr", "ndcg")
        return {m: _mean(m, found, "" if m in whole else largest) for m in self.metrics}

    def as_json(self) -> dict[str, JSON]:
        """As Mixpeek writes it."""
        return {"metrics": list(self.metrics), "k_values": list(self.k_values)}


def read_config(body: Mapping[str, JSON] | None) -> MetricConfig:
    """`{metrics, k_values}`; without it, the usual ones. BodyError with the path."""
    given = body or {}
    demand_known(given, ("metrics", "k_values"), "evaluation_config.")
    metrics = optional(given, "metrics", list, "evaluation_config.") or list(DEFAULT_METRICS)
    k_values = optional(given, "k_values", list, "evaluation_config.") or list(DEFAULT_K)
    for metric in metrics:
        if metric not in METRICS:
            known = ", ".join(METRICS)
            raise BodyError.at("evaluation_config.metrics", f"{shown(metric)} is none of {known}.")
    for k in k_values:
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_K:
            raise BodyError.at("evaluation_config.k_values", f"{shown(k)} is not 1 to {MOST_K}.")
    return MetricConfig(tuple(dict.fromkeys(metrics)), tuple(sorted(set(k_values))))


def f_beta(precision: float, recall: float, beta: float) -> float:
    """The weighted harmonic mean of precision and recall; 0 where both are."""
    below = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / below if below else 0.0


def _needed(metric: str) -> Sequence[str]:
    return ("P", "R") if metric in _BETAS else (_MEASURES[metric],)


def _mean(metric: str, found: Evaluation, cut: str) -> float:
    rows = found.per_query.values()
    if metric in _MEASURES:
        return found.mean[f"{_MEASURES[metric]}{cut}"]
    values = [f_beta(row[f"P{cut}"], row[f"R{cut}"], _BETAS[metric]) for row in rows]
    return fsum(values) / len(values)
