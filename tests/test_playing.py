"""What the playground asks of the lab: fields, counts, documents like one, depth, lineage."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from packages import HASH_EMBEDDER

import mixpeek_lab
from mixpeek_lab.errors import FilterError, NotFoundError, RetrieverError
from mixpeek_lab.magics.retrievers import search_again
from mixpeek_lab.widgets.playground import Support
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

YEARS = range(2000, 2030)
ROWS = [
    {"_id": f"row-{n}", "text": f"{'river boat' if n % 3 else 'money bank'} number {n}",
     "year": year, "form": "10-K" if n % 2 else "8-K", "open": n < 10, "tags": ["a", f"t{n % 4}"]}
    for n, year in enumerate(YEARS)
]  # fmt: skip
BODY = {
    "collection": "docs",
    "searches": [{"feature": "hash_embedding", "top_k": 5}, {"lexical": True, "name": "words"}],
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("playing") / "home")
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    lab.retriever("find", BODY)
    lab.retriever("late", {**BODY, "filters": {"field": "year", "operator": "gte", "value": 2020}})
    lab.retriever("words", {"collection": "docs", "searches": [{"lexical": True, "top_k": 3}]})
    return lab


def ids(lab, collection="docs", /, **fields):
    ((name, value),) = fields.items()
    found = lab.sql(f'SELECT document_id, "{name}" FROM {collection}').table.to_pylist()
    return [row["document_id"] for row in found if row[name] == value]


def test_fields_say_what_filters_can_ask_for(filled):
    told = {each["name"]: each for each in filled.playing.fields("find")}
    assert (told["year"]["type"], told["year"]["least"], told["year"]["most"]) == (
        "number", 2000, 2029,
    )  # fmt: skip
    assert told["form"]["values"] == [["10-K", 15], ["8-K", 15]]
    assert told["open"]["values"] == [[False, 20], [True, 10]]
    assert dict(map(tuple, told["tags"]["values"]))["a"] == 30
    assert told["data"]["values"] == []
    assert "hash_embedding" not in told


def test_a_count_is_what_the_filters_leave(filled):
    playing = filled.playing
    recent = {"field": "year", "operator": "gte", "value": 2015}
    assert playing.count("find", None) == (30, 30)
    assert playing.count("find", recent) == (15, 30)
    assert playing.count("late", {"form": "8-K"}) == (5, 30)
    with pytest.raises(FilterError, match="there is no operator"):
        playing.count("find", {"field": "year", "operator": "atleast", "value": 1})


def test_documents_like_one_are_those_of_its_own_vector_and_words(filled):
    (asked,) = ids(filled, _id="row-4")
    told = filled.playing.like("find", {"document_id": asked, "limit": 5, "filters": None})
    assert [leg["name"] for leg in told["legs"]] == ["hash_embedding", "words"]
    assert all(leg["document_ids"] for leg in told["legs"])
    assert all(asked not in leg["document_ids"] for leg in told["legs"])
    own = filled.search(
        {"name": "x", "collection": "docs", "searches": [{"feature": "hash_embedding", "query": {
            "input_mode": "document", "document_ref": {"document_id": asked},
            "exclude_self": True}, "top_k": 5}]},
        "",
    )  # fmt: skip
    assert told["legs"][0]["document_ids"] == list(own.legs[0].document_ids)
    only = filled.playing.like(
        "find", {"document_id": asked, "limit": 5, "filters": {"field": "form", "value": "8-K"}}
    )
    forms = {document["fields"]["form"] for document in only["documents"].values()}
    assert forms == {"8-K"}
    with pytest.raises(NotFoundError, match="document"):
        filled.playing.like("find", {"document_id": "nope", "limit": 5})


def test_the_depth_of_a_document_that_no_leg_keeps(filled):
    backend = Backend(filled.home, None)
    every = filled.search(
        {"name": "x", "collection": "docs", "searches": [{"lexical": True, "top_k": 100}]}, "river"
    ).legs[0]
    last, rank = every.document_ids[-1], len(every.document_ids)
    told = asyncio.run(backend.depths("words", {"query": "river"}, last))
    (place,) = told["legs"]
    assert rank > 3
    assert (place["rank"], place["of"]) == (rank, rank)
    assert place["score"] == pytest.approx(every.scores[-1])
    (bank,) = ids(filled, _id="row-0")
    told = asyncio.run(backend.depths("words", {"query": "river"}, bank))
    assert (told["legs"][0]["rank"], told["is_filtered"]) == (None, False)
    body = {"query": "river", "filters": {"field": "year", "value": 1999}}
    assert asyncio.run(backend.depths("words", body, last))["is_filtered"]
    with pytest.raises(NotFoundError, match="document"):
        asyncio.run(backend.depths("words", {"query": "river"}, "nope"))


def test_a_trace_goes_from_the_document_to_the_code(filled):
    (asked,) = ids(filled, _id="row-7")
    steps = filled.playing.trace("find", asked)
    kinds = [step["kind"] for step in steps]
    assert kinds == ["document", "blob", "object", "bucket", "code", "run"]
    told = {step["kind"]: step for step in steps}
    assert told["document"]["facts"] == {"collection": "docs"}
    assert told["object"]["facts"]["year"] == 2007
    assert told["bucket"] == {"kind": "bucket", "id": "b", "facts": {"objects": 30}}
    assert told["code"]["id"].startswith("hash_embedder@")
    assert "manifest.py" in [file["path"] for file in told["code"]["files"]]
    assert told["run"]["id"].startswith("run_")
    with pytest.raises(NotFoundError):
        filled.playing.trace("find", "nope")


def test_a_playground_works_without_an_endpoint(filled):
    from mixpeek_lab.widgets.playground import Playground

    pg = Playground(lambda request: filled.playing.search("find", request), "find", "river boat")
    own = filled.search("find", "river boat", limit=10)
    assert list(pg.results.document_id) == [hit.document_id for hit in own.hits]
    pg.filters = {"field": "form", "value": "8-K"}
    assert set(pg.results.form) == {"8-K"}


def test_the_code_gives_what_the_playground_shows(filled, monkeypatch):
    from mixpeek_lab.widgets.playground import Playground
    from mixpeek_lab.widgets.playground.source import python_code

    monkeypatch.setattr(mixpeek_lab, "current_lab", lambda: filled, raising=False)
    playing = filled.playing
    support = Support(like=lambda request: playing.like("find", request))
    pg = Playground(lambda request: playing.search("find", request), "find", support=support)
    pg.config = {
        "query": "river bank", "limit": 7, "filters": {"field": "year", "operator": "lte",
        "value": 2020},
    }  # fmt: skip
    for fusion in ({"strategy": "rrf", "k": 5}, {"strategy": "dbsf"}, {"strategy": "max"}):
        pg.config = {"fusion": fusion, "weights": {"words": 0.3}}
        names: dict[str, Any] = {}
        exec(python_code("find", pg.config), names)
        assert [h.document_id for h in names["result"].hits] == list(pg.results.document_id)
    pg.like = pg.results.document_id[0]
    exec(python_code("find", pg.config), names)
    assert list(names["result"]["documents"]) == list(pg._asking.payload["documents"])


def test_a_query_may_ask_for_more_candidates_of_a_leg(filled):
    own = filled.search("find", "river boat")
    deep = filled.search("find", "river boat", top_k={"hash_embedding": 12})
    assert [len(leg.document_ids) for leg in own.legs] == [5, 20]
    assert [(leg.top_k, len(leg.document_ids)) for leg in deep.legs] == [(12, 12), (100, 20)]
    assert deep.legs[0].document_ids[:5] == own.legs[0].document_ids
    with pytest.raises(RetrieverError, match="no leg 'word'; the legs are hash_embedding, words"):
        filled.search("find", "river boat", top_k={"word": 3})
    with pytest.raises(RetrieverError, match="top_k"):
        filled.search("find", "river boat", top_k={"words": 0})


def test_a_playground_asks_the_lab_for_more_candidates(filled, monkeypatch):
    from mixpeek_lab.widgets.playground import Playground
    from mixpeek_lab.widgets.playground.source import python_code

    monkeypatch.setattr(mixpeek_lab, "current_lab", lambda: filled, raising=False)
    playing = filled.playing
    support = Support(like=lambda request: playing.like("find", request))
    pg = Playground(
        lambda request: playing.search("find", request), "find", "river boat", limit=20,
        support=support,
    )  # fmt: skip
    assert pg.results.hash_embedding_rank.max() == 5
    pg.top_k = {"hash_embedding": 12}
    assert pg.results.hash_embedding_rank.max() == 12
    names: dict[str, Any] = {}
    for top_k in ({"hash_embedding": 12}, {"hash_embedding": 3, "words": 4}):
        pg.top_k = top_k
        exec(python_code("find", pg.config), names)
        assert [hit.document_id for hit in names["result"].hits] == list(pg.results.document_id)
    pg.config = {"top_k": {"hash_embedding": 9}, "like": {"document_id": pg.results.document_id[0]}}
    assert pg.results.hash_embedding_rank.max() == 9


def test_documents_that_are_not_shown_come_when_they_are_needed(filled):
    from mixpeek_lab.widgets.playground import Playground
    from mixpeek_lab.widgets.playground.asking import FIRST_DOCUMENTS

    playing, calls = filled.playing, []

    def documents(ids):
        calls.append(list(ids))
        return playing.documents("wide", ids)

    body = {"collection": "docs", "searches": [{"feature": "hash_embedding"}, {"lexical": True}]}
    filled.retriever("wide", body)
    search = partial(playing.search, "wide")
    whole = Playground(search, "wide", "river boat", limit=30)
    pg = Playground(search, "wide", "river boat", support=Support(documents=documents))
    assert len(pg.results) == 10
    assert calls == []
    payload = pg._asking.payload
    late = [key for key in payload["legs"][0]["document_ids"] if key not in payload["documents"]]
    assert 1 < len(late) <= 30 - FIRST_DOCUMENTS
    pg.limit = 30
    assert pg.results.equals(whole.results)
    assert sorted(calls[0]) == sorted(late)
    told = pg._handlers["documents"]({"document_ids": [*late, "nope", *payload["documents"]]})
    assert told["documents"] == {}  # they are there by now
    other = Playground(search, "wide", "river boat", support=Support(documents=documents))
    _ = other.results
    told = other._handlers["documents"]({"document_ids": [late[0], "nope"]})
    assert list(told["documents"]) == [late[0]]
    other._handlers["judge"]({"document_id": late[1], "grade": 2})
    assert other.qrels == {"q1": {late[1]: 2}}


def test_a_filter_is_a_span_of_its_own(filled):
    recent = {"field": "year", "operator": "gte", "value": 2015}
    spans = filled.search("find", "river boat", filters=recent).spans
    assert [span.name for span in spans] == [
        "embed", "filter", "search hash_embedding", "search words", "fuse", "fetch",
    ]  # fmt: skip
    (found,) = [span for span in spans if span.name == "filter"]
    assert (found.rows_in, found.rows_out) == (30, 15)
    assert "filter" not in [span.name for span in filled.search("find", "river boat").spans]
    body = {**BODY, "searches": [{**BODY["searches"][1], "filters": {"form": "8-K"}}]}
    spans = filled.search(body, "river").spans
    assert [(s.name, s.rows_out) for s in spans[:1]] == [("filter words", 15)]


@pytest.mark.ray
def test_the_endpoint_tells_the_depth(lab):
    lab.load(HASH_EMBEDDER)
    lab.bucket("deep", ROWS)
    lab.process("deep", "hash_embedder", "deep_docs", engine="kernel")
    lab.retriever("deep_find", {**BODY, "collection": "deep_docs"})
    # As after `%lab stop` and `%lab start`: what the retriever needs is deployed by the search.
    lab.start(wait=True)
    found = search_again(lab, "deep_find")({"query": "river boat", "top_k": {"words": 3}})
    assert [len(leg["document_ids"]) for leg in found["legs"]] == [5, 3]
    (asked,) = ids(lab, "deep_docs", _id="row-3")
    told = lab.playing.ranks("deep_find", {"query": "river boat", "document_id": asked})
    dense, words = told["legs"]
    assert dense["of"] == 30
    assert 1 <= dense["rank"] <= 30
    assert words["rank"] is None  # it is about a bank
    # Its replica embeds a query as this process does.
    vector = lab.playing.maps.vector("deep_find", "hash_embedding", {"query": "river boat"})
    own = lab.maps.open("deep_docs").ask("river boat")[0]
    assert vector == pytest.approx(own, abs=1e-6)
