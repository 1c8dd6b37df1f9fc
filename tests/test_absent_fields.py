"""Stages whose parameters name a field that no document has: said once, in the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import Hit, SearchResult
from mixpeek_lab.retrievers import AVAILABLE, Reach, SearchRequest, parse_retriever, run_stages
from mixpeek_lab.testing import FakeLLM

HITS = tuple(
    Hit(f"d{i}", "c", i + 1, 1.0 - i / 10, {"kind": "ab"[i % 2], "n": i, "meta": {"year": 2020 + i},
        "tags": ["x"], "data": f"river {i}"}, {"root_object_id": f"o{i}"})
    for i in range(4)
)  # fmt: skip
COUNT = {"function": "count", "alias": "count"}
WHEN = {"field": "kinds", "value": "a"}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("attribute_filter", {"field": "kinds", "operator": "ne", "value": "{{DOC.kind}}"}),
    ("aggregate", {"aggregations": [COUNT], "group_by": ["kinds"]}),
    ("aggregate", {"aggregations": [{**COUNT, "field": "kinds"}]}),
    ("deduplicate", {"fields": ["kinds"]}),
    ("deduplicate", {"fields": ["n", "kinds"]}),
    ("deduplicate", {"strategy": "content", "content_field": "kinds"}),
    ("group_by", {"group_by_field": "kinds"}),
    ("group_by", {"field": "kinds"}),
    ("sample", {"count": 2, "strategy": "stratified", "stratify_by": "kinds"}),
    ("sort_attribute", {"field": "kinds"}),
    ("mmr", {"diversity_fields": ["kinds"]}),
    ("mmr", {"diversity_fields": ["kind"], "score_field": "kinds"}),
    ("unwind", {"field": "kinds"}),
    ("unwind", {"field": "kinds", "preserve_null_and_empty": True}),
    ("summarize", {"group_by": "kinds"}),
    ("summarize", {"document_field": "kinds"}),
    ("llm_enrich", {"prompt": "p", "document_field": "kinds"}),
    ("llm_enrich", {"prompt": "p", "when": WHEN}),
    ("llm_filter", {"prompt": "p", "document_field": "kinds"}),
    ("rag_prepare", {"content_field": "kinds"}),
    ("cluster", {"document_field": "kinds", "algorithm": "kmeans", "n_clusters": 2}),
    ("agentic_enrich", {"system_prompt": "p", "output_schema": {}, "when": WHEN}),
    ("api_call", {"url": "http://a.example", "when": WHEN}),
    ("sql_lookup", {"query": "SELECT 1", "when": WHEN}),
    ("taxonomy_enrich", {"taxonomy_id": "t", "when": WHEN}),
    ("document_enrich", {"target_collection_id": "t", "source_field": "kinds"}),
]


def vectors(_uri: str | None, ids: Any) -> Mapping[str, Any]:
    import numpy as np

    return {key: np.array([1.0, i], dtype=np.float32) for i, key in enumerate(ids)}


def answer(*stages: Mapping[str, Any], hits: tuple[Hit, ...] = HITS) -> SearchResult:
    """What the stages make of the hits, as a search runs them."""
    spec = parse_retriever(
        {"name": "r", "collection": "c", "searches": [{"lexical": True}], "stages": list(stages)}
    )
    llm = FakeLLM("yes")
    reach = Reach(
        vectors=vectors,
        documents=lambda *_: [],
        llm=lambda request: asyncio.run(llm.process(request)),
    )
    before = SearchResult("exec_1", "r", {"query": "q"}, hits, (), {}, (), len(hits))
    return run_stages(spec, SearchRequest({"query": "q"}), before, lambda *_: [], reach)


def about(result: SearchResult) -> list[str]:
    return [told for told in result.warnings if "has a value in the field 'kinds'" in told]


@pytest.mark.parametrize(("stage_id", "parameters"), CASES)
def test_an_unknown_field_is_told_once(stage_id: str, parameters: dict[str, Any]) -> None:
    [told] = about(answer({stage_id: parameters}))
    assert told.startswith(f"Stage {stage_id!r}, ")
    assert "none of its 4 documents" in told
    assert "did you mean 'kind'? Fields: kind, n, meta, tags, data." in told
    assert not about(answer({stage_id: parameters}, hits=())), "nothing to say without documents"


@pytest.mark.parametrize(("stage_id", "parameters"), CASES)
def test_a_known_field_is_not(stage_id: str, parameters: dict[str, Any]) -> None:
    known = json.loads(json.dumps(parameters).replace("kinds", "tags"))
    assert "no documents" not in str(answer({stage_id: known}).warnings)
    assert not [t for t in answer({stage_id: known}).warnings if "has a value in the field" in t]


def test_every_stage_that_reads_a_field_is_among_the_cases() -> None:
    assert {stage for stage, _ in CASES} == {name for name, s in AVAILABLE.items() if s.fields}
    for name, stage in AVAILABLE.items():
        assert set(stage.fields) <= set(stage.parameters.model_fields), name
        named = {key for key in stage.parameters.model_fields if _names_a_field(key)}
        assert named - set(stage.fields) == ELSEWHERE.get(name, set()), name


def _names_a_field(parameter: str) -> bool:
    is_written = parameter.startswith(("output_", "context_", "citations_", "formatted_", "mmr_"))
    return parameter.endswith(("_field", "_by", "when")) and not is_written


ELSEWHERE = {
    "rerank": {"document_field", "score_field"},  # an error of its own, and what it writes
    "classify": {"document_field"},
    "query_expand": {"document_field"},  # of no use there
    "sort_relevance": {"score_field"},  # counted in a warning of its own, as here
    "score_normalize": {"score_field"},
    "aggregate": {"sort_by"},  # an alias, checked when it is written
    "document_enrich": {"target_field"},  # of another collection
    "taxonomy_enrich": {"id_field", "label_field", "parent_field"},  # of the taxonomy
}  # fmt: skip


@pytest.mark.parametrize("stage_id", ["sort_relevance", "score_normalize"])
def test_a_score_that_no_document_has(stage_id: str) -> None:
    [told] = answer({stage_id: {"score_field": "scores.no"}}).warnings
    assert "4 of 4 documents have no number in" in told


@pytest.mark.parametrize("stage_id", ["rerank", "classify"])
def test_a_text_that_no_document_has_is_an_error(stage_id: str) -> None:
    stage = {stage_id: {"inference_name": "x", "document_field": "kinds"}}
    with pytest.raises(RetrieverError, match="no document has a text in the field 'kinds'"):
        answer(stage)


def test_a_template_that_asks_for_it_is_told() -> None:
    [told] = answer({"json_transform": {"template": "{{DOC.kinds | tojson}}"}}).warnings
    assert "4 of 4 documents are left out" in told
    assert "'kinds', which is missing" in told


@pytest.mark.parametrize(
    "given",
    [{"field": "nothing", "operator": "exists", "value": False},
     {"field": "nothing", "operator": "is_null"}, {"field": "nothing", "value": None}],
)  # fmt: skip
def test_who_asks_for_what_is_missing_knows_it(given: dict[str, Any]) -> None:
    stage = {"attribute_filter": {"conditions": {"OR": [given, {"field": "score", "value": 9}]}}}
    assert answer(stage).warnings == ()


def test_an_earlier_stage_s_field_is_there() -> None:
    stages = [{"score_normalize": {"output_field": "scores.own"}},
              {"sort_attribute": {"field": "scores.own"}},
              {"sort_attribute": {"field": "root_object_id"}},
              {"group_by": {"group_by_field": "meta.year"}}]  # fmt: skip
    assert answer(*stages).warnings == ()


def test_figures_of_what_is_no_number_are_told() -> None:
    asked = [{"function": f, "field": "kind", "alias": f} for f in ("sum", "avg", "count")]
    told = answer({"aggregate": {"aggregations": asked}}).warnings
    assert len(told) == 2
    assert "sum of 'kind' needs numbers, and none of its 4 documents has one there" in told[0]
