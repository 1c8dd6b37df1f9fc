"""What every stage has: a schema, templates, on_error, a trace, an output of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from packages import BY_TYPE

from mixpeek_lab.api.app import create_app
from mixpeek_lab.errors import InvalidInputError, RetrieverError
from mixpeek_lab.retrievers import parse_request, parse_retriever, stage_definitions, to_response
from mixpeek_lab.retrievers.stages import AVAILABLE, OFF
from mixpeek_lab.widgets.cards import StageCard, StageList
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

TEXTS = ("river boat", "money bank", "river stone", "fox tree", "boat ship", "bank river money")
ROWS = [
    {"_id": f"r{i}", "text": text, "title": text.title(), "n": i} for i, text in enumerate(TEXTS)
]
SEARCH = {"searches": [{"feature": "hash_embedding"}, {"lexical": True}]}
RERANK = {"inference_name": "word_reranker"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(tmp_path_factory.mktemp("frame") / "home")
    for package in BY_TYPE.values():
        assert made.load(package).is_kept
    made.bucket("b", ROWS)
    made.process("b", "hash_embedder", "docs", engine="kernel")
    return made


def body(*stages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "r", "collection": "docs", **SEARCH, "stages": list(stages), **more}


# ---------------------------------------------------------------- what there is


def test_every_stage_is_defined() -> None:
    found = {each["stage_id"]: each for each in stage_definitions()}
    assert set(found) == {"feature_search", *AVAILABLE, *OFF}
    for stage_id, each in found.items():
        assert set(each) == {"stage_id", "description", "category", "icon", "parameter_schema"}
        assert each["category"] in ("filter", "sort", "reduce", "apply", "enrich")
        assert (each["parameter_schema"] is None) == (stage_id in OFF)
    schema = found["rerank"]["parameter_schema"]
    assert schema["properties"]["batch_size"]["minimum"] == 1
    assert "first ones" in schema["properties"]["max_candidates"]["description"]
    json.dumps(list(found.values()))


def test_the_official_client_reads_the_definitions() -> None:
    from mixpeek.models import RetrieverStageDefinition

    for each in stage_definitions():
        assert RetrieverStageDefinition.from_dict(each) is not None


def test_the_notebook_shows_them() -> None:
    found = stage_definitions()
    assert "rerank" in str(StageList(found))
    by_id = {each["stage_id"]: each for each in found}
    text = str(StageCard(by_id["rerank"]))
    assert "max_candidates" in text
    assert "integer | null" in text
    assert "<table" in StageCard(by_id["rerank"])._repr_html_()
    assert "Off." in str(StageCard(by_id["web_scrape"]))


@pytest.mark.parametrize("stage_id", OFF)
def test_a_stage_that_is_off_says_why(stage_id: str) -> None:
    with pytest.raises(RetrieverError, match=rf"stage {stage_id} is off\. It "):
        parse_retriever(body({stage_id: {}}))


# ---------------------------------------------------------------- on_error

BROKEN = {"rerank": {**RERANK, "document_field": "nope"}}


def test_a_failing_stage_ends_the_search_or_is_skipped(lab: Lab) -> None:
    with pytest.raises(RetrieverError, match="no document has a text in the field 'nope'"):
        lab.search(body(BROKEN), "river bank")
    plain = lab.search(body(), "river bank")
    for word in ("skip", "continue"):
        found = lab.search(body({**BROKEN, "on_error": word}, {"rerank": RERANK}), "river bank")
        assert found.warnings[-1].startswith("Stage 'rerank' was skipped: stage 'rerank': no doc")
        assert [span.name for span in found.stages] == ["rerank", "rerank_2"]
        assert (found.stages[0].rows_in, found.stages[0].rows_out) == (6, 6)
        assert [effect.stage for effect in found.hits[0].effects] == ["rerank_2"]
        assert {h.document_id for h in found.hits} == {h.document_id for h in plain.hits}


def test_on_error_is_kept_and_checked() -> None:
    spec = parse_retriever(body({**BROKEN, "on_error": "skip"}))
    stored = spec.as_dict()
    assert stored["stages"][1]["on_error"] == "skip"
    assert parse_retriever(json.loads(json.dumps(stored))) == spec
    assert parse_retriever(body({**BROKEN, "on_error": "fail"})).stages[0].on_error == "error"
    for wrong in ("ignore", ["skip"]):
        with pytest.raises(RetrieverError, match=r"stages\[0\]\.on_error: expected 'error'"):
            parse_retriever(body({**BROKEN, "on_error": wrong}))


# ---------------------------------------------------------------- templates in parameters


def test_a_number_may_be_a_template(lab: Lab) -> None:
    stage = {"rerank": {**RERANK, "top_k": "{{INPUT.most}}"}}
    spec = parse_retriever(body(stage))
    assert parse_retriever(json.loads(json.dumps(spec.as_dict()))) == spec
    found = lab.search(body(stage), {"query": "river bank", "most": 2})
    assert len(found.hits) == 2
    with pytest.raises(RetrieverError, match=r"stage 'rerank'\.top_k: .*got 'two'"):
        lab.search(body(stage), {"query": "river bank", "most": "two"})
    with pytest.raises(InvalidInputError, match=r"stage 'rerank', top_k: .*asks for 'most'"):
        lab.search(body(stage), {"query": "river bank"})


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"top_k": "{{INPUT.n}}", "batch_size": 0}, r"stages\[0\]\.rerank\.batch_size: .*got 0"),
        ({"topk": "{{INPUT.n}}"}, r"stages\[0\]\.rerank\.topk: unknown key.*'top_k'"),
        ({"top_k": "{{INPUT.n"}, r"stages\[0\]\.rerank\.top_k: the template .* is not valid"),
    ],
)
def test_what_is_no_template_is_checked_at_once(parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(RetrieverError, match=told):
        parse_retriever(body({"rerank": {**RERANK, **parameters}}))


def test_the_context(lab: Lab) -> None:
    prompt = "{{CONTEXT.stage_name}} of {{context.retriever_name}}: {{CONTEXT.documents}}"
    stage = {"stage_name": "say", "llm_enrich": {"inference_name": "sentence_writer", "prompt": prompt}}  # fmt: skip # noqa: E501
    found = lab.search(body(stage), "river")
    assert found.hits[0].fields["extracted"] == "SAY OF R: 6"


# ---------------------------------------------------------------- the trace


def test_every_stage_has_statistics(lab: Lab) -> None:
    from mixpeek.models import ExecuteRetrieverResponse

    found = lab.search(body({"rerank": {**RERANK, "top_k": 3}}), "river bank")
    answer = to_response(found, parse_retriever(body()), parse_request({"query": "river bank"}))
    stages = answer["stage_statistics"]["stages"]
    assert stages["rerank"]["efficiency"] == 0.5
    assert stages["rerank"]["metadata"] == {}
    read = ExecuteRetrieverResponse.from_dict(json.loads(json.dumps(answer)))
    assert read is not None
    assert read.stage_statistics.stages["rerank"].output_count == 3


def test_the_definitions_over_http(tmp_path: Path) -> None:
    app = create_app(Backend(tmp_path, None), "token")  # type: ignore[arg-type]

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            headers = {"authorization": "Bearer token"}
            return await client.get("http://127.0.0.1/v1/retrievers/stages", headers=headers)

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(stage_definitions()))
