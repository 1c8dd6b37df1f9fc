"""The stages that Mixpeek knows, by category."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mixpeek_lab.errors import RetrieverError, nearest

STAGES: Mapping[str, tuple[str, ...]] = {
    "filter": ("feature_search", "attribute_filter", "llm_filter", "query_expand"),
    "sort": ("sort_relevance", "sort_attribute", "mmr", "rerank", "score_normalize"),
    "reduce": (
        "aggregate", "sample", "summarize", "limit", "deduplicate", "group_by", "cluster",
    ),
    "apply": (
        "json_transform", "rag_prepare", "api_call", "sql_lookup", "unwind", "code_execution",
        "web_scrape", "external_web_search", "classify",
    ),
    "enrich": ("llm_enrich", "taxonomy_enrich", "document_enrich", "agentic_enrich"),
}  # fmt: skip
"""Category → stage ids. `group` of Mixpeek's pages is `reduce` in its API."""

OFF: Mapping[str, str] = {
    "external_web_search": "It sends queries to a search service on the internet.",
    "web_scrape": "It loads pages from the internet, by links that documents hold.",
    "code_execution": "It runs code from a retriever's definition, and needs a sandbox for that.",
}
"""Stages that need what a local lab does not have → why they are off."""

FIRST = "feature_search"
"""The stage that every retriever begins with."""


def category_of(stage_id: str) -> str:
    """The category of a stage, which is its public stage_type: `rerank` is of `sort`."""
    return next(name for name, stage_ids in STAGES.items() if stage_id in stage_ids)


def all_stages() -> list[str]:
    """The ids of all stages that Mixpeek knows."""
    return [name for names in STAGES.values() for name in names]


def check_stage(stage_id: object, available: Collection[str], where: str) -> None:
    """Raise RetrieverError where the stage is unknown, or not part of this version."""
    there = f"Available: {', '.join((FIRST, *available))}"
    if isinstance(stage_id, str) and (stage_id == FIRST or stage_id in available):
        return
    known = all_stages()
    if isinstance(stage_id, str) and stage_id in OFF:
        raise RetrieverError(f"{where}: stage {stage_id} is off. {OFF[stage_id]} {there}.")
    close = nearest(stage_id, known)
    hint = f" Did you mean {close!r}?" if close else ""
    raise RetrieverError(f"{where}: there is no stage {stage_id!r}.{hint} {there}.")
