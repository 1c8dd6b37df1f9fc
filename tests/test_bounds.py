"""What a retriever, a filter or a query may be at most; and what hostile ones end with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from packages import HASH_EMBEDDER
from test_api import TOKEN, LocalServices

from mixpeek_lab.api import create_app
from mixpeek_lab.errors import FilterError, InvalidInputError, RetrieverError
from mixpeek_lab.filters import parse_filter, patterns
from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers import AVAILABLE, Reach, parse_request, parse_retriever
from mixpeek_lab.retrievers.stages import StageContext
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

SEARCH = {"feature": "hash_embedding"}
LONG = ".".join("a" * 40)
ROWS = [{"_id": f"r{i}", "text": "x" * 9000 + f" {i}", "n": i} for i in range(200)]


@contextmanager
def soon(seconds: float = 5.0) -> Iterator[None]:
    """Far above what it takes on a busy machine, far below what it took without bounds."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def short(*stages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "r", "collection": "c", "searches": [SEARCH], "stages": list(stages), **more}


LIMIT = {"limit": {"limit": 5}}
MANY = [f"f{i}" for i in range(65)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (short(*[LIMIT] * 65), r"stages: there are 65; 64 are the most"),
        (short(*[LIMIT] * 100_000), r"stages: there are 100,000"),
        (short(searches=[SEARCH] * 65), r"searches: .*at most 64 items"),
        ({"name": "r", "collection_ids": ["c"], "stages": [{"feature_search": SEARCH}] * 65},
         r"stages: there are 65"),
        (short(searches=[{**SEARCH, "top_k": 10_001}]), r"top_k: .*less than or equal to 10000"),
        (short(limit=10_001), "limit: .*less than or equal to 10000"),
        (short(facets=MANY), "facets: there are 65; 64 are the most"),
        (short(facets=[{"key": "a", "limit": 1001}]), r"facets\[0\].limit"),
        (short(facets=[LONG]), r"facets\[0\].key: a field's path has 500 characters and 32 dots"),
        (short(group_by=LONG), r"group_by.field: a field's path"),
        (short(collection=MANY * 2), "collection_identifiers: there are 130; 100 are the most"),
        (short({"sort_attribute": {"field": LONG}}), "field: a field's path"),
        (short({"unwind": {"field": "a", "output_field": LONG}}), "output_field: a field's path"),
        (short({"deduplicate": {"fields": MANY}}), "fields: .*at most 64 items"),
        (short({"deduplicate": {"fields": ["a" * 501]}}), "at most 500 characters"),
        (short({"aggregate": {"aggregations": [{"function": "count", "alias": "x"}],
                              "group_by": MANY}}), "group_by: .*at most 64 items"),
        (short({"mmr": {"diversity_fields": MANY}}), "at most 64 items"),
        (short({"rerank": {"inference_name": "x", "batch_size": 10**9}}), "batch_size"),
        (short({"sample": {"seed": 2**80}}), "seed: .*less than or equal"),
        (short({"api_call": {"url": "http://a", "response_path": "[" + "9" * 5000 + "]"}}),
         "response_path: .*at most 500"),
        (short({"limit": {"limit": float("nan")}}), "limit: "),
        (short({"mmr": {"lambda": float("inf")}}), "lambda: "),
        (short({"score_normalize": {"min_value": float("nan")}}), "min_value: .*finite"),
        (short({"limit": {"limit": "10"}}), "limit: .*valid integer"),
        (short({"limit": {"limit": True}}), "limit: .*valid integer"),
        (short({"limit": {"limit": 10**400}}), "limit: "),
        (short({"limit": [1]}), "expected an object"),
        (short({"limit" + "t" * 10**6: {}}), "stage_id is missing|no stage"),
        (short({"stage_id": ["x"] * 10**5, "parameters": {}}), "there is no stage"),
        (short(fusion="x" * 10**6), "there is no strategy"),
    ],
)  # fmt: skip
def test_a_retriever_is_bounded(body: dict[str, Any], told: str) -> None:
    with soon(), pytest.raises((RetrieverError, FilterError), match=told):
        parse_retriever(body)


def test_what_is_as_large_as_it_may_be_is_taken() -> None:
    spec = parse_retriever(short(*[LIMIT] * 64, searches=[SEARCH] * 64, facets=MANY[:64]))
    assert (len(spec.stages), len(spec.searches), len(spec.facets)) == (64, 64, 64)
    leaves = [{"field": "a", "value": i} for i in range(999)]
    assert parse_filter({"OR": leaves})
    assert parse_filter({"field": "a", "operator": "in", "value": list(range(10_000))})
    assert parse_filter({"field": ".".join("a" * 33), "value": 1})


