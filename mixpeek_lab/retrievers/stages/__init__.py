"""The stages that run after a retriever's feature_search: one small file for each kind.

A stage is a function over hits: best first in, best first out, with what it found out about each.
It gets its parameters and a `StageContext` of plain callables, and knows no index, Ray or HTTP.
A new one: its file with a `STAGE`, and its line in `AVAILABLE`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.retrievers.stages import (
    agentic_enrich,
    aggregate,
    api_call,
    attribute_filter,
    classify,
    cluster,
    deduplicate,
    document_enrich,
    group_by,
    json_transform,
    limit,
    llm_enrich,
    llm_filter,
    mmr,
    query_expand,
    rag_prepare,
    rerank,
    sample,
    score_normalize,
    sort_attribute,
    sort_relevance,
    sql_lookup,
    summarize,
    taxonomy_enrich,
    unwind,
)
from mixpeek_lab.retrievers.stages.names import FIRST, OFF, STAGES, category_of
from mixpeek_lab.retrievers.stages.reach import (
    ExtractorRef,
    Infer,
    Reach,
)
from mixpeek_lab.retrievers.stages.stage import (
    ExtractorParameters,
    Outcome,
    Stage,
    StageContext,
    StageSpec,
)

AVAILABLE: Mapping[str, Stage] = {
    stage.stage_id: stage
    for stage in (
        attribute_filter.STAGE,
        llm_filter.STAGE,
        query_expand.STAGE,
        sort_relevance.STAGE,
        sort_attribute.STAGE,
        mmr.STAGE,
        rerank.STAGE,
        score_normalize.STAGE,
        aggregate.STAGE,
        sample.STAGE,
        summarize.STAGE,
        limit.STAGE,
        deduplicate.STAGE,
        group_by.STAGE,
        cluster.STAGE,
        json_transform.STAGE,
        rag_prepare.STAGE,
        api_call.STAGE,
        sql_lookup.STAGE,
        unwind.STAGE,
        classify.STAGE,
        llm_enrich.STAGE,
        taxonomy_enrich.STAGE,
        document_enrich.STAGE,
        agentic_enrich.STAGE,
    )
}
"""Stage id → the stage."""

__all__ = [
    "AVAILABLE",
    "FIRST",
    "OFF",
    "STAGES",
    "ExtractorParameters",
    "ExtractorRef",
    "Infer",
    "Outcome",
    "Reach",
    "Stage",
    "StageContext",
    "StageSpec",
    "category_of",
]
