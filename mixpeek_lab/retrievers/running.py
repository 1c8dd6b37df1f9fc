"""Runs the stages after feature_search, one after the other: each timed, each hit explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from mixpeek_lab.errors import LabError, LLMSettingsError
from mixpeek_lab.filters import shared_seconds
from mixpeek_lab.models import JSON, Hit, SearchResult, Span, StageEffect
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import RetrieverSpec
from mixpeek_lab.retrievers.stages import (
    AVAILABLE,
    Infer,
    Outcome,
    Reach,
    StageContext,
    StageSpec,
)
from mixpeek_lab.retrievers.stages.absent import absent_fields
from mixpeek_lab.retrievers.stages.parsing import filled_in
from mixpeek_lab.retrievers.stages.reach import NO_REACH

MOST_TEMPLATE_SECONDS = 10.0
"""That all templates of one stage may take together, over all documents."""


def run_stages(
    spec: RetrieverSpec,
    request: SearchRequest,
    result: SearchResult,
    infer: Infer,
    reach: Reach = NO_REACH,
) -> SearchResult:
    """Pass what `search` found through the retriever's later stages, and cut the page.

    A request for candidates, to fuse again with, gets every hit that the stages leave. A stage
    that fails ends the search with its LabError, or is skipped with a warning, as its on_error
    says.
    """
    hits: Sequence[Hit] = result.hits
    spans: list[Span] = []
    warnings = list(result.warnings)
    outputs = dict(result.outputs)
    pushed = dict(spec.pushed)
    for stage in spec.stages:
        started = perf_counter()
        values = context_values(spec, request, result, stage, len(hits), outputs)
        context = StageContext(stage.name, request.inputs, request.text, infer, values, reach)
        outcome = _outcome(stage, hits, context, stage.name in pushed)
        count = len(hits)
        if outcome.hits is not hits:
            hits = _explained(stage, hits, outcome)
        spans.append(Span(stage.name, (perf_counter() - started) * 1e3, count, len(hits)))
        warnings += outcome.warnings
        if outcome.output:
            outputs[stage.name] = outcome.output
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
        outputs=outputs,
    )


def context_values(
    spec: RetrieverSpec,
    request: SearchRequest,
    result: SearchResult,
    stage: StageSpec,
    count: int,
    outputs: Mapping[str, Mapping[str, JSON]],
) -> dict[str, JSON]:
    """`{{CONTEXT.…}}`: the run, the stage, and what earlier stages said (`CONTEXT.summary`)."""
    said = {name: value for output in outputs.values() for name, value in output.items()}
    return {
        **said,
        "execution_id": result.execution_id,
        "retriever_name": spec.name,
        "collections": list(spec.collections),
        "stage_name": stage.name,
        "documents": count,
        "limit": request.limit,
        "offset": request.offset,
    }


def _outcome(
    stage: StageSpec, hits: Sequence[Hit], context: StageContext, is_pushed: bool
) -> Outcome:
    """What the stage makes of the hits. The search has spoken of the fields of what is pushed."""
    try:
        with shared_seconds(MOST_TEMPLATE_SECONDS):
            kind, parameters = AVAILABLE[stage.stage_id], filled_in(stage, context)
            outcome = kind.run(hits, parameters, context)
            told = () if is_pushed else absent_fields(stage.name, kind, parameters, hits)
            return replace(outcome, warnings=(*told, *outcome.warnings))
    except LabError as error:
        if stage.on_error == "error":
            if isinstance(error, LLMSettingsError):
                raise type(error)(f"Stage {stage.name!r}: {error}") from error
            raise
        return Outcome(hits, warnings=(f"Stage {stage.name!r} was skipped: {error}",))


def _explained(stage: StageSpec, before: Sequence[Hit], outcome: Outcome) -> list[Hit]:
    """The hits in their new order, ranked anew, each with what the stage did to it."""
    old = {hit.document_id: hit for hit in reversed(before)}
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
