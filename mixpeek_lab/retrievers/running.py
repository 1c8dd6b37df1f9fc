"""Runs the stages after feature_search, one after the other: each timed, each hit explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from mixpeek_lab.models import Hit, SearchResult, Span, StageEffect
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import RetrieverSpec
from mixpeek_lab.retrievers.stages import AVAILABLE, Infer, Outcome, StageContext, StageSpec


def run_stages(
    spec: RetrieverSpec, request: SearchRequest, result: SearchResult, infer: Infer
) -> SearchResult:
    """Pass what `search` found through the retriever's later stages, and cut the page.

    A request for candidates, to fuse again with, gets every hit that the stages leave.
    """
    hits: Sequence[Hit] = result.hits
    spans: list[Span] = []
    warnings = list(result.warnings)
    for stage in spec.stages:
        started = perf_counter()
        context = StageContext(stage.name, request.inputs, request.text, infer)
        outcome = AVAILABLE[stage.stage_id].run(hits, stage.parameters, context)
        count = len(hits)
        hits = _explained(stage, hits, outcome)
        spans.append(Span(stage.name, (perf_counter() - started) * 1e3, count, len(hits)))
        warnings += outcome.warnings
    shown = hits
    if not request.candidates:
        last = None if request.limit is None else request.offset + request.limit
        shown = hits[request.offset : last]
    return replace(
        result,
        hits=tuple(shown),
        stages=tuple(spans),
        spans=(*result.spans, *spans),
        total=len(hits),
        warnings=tuple(warnings),
    )


def _explained(stage: StageSpec, before: Sequence[Hit], outcome: Outcome) -> list[Hit]:
    """The hits in their new order, ranked anew, each with what the stage did to it."""
    old = {hit.document_id: hit for hit in before}
    found: list[Hit] = []
    for rank, hit in enumerate(outcome.hits, start=1):
        was = old.get(hit.document_id)
        effect = StageEffect(
            stage=stage.name,
            rank_before=was.rank if was else None,
            score_before=was.score if was else None,
            rank=rank,
            score=hit.score,
            found=outcome.found.get(hit.document_id, {}),
        )
        found.append(replace(hit, rank=rank, effects=(*hit.effects, effect)))
    return found