def nested(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {"field": "a", "value": 1}
    for _ in range(levels):
        found = {"NOT": [found]}
    return found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (nested(33), "nest at most 32 levels"),
        (nested(500), "nest at most 32 levels"),
        ({"OR": [{"field": "a", "value": i} for i in range(1000)]}, "1,000 conditions and groups"),
        ({"OR": [{"a": i} for i in range(300_000)]}, "1,000 conditions and groups"),
        ({"AND": [{"AND": []}] * 300_000}, "1,000 conditions and groups"),
        ({f"f{i}": 1 for i in range(1001)}, "1,000 conditions and groups"),
        ({"field": "a", "operator": "in", "value": [1] * 10_001}, "10,000 values at most"),
        ({"field": "a", "operator": "regex", "value": "a" * 1001}, "1,000 characters at most"),
        ({"AND": [{"field": "a", "operator": "regex", "value": "a"}] * 17}, "16 regex conditions"),
        ({"field": "a", "operator": "regex", "value": "((a{100}){100}){100}"}, "RE2's syntax"),
        ({"field": LONG, "value": 1}, "field: a field's path"),
        ({"field": "a", "operator": "x" * 10**6, "value": 1}, "there is no operator"),
        ({"field": "a", "operatr" + "r" * 10**6: "eq"}, "unknown key"),
    ],
)  # fmt: skip
def test_a_filter_is_bounded(given: dict[str, Any], told: str) -> None:
    with soon(), pytest.raises(FilterError, match=told):
        parse_filter(given)


BOMB = "[^a]*x[^b]{900}q"


def test_a_pattern_goes_through_all_texts_at_once_and_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documents = [{"t": f"{'x' * 200}{i}", "l": ["no", f"y{i}"]} for i in range(2000)]
    many = "|".join(f"x{i}$" for i in range(100))
    with soon():
        found = parse_filter({"field": "t", "operator": "regex", "value": many})
        assert found
        kept = [i for i, holds in enumerate(found.each(documents)) if holds]
    assert kept == list(range(100))
    listed = parse_filter({"field": "l", "operator": "regex", "value": "^Y1$"})
    assert listed
    assert [i for i, holds in enumerate(listed.each(documents)) if holds] == [1]
    slow = parse_filter({"field": "t", "operator": "regex", "value": BOMB})
    assert slow
    monkeypatch.setattr(patterns, "MOST_SECONDS", 0.01)
    large = [{"t": "x" * 20_000 + str(i)} for i in range(500)]
    with soon(20), pytest.raises(FilterError, match=r"takes too long: .* of 500 texts in 0.01 s"):
        slow.each(large)


# ---------------------------------------------------------------- over HTTP


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    home = tmp_path_factory.mktemp("bounds") / "home"
    lab = Lab(home)
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    app = create_app(Backend(home, LocalServices(home)), TOKEN)
    return TestClient(app, "http://127.0.0.1", headers={"authorization": f"Bearer {TOKEN}"})


def execute(http: TestClient, **body: Any) -> tuple[int, dict[str, Any]]:
    given = {"collection": "docs", "searches": [{**SEARCH, "top_k": 200}], "limit": 200, **body}
    answer = http.post("/v1/retrievers/execute", json=given)
    return answer.status_code, answer.json()


def test_a_message_is_short_enough_to_read(http: TestClient) -> None:
    for body in ({"searches": [{**SEARCH, "weight": "x" * 10**6}]}, {"filters": {"x" * 10**6: [1]}},
                 {"collection": "x" * 10**6}, {"fusion": "x" * 10**6}):  # fmt: skip
        with soon():
            status, answer = execute(http, **{"query": "x", **body})
        assert 400 <= status < 500
        assert len(str(answer)) < 50_000


def test_names_that_are_given_twice_are_found_quickly(http: TestClient) -> None:
    many = ",".join(f'"a{i}":1' for i in range(100_000))
    body = "{" + many + ',"a99999":1}'
    with soon(10):
        answer = http.post("/v1/retrievers/execute", content=body)
    assert answer.status_code == 422
    assert "'a99999' is given twice" in answer.json()["error"]["message"]


@pytest.mark.parametrize("where", ["filters", "stages"])
def test_a_bomb_of_a_pattern_ends(http: TestClient, where: str) -> None:
    bomb = {"field": "data", "operator": "regex", "value": "[^a]*x[^b]{900}q" * 4}
    body = {"filters": bomb} if where == "filters" else {
        "stages": [{"limit": {"limit": 200}}, {"attribute_filter": bomb}]
    }  # fmt: skip
    with soon(20):
        status, answer = execute(http, query="x", **body)
    assert status == 422, answer
    assert "takes too long" in answer["error"]["message"]


@pytest.mark.parametrize("value", [5, 2.5, True, ["x"], {"a": 1}])
@pytest.mark.parametrize("name", ["query_text", "query", "text", "q"])
def test_a_query_that_is_no_text(http: TestClient, name: str, value: Any) -> None:
    status, answer = execute(http, inputs={name: value, "other": "river"})
    assert status == 422
    assert answer["error"]["message"].startswith(
        f"leg 'hash_embedding': the input {name!r} has to be a text, and is {value!r}."
    )


