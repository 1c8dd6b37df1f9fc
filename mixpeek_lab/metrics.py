"""Retrieval measures (nDCG@10, RR, R@100, …) over runs and judgements, as trec_eval counts them.

A thin layer over `ir_measures`. Gains are linear; a query without a positive judgement does not
count; a query that the run lacks counts 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from math import fsum, isfinite
from typing import Any

from mixpeek_lab.errors import InvalidInputError

MEASURES = ("nDCG@10", "RR", "R@100")
LEFT_OUT = ("gdeval", "ranx")
"""Providers of ir_measures that are not asked."""
LARGEST = 1_000_000
"""Cut and least grade of a measure: from 1 to this."""

Run = Mapping[str, Mapping[str, float]]
"""Query id → document id → score, larger is better."""

Qrels = Mapping[str, Mapping[str, int]]
"""Query id → document id → how relevant; above 0 is relevant."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a run is worth: the mean over queries, and each query's own."""

    mean: dict[str, float]
    """Measure → mean over the judged queries."""
    per_query: dict[str, dict[str, float]]
    """Query id → measure → value. Only judged queries."""


def run_from_rankings(rankings: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    """A run that keeps the order of `rankings` (query id → document ids, best first).

    trec_eval reads scores as 32-bit floats and puts equal ones in descending order of id; so
    the scores here are whole numbers that strictly decrease. A document named twice counts
    where it stands first.
    """
    return {
        query_id: {
            document_id: float(len(ranking) - place)
            for place, document_id in reversed(list(enumerate(ranking)))
        }
        for query_id, ranking in rankings.items()
    }


def evaluate(run: Run, qrels: Qrels, measures: Sequence[str] = MEASURES) -> Scores:
    """Measure `run` against `qrels`. Ties are broken as trec_eval does, by descending id.

    Raises InvalidInputError for an unknown measure, a score that is not finite, and qrels
    without any positive judgement.
    """
    parsed = {name: _measure(name) for name in measures}
    judged = {q: dict(rels) for q, rels in qrels.items() if any(v > 0 for v in rels.values())}
    if not judged:
        raise InvalidInputError("qrels: no query has a positive judgement; nothing to measure.")
    per_query = {query_id: dict.fromkeys(parsed, 0.0) for query_id in judged}
    for query_id, name, value in _measured(_searched(run, judged), judged, parsed):
        per_query[query_id][name] = value
    mean = {name: fsum(row[name] for row in per_query.values()) / len(judged) for name in parsed}
    return Scores(mean, per_query)


def _searched(run: Run, judged: Qrels) -> dict[str, dict[str, float]]:
    """The part of the run that can be measured: judged queries that found something."""
    found: dict[str, dict[str, float]] = {}
    for query_id in judged:
        scores = run.get(query_id)
        if not scores:
            continue
        for document_id, score in scores.items():
            if not isfinite(score):
                raise InvalidInputError(
                    f"run[{query_id!r}]: document {document_id!r} has the score {score}."
                )
        found[query_id] = {document_id: float(score) for document_id, score in scores.items()}
    return found


def _measured(
    run: dict[str, dict[str, float]], judged: Qrels, parsed: Mapping[str, Any]
) -> list[tuple[str, str, float]]:
    if not run or not parsed:
        return []
    names: dict[Any, list[str]] = {}  # RR and MRR are one measure
    for name, measure in parsed.items():
        names.setdefault(measure, []).append(name)
    try:
        return [
            (str(metric.query_id), name, float(metric.value))
            for metric in _pipeline().iter_calc(list(names), judged, run)
            if metric.query_id in judged
            for name in names[metric.measure]
        ]
    except (AssertionError, RuntimeError, ValueError) as error:
        raise InvalidInputError(f"measures: {', '.join(parsed)}: {error}") from error


def _measure(name: str) -> Any:
    import ir_measures

    try:
        measure = ir_measures.parse_measure(name)
        measure.validate_params()
    except (NameError, ValueError, SyntaxError, KeyError, AssertionError) as error:
        known = {known.lower(): known for known in (*MEASURES, "AP", "P@10", "Success@10")}
        close = get_close_matches(name.lower(), known, n=1)
        hint = f"Did you mean {known[close[0]]!r}?" if close else f"As in {', '.join(MEASURES)}."
        raise InvalidInputError(f"measures: {name!r} is not a measure. {hint}") from error
    for what, given in (("cut", measure.params.get("cutoff")), ("rel", measure.params.get("rel"))):
        if isinstance(given, int) and not 1 <= given <= LARGEST:  # trec_eval aborts the process
            raise InvalidInputError(f"measures: {name!r}: its {what} is from 1 to {LARGEST:,}.")
    if not _pipeline().supports(measure):
        raise InvalidInputError(
            f"measures: {name!r} is known, but nothing that is installed here computes it in this "
            f"form. These can be used: {', '.join(_usable())}."
        )
    return measure


@cache
def _pipeline() -> Any:
    """What computes measures, here and now.

    Without gdeval, a Perl script that reads numbered queries alone, and ranx, which compiles for
    many seconds to compute what others compute as well.
    """
    import ir_measures
    from ir_measures.providers import FallbackProvider

    kept = [each for each in ir_measures.DefaultPipeline.providers if each.NAME not in LEFT_OUT]
    return FallbackProvider(kept)


def _usable() -> list[str]:
    """The names of the measures that something here computes; `@k` where one needs its cut."""
    found = {
        f"{measure.NAME}@k" if _needs_cut(measure) else measure.NAME
        for provider in _pipeline().providers if provider.is_available()
        for measure in provider.SUPPORTED_MEASURES
    }  # fmt: skip
    return sorted(found - {f"{name}@k" for name in found}, key=str.lower)


def _needs_cut(measure: Any) -> bool:
    cut = measure.SUPPORTED_PARAMS.get("cutoff")
    return cut is not None and cut.required
