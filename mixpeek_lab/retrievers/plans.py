"""What the stages of a search did, as Mixpeek's explanation of an execution tells it."""

from __future__ import annotations

from mixpeek_lab.models import JSON, SearchResult
from mixpeek_lab.retrievers.spec import RetrieverSpec
from mixpeek_lab.retrievers.stages.names import category_of
from mixpeek_lab.retrievers.wire import stage_spans


def to_plan(result: SearchResult, spec: RetrieverSpec) -> dict[str, JSON]:
    """The plan of the run that was just made: what others estimate is measured here.

    Nothing costs credits. Bottlenecks are the stages that took more than half of the time.
    """
    spans = stage_spans(result)
    kinds = {stage.name: category_of(stage.stage_id) for stage in spec.stages}
    slowest = [s.name for s in spans if s.milliseconds * 2 > result.milliseconds]
    return {
        "estimated_cost": {"credits": 0.0, "duration_ms": result.milliseconds},
        "execution_plan": [
            {
                "stage_index": number,
                "stage_name": span.name,
                "stage_type": kinds.get(span.name, "filter"),
                "estimated_input": span.rows_in,
                "estimated_output": span.rows_out,
                "estimated_efficiency": span.rows_out / span.rows_in if span.rows_in else 0.0,
                "estimated_cost_credits": 0.0,
                "estimated_duration_ms": span.milliseconds,
                "cache_likely": False,
                "optimization_notes": [],
                "warnings": [],
            }
            for number, span in enumerate(spans)
        ],
        "optimization_suggestions": [],
        "total_estimated_stages": len(spans),
        "bottleneck_stages": slowest,
    }