@pytest.mark.parametrize(
    ("pagination", "told"),
    [
        ({"cursor": "!!"}, "pagination.cursor: this is no cursor of a search; a search's pages go"),
        ({"method": "cursor", "cursor": "abc"}, "pagination.cursor: this is no cursor"),
        ({"cursor": {"a": 1}}, "pagination.cursor: this is no cursor"),
        ({"method": "cursor"}, "pagination.method: 'cursor' is not available; .* `page` or"),
        ({"method": ["x"]}, "pagination.method: .* is not available"),
        ({"page": 0}, "page: pages count from 1, got 0"),
        ({"page": "2"}, "page: pages count from 1"),
        ({"page": 10**12}, "begins beyond 1,000,000 hits"),
        ({"offset": 10**12}, "offset: .*less than or equal to 1000000"),
        ({"limit": 7}, "pagination.limit: differs from limit"),
        ({"lmit": 7}, "lmit: unknown key"),
        ([], "pagination: expected an object"),
    ],
)
def test_a_page_that_cannot_be(http: TestClient, pagination: Any, told: str) -> None:
    import re

    status, answer = execute(http, query="x", pagination=pagination)
    assert status == 422
    assert re.search(told, answer["error"]["message"]), answer


def test_a_page_beyond_the_end_leads_back_to_the_last(http: TestClient) -> None:
    definition = {"name": "pages", "collection": "docs", "searches": [{**SEARCH, "top_k": 25}]}
    assert http.post("/v1/retrievers", json=definition).status_code == 200
    found = http.post("/v1/retrievers/pages/execute", json={
        "query": "x", "pagination": {"method": "offset", "page_size": 10, "page_number": 50}
    }).json()  # fmt: skip
    assert found["documents"] == []
    shown = found["pagination"]
    assert (shown["page"], shown["total"], shown["total_pages"]) == (50, 25, 3)
    assert (shown["previous_page"], shown["next_page"], shown["has_next"]) == (3, None, False)
    assert "The page begins at hit 491, and there are 25: the last page is 3." in found["warnings"]
    nothing = http.post("/v1/retrievers/pages/execute", json={
        "query": "x", "filters": {"n": -1}, "page": 9
    }).json()  # fmt: skip
    assert nothing["pagination"]["previous_page"] is None
    listed = http.get("/v1/retrievers?page=50&page_size=10").json()["pagination"]
    assert (listed["previous_page"], listed["total_pages"]) == ("1", 1)


# ---------------------------------------------------------------- calls of one stage

MANY_HITS = [Hit(f"d{i}", "c", i, 1.0, {"data": f"t{i}", "n": i}, {}) for i in range(1001)]


@pytest.mark.parametrize(
    ("stage_id", "given"),
    [
        ("llm_enrich", {"prompt": "p"}), ("llm_filter", {"prompt": "p"}),
        ("summarize", {"mode": "per_document"}), ("api_call", {"url": "http://a.example/{DOC.n}"}),
        ("sql_lookup", {"query": "SELECT :n", "parameters": {"n": "{{DOC.n}}"}}),
        ("document_enrich", {"retriever_id": "r", "retriever_inputs": {"query": "{{DOC.data}}"}}),
        ("taxonomy_enrich", {"taxonomy_id": "t"}),
    ],
)  # fmt: skip
def test_a_stage_makes_no_calls_without_end(stage_id: str, given: dict[str, Any]) -> None:
    [spec] = parse_retriever(short({stage_id: given})).stages
    context = StageContext("mine", {}, "q", lambda *_: [], {}, Reach())
    with pytest.raises(RetrieverError, match=r"1,001 \w+ for one search; 1,000 are the most"):
        AVAILABLE[stage_id].run(MANY_HITS, spec.parameters, context)


@pytest.mark.parametrize("query", ["SELECT $" + "9" * 5000, "SELECT $0", "SELECT $2", "SELECT ?"])
def test_a_place_without_a_value(query: str) -> None:
    [spec] = parse_retriever(short({"sql_lookup": {"query": query}})).stages
    context = StageContext("mine", {}, "q", lambda *_: [], {}, Reach(sql=lambda *_: [[]]))
    with pytest.raises(InvalidInputError):
        AVAILABLE["sql_lookup"].run([MANY_HITS[0]], spec.parameters, context)


@pytest.mark.parametrize(
    "body",
    [{"query": "x" * 500_001}, {"inputs": {"query": ""}}, {"inputs": {"query": None}}, {},
     {"limit": 10**30, "query": "x"}, {"limit": 1e400, "query": "x"}, {"k": float("nan")},
     {"weights": {"a": float("inf")}, "query": "x"}, {"seed": -1, "query": "x"}],
)  # fmt: skip
def test_a_query_s_numbers_and_texts(http: TestClient, tmp_path: Path, body: Any) -> None:
    from mixpeek_lab.retrievers import embed_requests

    with pytest.raises(InvalidInputError):
        embed_requests(parse_retriever(short()), parse_request(body))
