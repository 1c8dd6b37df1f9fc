"""What every stage has: a schema, templates, on_error, a trace, an output of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from filled_labs import fill
from packages import BY_TYPE

from mixpeek_lab.api.app import create_app
from mixpeek_lab.assets import AssetError, HTTPRequest, call
from mixpeek_lab.errors import InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import Hit, SearchResult
from mixpeek_lab.retrievers import (
    parse_request,
    parse_retriever,
    stage_definitions,
    to_explain,
    to_response,
)
from mixpeek_lab.retrievers.stages import AVAILABLE, OFF, Outcome, StageContext
from mixpeek_lab.widgets.cards import Results, StageCard, StageList
from mixpeek_lab.widgets.playground import Playground
from mixpeek_lab.widgets.ranking import FusionChoice, delivered_choice, ranked_hits
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

TEXTS = ("river boat", "money bank", "river stone", "fox tree", "boat ship", "bank river money")
ROWS = [
    {"_id": f"r{i}", "text": text, "title": text.title(), "n": i} for i, text in enumerate(TEXTS)
]
SEARCH = {"searches": [{"feature": "hash_embedding"}, {"lexical": True}]}
RERANK = {"inference_name": "word_reranker"}


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return fill(Lab(tmp_path_factory.mktemp("frame") / "home"), ROWS, packages=BY_TYPE.values())


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


def test_a_failing_stage_ends_the_search_or_is_skipped(framed: Lab) -> None:
    with pytest.raises(RetrieverError, match="no document has a text in the field 'nope'"):
        framed.search(body(BROKEN), "river bank")
    plain = framed.search(body(), "river bank")
    for word in ("skip", "continue"):
        found = framed.search(body({**BROKEN, "on_error": word}, {"rerank": RERANK}), "river bank")
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


def test_which_extractor_is_asked_is_no_template() -> None:
    for uri in ("{{INPUT.uri}}", ["{{INPUT.uri}}"]):
        with pytest.raises(RetrieverError, match=r"stages\[0\]\.rerank\.feature_uri: "):
            parse_retriever(body({"rerank": {"feature_uri": uri}}))


def test_a_number_may_be_a_template(framed: Lab) -> None:
    stage = {"rerank": {**RERANK, "top_k": "{{INPUT.most}}"}}
    spec = parse_retriever(body(stage))
    assert parse_retriever(json.loads(json.dumps(spec.as_dict()))) == spec
    found = framed.search(body(stage), {"query": "river bank", "most": 2})
    assert len(found.hits) == 2
    with pytest.raises(RetrieverError, match=r"stage 'rerank'\.top_k: .*got 'two'"):
        framed.search(body(stage), {"query": "river bank", "most": "two"})
    with pytest.raises(InvalidInputError, match=r"stage 'rerank', top_k: .*asks for 'most'"):
        framed.search(body(stage), {"query": "river bank"})


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


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ({"aggregate": {"aggregations": [{"functon": "count", "alias": "n"}]}}, "mean 'function'?"),
        ({"aggregate": {"aggregations": [{"type": "count", "alias": "n"}]}}, "It takes function, "),
        (
            {"api_call": {"url": "http://a.test", "auth": {"x": 1}}},
            "auth.x: unknown key. It takes type, ",
        ),
    ],
)
def test_a_misspelt_key_deep_inside_is_told_its_neighbours(
    stage: dict[str, Any], told: str
) -> None:
    with pytest.raises(RetrieverError, match="unknown key") as caught:
        parse_retriever(body(stage))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "stage",
    [
        {"llm_enrich": {"prompt": "x", "output_field": "score"}},
        {"unwind": {"field": "title", "include_array_index": "document_id"}},
        {"score_normalize": {"output_field": "_internal"}},
        {"rag_prepare": {"citations_field": "explain.citations"}},
    ],
)
def test_an_output_that_the_answer_would_hide_is_refused(stage: dict[str, Any]) -> None:
    with pytest.raises(RetrieverError, match=r"cannot be written by a stage.*another name"):
        parse_retriever(body(stage))


def test_a_score_is_normalised_in_place(framed: Lab) -> None:
    hits = framed.search(body({"score_normalize": {"output_field": "score"}}), "river").hits
    assert max(hit.score for hit in hits) == 1


def test_a_group_goes_by_its_name(framed: Lab) -> None:
    counted = {"aggregations": [{"function": "count", "alias": "of"}], "group_by": ["title"]}
    found = framed.search(body({"aggregate": counted}), "river")
    assert {"title": "River Boat", "of": 1} in found.output["aggregations"]
    with pytest.raises(RetrieverError, match="are called 'title'"):
        parse_retriever(body({"aggregate": {**counted, "group_by": ["title", "title"]}}))


def test_the_context(framed: Lab) -> None:
    prompt = "{{CONTEXT.stage_name}} of {{context.retriever_name}}: {{CONTEXT.documents}}"
    stage = {
        "stage_name": "say",
        "llm_enrich": {"inference_name": "sentence_writer", "prompt": prompt},
    }
    found = framed.search(body(stage), "river")
    assert found.hits[0].fields["extracted"] == "SAY OF R: 6"


# ---------------------------------------------------------------- pushed down

CHOSEN = {
    "OR": [{"field": "n", "operator": "gte", "value": 3}, {"field": "title", "value": "river boat"}]
}


def ranked(result: SearchResult) -> list[tuple[str, float]]:
    return [(hit.document_id, hit.score) for hit in result.hits]


@pytest.mark.parametrize("limit", [1, 2, 6])
@pytest.mark.parametrize("query", ["river bank", "money", "fox boat stone"])
def test_a_filter_right_after_the_search_is_its_filter(framed: Lab, query: str, limit: int) -> None:
    stages = (
        {"attribute_filter": {"conditions": CHOSEN}},
        {"attribute_filter": {"field": "n", "operator": "ne", "value": "{{INPUT.not}}"}},
    )
    inputs = {"query": query, "not": 5}
    filters = {"AND": [CHOSEN, {"field": "n", "operator": "ne", "value": 5}]}
    found = framed.search(body(*stages, limit=limit), inputs)
    wanted = framed.search(body(limit=limit), inputs, filters=filters)
    assert ranked(found) == ranked(wanted)
    assert len(found.hits) == min(limit, 3)
    # One leg alone: the order without a filter, with what the filter refuses left out.
    leg = {**body(), "searches": [{"feature": "hash_embedding"}]}
    whole = framed.search(leg, inputs, limit=10)
    ids = [h.document_id for h in whole.hits if h.fields["n"] in (0, 3, 4)]
    kept = framed.search({**leg, "stages": list(stages), "limit": limit}, inputs)
    assert [h.document_id for h in kept.hits] == ids[:limit]
    answer = to_response(found, parse_retriever(body(*stages)), parse_request({"inputs": inputs}))
    told = answer["stage_statistics"]["stages"]["attribute_filter"]
    assert told["metadata"] == {"pushed_down": True}
    assert told["input_count"] == told["output_count"]


@pytest.mark.parametrize(
    "stages",
    [
        [{"attribute_filter": {"field": "score", "operator": "gte", "value": 0}}],
        [{"limit": {"limit": 6}}, {"attribute_filter": {"field": "n", "value": 4}}],
        [{"attribute_filter": {"field": "n", "value": "{{DOC.n}}"}}],
        [{"attribute_filter": {"field": "n", "value": "{{CONTEXT.limit}}"}}],
        [{"attribute_filter": {"field": "n", "value": "{{INPUT.gone}}"}, "on_error": "skip"}],
    ],
)
def test_what_only_a_stage_can_see_is_left_to_it(framed: Lab, stages: list[dict[str, Any]]) -> None:
    assert parse_retriever(body(*stages)).pushed == ()
    found = framed.search(body(*stages), "river bank", limit=4)
    plain = framed.search(body(), "river bank", limit=6)
    assert {h.document_id for h in found.hits} <= {h.document_id for h in plain.hits}
    grouped = {"group_by": {"field": "title"}}
    assert (
        parse_retriever({**body({"attribute_filter": {"conditions": CHOSEN}}), **grouped}).pushed
        == ()
    )


# ---------------------------------------------------------------- the trace


def test_every_stage_has_statistics(framed: Lab) -> None:
    from mixpeek.models import ExecuteRetrieverResponse

    found = framed.search(body({"rerank": {**RERANK, "top_k": 3}}), "river bank")
    answer = to_response(found, parse_retriever(body()), parse_request({"query": "river bank"}))
    stages = answer["stage_statistics"]["stages"]
    assert stages["rerank"]["efficiency"] == 0.5
    assert stages["rerank"]["metadata"] == {}
    read = ExecuteRetrieverResponse.from_dict(json.loads(json.dumps(answer)))
    assert read is not None
    assert read.stage_statistics.stages["rerank"].output_count == 3


CHAIN = (
    {"attribute_filter": {"field": "n", "operator": "lt", "value": 5}},
    {"score_normalize": {}},
    {"mmr": {"lambda": 0.5, "top_k": 4}},
    {"sort_attribute": {"field": "n", "direction": "asc"}},
    {"deduplicate": {"fields": ["title"]}},
    {"aggregate": {
        "aggregations": [{"function": "sum", "field": "n", "alias": "total"}],
        "include_documents": True,
    }},
    {"json_transform": {
        "template": '{"title": {{DOC.title|tojson}}, "words": {{DOC.content.split()|tojson}}}',
    }},
    {"unwind": {"field": "words", "include_array_index": "place"}},
    {"group_by": {"group_by_field": "title", "max_per_group": 1}},
    {"sample": {"count": 3, "seed": 1}},
    {"sort_relevance": {}},
    {"limit": {"limit": 2}},
)  # fmt: skip


def test_a_chain_of_stages(framed: Lab) -> None:
    found = framed.search(body(*CHAIN), "river bank money")
    counts = [(span.rows_in, span.rows_out) for span in found.stages]
    assert [span.name for span in found.stages] == [name for stage in CHAIN for name in stage]
    assert counts == [
        (5, 5), (5, 5), (5, 4), (4, 4), (4, 4), (4, 4), (4, 4), (4, 8), (8, 4), (4, 3), (3, 3),
        (3, 2),
    ]  # fmt: skip
    assert set(found.outputs) == {"aggregate", "group_by"}
    assert found.output["aggregations"]["total"] <= 10
    assert set(found.hits[0].fields) == {"title", "words", "place"}
    assert [effect.stage for effect in found.hits[0].effects] == [
        span.name for span in found.stages if span.name != "aggregate"
    ]
    spec = parse_retriever(body(*CHAIN))
    answer = json.loads(json.dumps(to_response(found, spec, parse_request({"query": "x"}))))
    assert answer["aggregations"] == found.output["aggregations"]
    assert len(answer["groups"]) == 4
    assert answer["facets"] == []
    metadata = answer["stage_statistics"]["stages"]["aggregate"]["metadata"]
    assert metadata == {"aggregations": answer["aggregations"]}
    for shown in (str(Results(found)), Results(found)._repr_html_(), repr(found)):
        assert "aggregations: {" in shown
        assert "groups: [{" in shown


def test_views_of_a_document_that_became_several(framed: Lab) -> None:
    stages = (
        {
            "json_transform": {
                "template": '{"data": {{DOC.data|tojson}}, "w": {{DOC.data.split()|tojson}}}'
            }
        },
        {"unwind": {"field": "w", "output_field": "data"}},
    )
    found = framed.search(body(*stages), "river bank money", limit=3)
    payload = json.loads(json.dumps(to_explain(found)))
    one = found.hits[0].document_id
    assert [hit["document_id"] for hit in payload["hits"]] == [one, f"{one}#2", f"{one}#3"]
    words = [payload["documents"][hit["document_id"]]["fields"]["data"] for hit in payload["hits"]]
    assert words == ["bank", "river", "money"]
    assert list(Results(found).to_pandas()["data"]) == words
    own = delivered_choice(payload)
    assert [hit["rank"] for hit in ranked_hits(payload, own, 10)] == [1, 2, 3]
    again = ranked_hits(payload, FusionChoice("max", own.k, own.weights), 10)
    assert len(again) == len({hit["document_id"] for hit in again}) == 6
    widget = Playground(lambda _: payload, "r", query="x")
    assert list(widget.results["data"]) == words


# ---------------------------------------------------------------- what a stage may call


def called(
    framed: Lab, monkeypatch: pytest.MonkeyPatch, probe: Callable[[StageContext], Any]
) -> Any:
    """What `probe` gives inside of a stage of a real search."""
    given: list[Any] = []

    def run(hits: Sequence[Hit], _: Any, context: StageContext) -> Outcome:
        given.append(probe(context))
        return Outcome(hits)

    monkeypatch.setitem(AVAILABLE, "limit", replace(AVAILABLE["limit"], run=run))
    framed.search(body({"limit": {}}), "river bank")
    return given[0]


def test_a_stage_searches_embeds_and_reads(framed: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    found = called(framed, monkeypatch, lambda c: c.reach.search(SEARCH, {"query": "fox"}))
    assert ranked(found) == ranked(
        framed.search({"name": "r", "collection": "docs", **SEARCH}, "fox")
    )

    uri = "mixpeek://hash_embedder@1.0.0/hash_embedding"
    [river, fox] = called(framed, monkeypatch, lambda c: c.reach.embed(uri, ["river boat", "fox"]))
    assert len(river) == len(fox) == 16

    known = {h.fields["data"]: h.document_id for h in framed.search(body(), "river", limit=6).hits}
    ids = [known["river boat"], "gone"]
    stored = called(framed, monkeypatch, lambda c: c.reach.vectors(None, ids))
    assert list(stored) == ids[:1]
    assert stored[ids[0]] == pytest.approx(river)

    wanted = parse_filter({"field": "document_id", "operator": "in", "value": [ids[0], "gone"]})
    [one] = called(framed, monkeypatch, lambda c: c.reach.documents("docs", wanted, 10))
    assert (one.document_id, one.fields["data"]) == (ids[0], "river boat")
    every = called(framed, monkeypatch, lambda c: c.reach.documents("docs", None, 4))
    assert [hit.fields["n"] for hit in every] == [0, 1, 2, 3]
    with pytest.raises(NotFoundError, match="nowhere"):
        called(framed, monkeypatch, lambda c: c.reach.documents("nowhere", None, 1))


def test_a_retriever_that_asks_itself_ends(framed: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"collection": "docs", **SEARCH, "stages": [{"limit": {}}]}
    with pytest.raises(RetrieverError, match="does a retriever ask itself"):
        called(framed, monkeypatch, lambda c: c.reach.search(own, {"query": "x"}))


def test_a_stage_calls_services_under_the_guard(
    framed: Lab, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    asked = HTTPRequest(f"{service}/echo", "POST", {"x-own": "1"}, b"body")
    with pytest.raises(AssetError, match=r"127\.0\.0\.1"):
        called(framed, monkeypatch, lambda c: c.reach.http(asked))
    monkeypatch.setenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS", "1")
    answer = called(framed, monkeypatch, lambda c: c.reach.http(asked))
    assert (answer.status, answer.body) == (418, b"POST 1 body")
    moved = called(framed, monkeypatch, lambda c: c.reach.http(HTTPRequest(f"{service}/moved", headers={"x-own": "1"})))  # fmt: skip # noqa: E501
    assert (moved.status, moved.body) == (418, b"GET 1 ")
    kept = called(
        framed, monkeypatch, lambda c: c.reach.http(HTTPRequest(f"{service}/moved", "POST"))
    )
    assert kept.status == 302
    away = HTTPRequest(f"{service}/away", headers={"x-own": "1"})
    assert call(away).body == b"GET None "
    with pytest.raises(AssetError, match="larger than 3 bytes"):
        call(HTTPRequest(f"{service}/echo", max_bytes=3))


@pytest.fixture
def service() -> Iterator[str]:
    """An HTTP service on loopback that answers with what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            said = f"{self.command} {self.headers.get('x-own')} ".encode() + self.rfile.read(size)
            there = {"/moved": "/echo", "/away": f"http://localhost:{port}/echo"}.get(self.path)
            self.send_response(302 if there else 418)
            if there:
                self.send_header("Location", there)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
        server.shutdown()


def test_the_definitions_over_http(tmp_path: Path) -> None:
    app = create_app(Backend(tmp_path, None), "token")  # type: ignore[arg-type]

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            headers = {"authorization": "Bearer token"}
            return await client.get("http://127.0.0.1/v1/retrievers/stages", headers=headers)

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(stage_definitions()))
