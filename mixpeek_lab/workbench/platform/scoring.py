"""Scores of predictions that somebody has already: sets against sets, nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown
from mixpeek_lab.workbench.platform.hosted_metrics import f_beta

METRICS = ("precision", "recall", "f1", "f2")


def scores(body: Mapping[str, JSON]) -> dict[str, JSON]:
    """Precision, recall, F1 and F2 of each item and their means. BodyError with the path."""
    demand_known(body, ("predicted", "ground_truth", "items", "metrics", "k"))
    metrics = optional(body, "metrics", list) or list(METRICS)
    for metric in metrics:
        if metric not in METRICS:
            raise BodyError.at("metrics", f"{shown(metric)} is none of {', '.join(METRICS)}.")
    k = optional(body, "k", int)
    if k is not None and k < 1:
        raise BodyError.at("k", "must be 1 or more.")
    found = [_scores(*_pair(each, where), k, metrics) for each, where in _items(body)]
    means = {metric: fsum(each[metric] for each in found) / len(found) for metric in metrics}
    return {
        "metrics": metrics,
        "k": k,
        "count": len(found),
        "per_item": found,
        "aggregate": means,
    }


def _items(body: Mapping[str, JSON]) -> list[tuple[Any, str]]:
    items = optional(body, "items", list)
    is_single = body.get("predicted") is not None or body.get("ground_truth") is not None
    if (items is not None) == is_single:
        raise BodyError.at("items", "give either these, or predicted and ground_truth.")
    if items is None:
        return [(body, "")]
    if not items:
        raise BodyError.at("items", "must have at least one entry.")
    return [(each, f"items[{at}].") for at, each in enumerate(items)]


def _pair(given: Any, where: str) -> tuple[list[str], list[str]]:
    if not isinstance(given, Mapping):
        raise BodyError.at(where.rstrip("."), f"must be an object, and is {shown(given)}.")
    pair = [required(given, (name,), list, where) for name in ("predicted", "ground_truth")]
    for name, values in zip(("predicted", "ground_truth"), pair, strict=True):
        if not all(isinstance(value, str) for value in values):
            raise BodyError.at(f"{where}{name}", "must be a list of texts.")
    return pair[0], pair[1]


def _scores(
    predicted: Sequence[str], truth: Sequence[str], k: int | None, metrics: Sequence[str]
) -> dict[str, float]:
    shown_first, wanted = dict.fromkeys(predicted[:k]), set(truth)
    right = sum(each in wanted for each in shown_first)
    precision = right / len(shown_first) if shown_first else 0.0
    recall = right / len(wanted) if wanted else 0.0
    found = {
        "precision": precision,
        "recall": recall,
        "f1": f_beta(precision, recall, 1.0),
        "f2": f_beta(precision, recall, 2.0),
    }
    return {metric: found[metric] for metric in metrics}
