"""Retrievers: every way of writing one, requests, the search itself, and the answers."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpeek_lab.errors import FilterError, InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.fusion import STRATEGIES
from mixpeek_lab.models import Candidates
from mixpeek_lab.retrievers import (
    DocumentQuery,
    EmbedRequest,
    FetchedDocument,
    FusionSpec,
    GroupBy,
    RetrieverSpec,
    SearchContext,
    SearchLeg,
    TextQuery,
    VectorQuery,
    candidate_ids,
    embed_requests,
    parse_request,
    parse_retriever,
    search,
    to_explain,
    to_response,
)
from mixpeek_lab.retrievers.stages import OFF

URI = "mixpeek://sec_filing_embedder@1.0.0/filing_embedding"

SEED = {
    "retriever_name": "filing-search",
    "collection_ids": ["col_1"],
    "stages": [
        {
            "stage_type": "search",
            "stage_id": "semantic",
            "feature_search": {"feature_uri": URI, "limit": 20},
        }
    ],
    "fusion_strategy": {"type": "rrf"},
}
PARAMETERS = {
    "searches": [
        {"feature_uri": URI, "query": {"input_mode": "text", "value": "{{INPUT.query}}"}},
        {"feature_uri": URI, "query": "{{INPUT.query}}", "lexical": True, "weight": 0.5},
    ],
    "final_top_k": 10,
    "fusion": "dbsf",
}
PUBLIC = {
    "retriever_name": "hybrid",
    "collection_identifiers": ["filings"],
    "stages": [
        {
            "stage_name": "hybrid",
            "stage_type": "filter",
            "config": {"stage_id": "feature_search", "parameters": PARAMETERS},
        }
    ],
}


def short(**more):
    body = {"name": "r", "collection": "docs", "searches": [{"feature_uri": URI}]}
    return {**body, **more}


def one(**search):
    return short(searches=[{"feature_uri": URI, **search}])


# ---------------------------------------------------------------- shapes


def test_the_seed_s_retriever():
    assert parse_retriever(SEED) == RetrieverSpec(
        name="filing-search",
        collections=("col_1",),
        searches=(SearchLeg("semantic", URI, top_k=20),),
        final_top_k=20,
    )


def test_several_search_stages_are_several_legs():
    stages = [
        *SEED["stages"],
        {"stage_type": "search", "stage_id": "words", "feature_search": {"lexical": True}},
    ]
    fusion = {"type": "rrf", "k": 10, "weights": [0.7, 0.3]}
    spec = parse_retriever({**SEED, "stages": stages, "fusion_strategy": fusion})
    assert [(leg.name, leg.lexical, leg.weight) for leg in spec.searches] == [
        ("semantic", False, 0.7),
        ("words", True, 0.3),
    ]
    assert spec.fusion == FusionSpec("rrf", 10)


def test_public_flat_and_echoed_stages_are_the_same():
    spec = parse_retriever(PUBLIC)
    assert [leg.name for leg in spec.searches] == ["filing_embedding", "bm25"]
    assert spec.searches[0].query == TextQuery("{{INPUT.query}}")
    assert (spec.final_top_k, spec.fusion.strategy) == (10, "dbsf")
    flat = {"stage_type": "filter", "stage_id": "feature_search", "parameters": PARAMETERS}
    assert parse_retriever({**PUBLIC, "stages": [flat]}) == spec
    echoed = {**PUBLIC["stages"][0], "parameters": PARAMETERS, "batch_size": None}
    assert parse_retriever({**PUBLIC, "stages": [echoed], "tags": ["x"]}) == spec
    inside = {"stage_type": "search", "stage_id": "hybrid", "feature_search": PARAMETERS}
    assert parse_retriever({**PUBLIC, "stages": [inside]}) == spec


def test_filters_beside_the_parameters():
    condition = {"field": "form", "operator": "eq", "value": "10-K"}
    stage = {**PUBLIC["stages"][0]}
    stage["config"] = {**stage["config"], "pre_filters": {"AND": [condition]}}
    spec = parse_retriever({**PUBLIC, "stages": [stage]})
    assert spec.filters == parse_filter({"AND": [condition]})
    seed = {**SEED["stages"][0], "filters": condition}
    assert parse_retriever({**SEED, "stages": [seed]}).searches[0].filters.fields == {"form"}


def test_the_short_form():
    spec = parse_retriever(
        {
            "collection": "docs",
            "searches": [
                {"feature": "my_embedding", "weight": 2, "top_k": 50},
                {"lexical": True, "filters": {"kind": "class"}},
            ],
            "fusion": {"type": "weighted"},
            "filters": {"field": "year", "operator": "gte", "value": 2000},
            "group_by": "package",
            "limit": 7,
        },
        name="notebook",
    )
    assert spec.name == "notebook"
    assert spec.searches[0] == SearchLeg("my_embedding", feature="my_embedding", top_k=50, weight=2)
    assert spec.searches[1].filters == parse_filter({"kind": "class"})
    assert spec.filters.fields == {"year"}
    assert spec.group_by == GroupBy("package")
    assert (spec.final_top_k, spec.unresolved) == (7, ("my_embedding",))
    resolved = spec.with_features(lambda name: f"mixpeek://e@1.0.0/{name}")
    assert resolved.searches[0].feature_uri == "mixpeek://e@1.0.0/my_embedding"
    assert resolved.unresolved == ()


def test_names_are_unique_and_uris_normalised():
    dense = [{"feature_uri": URI.replace("1.0.0", "v1")}, {"feature": URI}]
    spec = parse_retriever(short(searches=[*dense, {"lexical": True}, {"lexical": True}]))
    assert [leg.name for leg in spec.searches] == [
        "filing_embedding", "filing_embedding_2", "bm25", "bm25_2",
    ]  # fmt: skip
    assert {leg.feature_uri for leg in spec.searches} == {URI, None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, TextQuery()),
        ("wings", TextQuery("wings")),
        ({"input_mode": "text", "value": "w"}, TextQuery("w")),
        ({"input_mode": "text", "text": "w"}, TextQuery("w")),
        ({"input_mode": "vector", "value": [1, 0.5]}, VectorQuery((1.0, 0.5))),
        ({"input_mode": "vector", "value": "{{INPUT.v}}"}, VectorQuery("{{INPUT.v}}")),
        ({"document_ref": {"collection_id": "c", "document_id": "d"}}, DocumentQuery("d", "c")),
        ({"input_mode": "document", "document_ref": {"document_id": "d"}}, DocumentQuery("d")),
    ],
)
def test_queries(query, expected):
    spec = parse_retriever(short(searches=[{"feature_uri": URI, "query": query}]))
    assert spec.searches[0].query == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("x", "retriever: expected an object"),
        ({"collection": "docs"}, "searches is missing"),
        (short(name=None), "retriever_name is missing"),
        (short(collection=[]), "at least one collection"),
        (short(collection_ids=["other"]), "'collections' is given twice"),
        (short(searches=[]), "searches"),
        (short(searchs=[]), "searchs: unknown key"),
        (
            {"name": "r", "collection": "c", "searchs": []},
            "searches is missing. You wrote 'searchs'",
        ),
        (short(fusoin="rrf"), "fusoin: unknown key. Did you mean 'fusion'"),
        (short(fusion="rff"), "fusion.*no strategy 'rff'. Did you mean 'rrf'"),
        (short(fusion={"type": "rrf", "k": -1}), "k is -1"),
        (short(fusion={"type": "rrf", "kk": 1}), r"kk: unknown key. Did you mean 'k'"),
        ({**SEED, "fusion_strategy": "rff"}, "^fusion_strategy: there is no strategy"),
        (short(fusion="rff"), "^fusion: there is no strategy"),
        (short(fusion=0), "^fusion: expected an object like .*got int"),
        (short(fusion={"kk": 1}), r"^fusion\.kk: "),
        (short(fusion={"weights": {"x": "a"}}), r"^fusion\.weights: expected a number for each"),
        (short(k=3), "^k: unknown key. It is part of the fusion: `fusion: {strategy: rrf, k: 60"),
        (short(limit=0), "^limit: .*greater than or equal to 1, got 0"),
        (short(final_top_k=20_000), "^final_top_k: .*less than or equal to 10000, got 20000"),
        (short(final_topk=3), "^final_topk: unknown key. Did you mean 'final_top_k'"),
        (one(limit=0), r"^searches\[0\]\.limit: .*got 0"),
        (
            short(searches=[{"feature": "x", "lexical": True}]),
            r"^searches\[0\]: a leg is either dense \(feature\) or lexical, not both.*two legs: "
            r"searches: \[{feature: x}, {lexical: true}\]\.$",
        ),
        (one(lexical=True), rf"^searches\[0\]: .*\[{{feature_uri: {URI}}}, {{lexical: true}}\]"),
        (
            {**SEED, "stages": [{"feature_search": {"feature": "x", "lexical": True}}]},
            r"^stages\[0\]\.feature_search: a leg is either dense \(feature\) or lexical",
        ),
        (short(fusion={"weights": [1, 2]}), "fusion.weights: 2 weights for 1 legs"),
        (short(fusion={"weights": {"x": 1}}), "no leg 'x'; the legs are filing_embedding"),
        (short(fusion={"weights": [-1]}), "weight -1"),
        (
            short(searches=[{"feature_uri": URI, "weight": 1}], fusion={"weights": [1]}),
            "give them once",
        ),
        (short(searches=[{}]), r"searches\[0\]: a search needs a feature_uri"),
        (short(searches=[{"feature_ur": URI}]), r"searches\[0\]\.feature_ur: .*'feature_uri'"),
        (
            short(searches=[{"feature_uri": "mixpeek://x"}]),
            r"searches\[0\]\.feature_uri: .*not understood",
        ),
        (one(feature="x"), "not both"),
        (one(top_k=0), r"searches\[0\]\.top_k: .*greater than or equal to 1"),
        (one(top_k="9"), r"searches\[0\]\.top_k: .*valid integer"),
        (one(weight=-2), r"searches\[0\]\.weight"),
        (one(limit=3, top_k=4), "'top_k' is given twice"),
        (
            short(searches=[{"name": "a", "lexical": True}] * 2),
            r"searches\[1\]\.name: there are two",
        ),
        (one(optional=True), r"searches\[0\]\.optional is not part"),
        (
            short(searches=[{"lexical": True, "query": {"input_mode": "vector", "value": [1]}}]),
            "takes a text",
        ),
        (one(query={"input_mode": "image"}), "'image' is not part"),
        (one(query={"input_mode": "vector", "value": ["a"]}), "finite numbers"),
        (one(query={"document_ref": {}}), r"query\.document_ref\.document_id"),
        (short(group_by={"feild": "x"}), "group_by.feild: unknown key. Did you mean 'field'"),
        ({**SEED, "stages": []}, "at least one stage"),
        (
            {**SEED, "stages": [{"stage_id": "web_scrape", "parameters": {}}]},
            r"stages\[0\]\.stage_id: stage web_scrape is off\. .*Available: feature_search, attr",
        ),
        (
            {**PUBLIC, "stages": [{"config": {"stage_id": "feature_serch"}}]},
            "no stage 'feature_serch'.*'feature_search'",
        ),
        ({**PUBLIC, "stages": [{"config": {"parameters": {}}}]}, r"config\.stage_id is missing"),
        ({**PUBLIC, "stages": PUBLIC["stages"] * 2}, "one feature_search runs"),
        (
            {**PUBLIC, "stages": [{"stagename": "x", **PUBLIC["stages"][0]}]},
            r"stages\[0\]\.stagename.*'stage_name'",
        ),
        (
            {**PUBLIC, "stages": [{"stage_id": "feature_search", "parameters": {"searchez": []}}]},
            r"stages\[0\]\.parameters\.searchez.*'searches'",
        ),
        ({**PUBLIC, "fusion_strategy": "max"}, "differs from fusion_strategy"),
        (
            {**SEED, "stages": [{"feature_search": {"feature_uri": URI, "limt": 3}}]},
            r"stages\[0\]\.feature_search\.limt",
        ),
    ],
)
def test_errors_name_the_path_and_the_remedy(body, message):
    with pytest.raises(RetrieverError, match=message):
        parse_retriever(body)


def test_filter_errors_name_the_path():
    body = short(
        searches=[{"feature_uri": URI, "filters": {"AND": [{"field": "a", "operator": "="}]}}]
    )
    with pytest.raises(FilterError, match=r"searches\[0\]\.filters\.AND\[0\]\.operator"):
        parse_retriever(body)


@pytest.mark.parametrize("stage", sorted(OFF))
def test_stages_that_are_off(stage):
    told = f"stage {stage} is off. {OFF[stage]}"
    with pytest.raises(RetrieverError, match=re.escape(told)):
        parse_retriever({**PUBLIC, "stages": [{"stage_id": stage, "parameters": {}}]})
    with pytest.raises(RetrieverError, match=re.escape(told)):
        parse_retriever({**PUBLIC, "stages": [*PUBLIC["stages"], {stage: {}}]})


# ---------------------------------------------------------------- round trip

NAMES = st.text("abcdefg_", min_size=1, max_size=6)
FILTERS = st.sampled_from(
    [None, {"a": 1}, {"NOT": [{"field": "b", "operator": "in", "value": ["x", 2]}]}]
).map(parse_filter)
QUERIES = st.one_of(
    st.builds(TextQuery, st.none() | st.sampled_from(["wings", "{{INPUT.query}}"])),
    st.builds(VectorQuery, st.lists(st.floats(-1, 1), min_size=1, max_size=3).map(tuple)),
    st.builds(DocumentQuery, NAMES, st.none() | NAMES),
)


@st.composite
def legs(draw, name):
    lexical = draw(st.booleans())
    by_uri = draw(st.booleans())
    return SearchLeg(
        name=name,
        feature_uri=URI if by_uri else None,
        feature=None if by_uri or lexical else draw(NAMES),
        lexical=lexical,
        query=draw(QUERIES.filter(lambda q: isinstance(q, TextQuery)) if lexical else QUERIES),
        top_k=draw(st.integers(1, 1000)),
        min_score=draw(st.none() | st.floats(-1, 1)),
        weight=draw(st.floats(0, 10)),
        filters=draw(FILTERS),
    )


@st.composite
def specs(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    return RetrieverSpec(
        name=draw(NAMES),
        collections=tuple(draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))),
        searches=tuple(draw(legs(name)) for name in names),
        fusion=FusionSpec(draw(st.sampled_from(STRATEGIES)), draw(st.sampled_from([60.0, 2.0, 0]))),
        final_top_k=draw(st.integers(1, 500)),
        filters=draw(FILTERS),
        group_by=draw(st.none() | st.builds(GroupBy, NAMES, st.integers(1, 9), st.integers(1, 9))),
        input_schema=draw(st.sampled_from([{}, {"query": {"type": "text"}}])),
        description=draw(st.sampled_from(["", "what it is for"])),
    )


@settings(max_examples=150, deadline=None)
@given(specs())
def test_a_retriever_survives_json(spec):
    assert parse_retriever(json.loads(json.dumps(spec.as_dict()))) == spec


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"query": {"query_text": "wings"}}, "wings"),
        ({"query": "wings"}, "wings"),
        ({"inputs": {"query": "wings", "other": "x"}}, "wings"),
        ({"input": {"anything": "wings", "n": 3}}, "wings"),
        ({"inputs": "wings"}, "wings"),
        ({"query": {"input_mode": "text", "value": "wings"}}, "wings"),
        ({"inputs": {"a": "x", "b": "y"}}, None),
        ({}, None),
    ],
)
def test_the_text_of_a_request(body, text):
    assert parse_request(body).text == text


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ({}, (None, 0)),
        ({"limit": 5, "offset": 3}, (5, 3)),
        ({"page": 3, "page_size": 20}, (20, 40)),
        ({"page": 2}, (10, 10)),
        ({"pagination": {"method": "offset", "page_size": 4, "page_number": 2}}, (4, 4)),
        ({"pagination": {"limit": 4, "offset": 2}}, (4, 2)),
        ({"limit": None, "stream": False, "skip_cache": True}, (None, 0)),
    ],
)
def test_pages(body, page):
    request = parse_request(body)
    assert (request.limit, request.offset) == page


def test_filters_come_from_the_body_and_from_the_inputs():
    request = parse_request({"inputs": {"query": "x", "filters": {"a": 1}}, "filters": {"b": 2}})
    assert request.filters.fields == {"a", "b"}


def test_overrides():
    request = parse_request(
        {
            "query": "x",
            "fusion": {"type": "rrf", "k": 5},
            "weights": {"bm25": 3},
            "candidates": True,
        }
    )
    spec = request.overrides.applied_to(parse_retriever(PUBLIC))
    assert spec.fusion == FusionSpec("rrf", 5)
    assert [leg.weight for leg in spec.searches] == [1.0, 3.0]
    assert request.candidates
    only_k = parse_request({"k": 7}).overrides.applied_to(parse_retriever(PUBLIC))
    assert only_k.fusion == FusionSpec("dbsf", 7)
    same = parse_retriever(PUBLIC)
    assert parse_request({"query": "x"}).overrides.applied_to(same) is same


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "request: expected an object"),
        ({"limit": 0}, "limit: .*greater than or equal to 1"),
        ({"offset": -1}, "offset"),
        ({"page": 0}, "pages count from 1"),
        ({"page": 2, "offset": 3}, "page or offset"),
        ({"lmit": 3}, "lmit: unknown key. Did you mean 'limit'"),
        ({"stream": True}, "stream is not part of this version"),
        ({"inputs": [1]}, "inputs: expected an object"),
        ({"fusion": "best"}, "no strategy 'best'"),
        ({"pagination": {"method": "scroll"}}, "'scroll' is not available.*`page` or `offset`"),
    ],
)
def test_request_errors(body, message):
    with pytest.raises(RetrieverError, match=message):
        parse_request(body)


# ---------------------------------------------------------------- search

DENSE = [("a", 0.9), ("b", 0.8), ("c", 0.4)]
LEXICAL = [("c", 12.0), ("a", 7.0), ("d", 2.0)]
STORE = {
    name: FetchedDocument(
        f"col_{name}",
        {"title": f"Title {name}", "package": "numpy" if name in "ab" else None, "when": WHEN},
        {"root_object_id": f"obj_{name}", "run_id": "run_1"},
    )
    for name in "abcd"
    for WHEN in [datetime(2024, 1, 1, tzinfo=UTC)]
}
HYBRID = parse_retriever(short(searches=[{"feature_uri": URI, "name": "dense"}, {"lexical": True}]))


def candidates(pairs):
    """(document id, score) pairs as a search gives them."""
    return Candidates([pair[0] for pair in pairs], [pair[1] for pair in pairs])


class Store:
    """Plain functions over DENSE, LEXICAL and STORE, which note what they were asked."""

    def __init__(self, dense=DENSE, lexical=LEXICAL):
        self.calls, self.fetched = [], []
        self._dense, self._lexical = candidates(dense), candidates(lexical)

    def dense(self, leg, vector, top_k, row_filter):
        self.calls.append((leg.name, vector, top_k, row_filter))
        return self._dense

    def lexical(self, leg, text, top_k, row_filter):
        self.calls.append((leg.name, text, top_k, row_filter))
        return self._lexical

    def fetch(self, document_ids):
        self.fetched.append(list(document_ids))
        return {name: STORE[name] for name in document_ids if name in STORE}

    def run(self, spec, body, vectors=None, **more):
        context = SearchContext(self.dense, self.lexical, self.fetch, **more)
        return search(
            spec, parse_request(body), {"dense": [1.0]} if vectors is None else vectors, context
        )


def test_a_hybrid_search_explains_itself():
    store = Store()
    result = store.run(HYBRID, {"query": "wings", "limit": 2}, metric_of=lambda leg: "cosine")
    assert store.calls == [("dense", [1.0], 100, None), ("bm25", "wings", 100, None)]
    assert [(hit.document_id, hit.rank) for hit in result.hits] == [("a", 1), ("c", 2)]
    top = result.hits[0]
    assert top.score == 1 / 61 + 1 / 62
    assert [(c.leg, c.rank, c.score) for c in top.contributions] == [
        ("dense", 1, 0.9),
        ("bm25", 2, 7),
    ]
    assert (top.collection_id, top.fields["title"]) == ("col_a", "Title a")
    assert top.lineage["root_object_id"] == "obj_a"
    assert [leg.metric for leg in result.legs] == ["cosine", "bm25"]
    assert result.total == 4
    assert store.fetched == [["a", "c"]]
    assert [s.name for s in result.spans] == ["search dense", "search bm25", "fuse", "fetch"]
    assert [(s.rows_in, s.rows_out) for s in result.spans] == [(0, 3), (0, 3), (6, 4), (2, 2)]
    assert result.execution_id.startswith("exec_")
    assert result.warnings == ()


def test_pages_continue_each_other():
    pages = [Store().run(HYBRID, {"query": "w", "limit": 2, "offset": o}).hits for o in (0, 2, 4)]
    assert [hit.document_id for page in pages for hit in page] == ["a", "c", "b", "d"]
    assert [hit.rank for page in pages for hit in page] == [1, 2, 3, 4]


def test_final_top_k_is_the_limit_where_the_request_has_none():
    spec = parse_retriever(short(limit=1))
    assert len(Store().run(spec, {"query": "x"}, {"filing_embedding": [1]}).hits) == 1
    assert len(Store().run(spec, {"query": "x", "limit": 3}, {"filing_embedding": [1]}).hits) == 3


def test_filters_of_retriever_leg_and_request_are_joined_and_rendered():
    spec = parse_retriever(
        short(
            searches=[{"feature_uri": URI, "name": "dense", "filters": {"kind": "{{INPUT.kind}}"}}],
            filters={"year": 2024},
        )
    )
    store = Store()
    store.run(spec, {"inputs": {"query": "x", "kind": "class"}, "filters": {"package": "numpy"}})
    row_filter = store.calls[0][3]
    assert row_filter.matches({"kind": "class", "year": 2024, "package": "numpy"})
    for missing in ("kind", "year", "package"):
        row = {"kind": "class", "year": 2024, "package": "numpy", missing: "other"}
        assert not row_filter.matches(row)
    with pytest.raises(InvalidInputError, match=r"dense\.filters\.value.*'kind', which is missing"):
        store.run(spec, {"query": "x"})


def test_min_score_and_duplicates():
    spec = parse_retriever(
        short(searches=[{"feature_uri": URI, "name": "dense", "min_score": 0.5}])
    )
    result = Store(dense=[("a", 0.9), ("a", 0.8), ("b", 0.5), ("c", 0.4)]).run(spec, {"query": "x"})
    assert result.legs[0].document_ids == ("a", "b")
    assert [hit.contributions[0].rank for hit in result.hits] == [1, 2]


def grouped(body, **group_by):
    store = Store()
    searches = [{"feature_uri": URI, "name": "dense"}, {"lexical": True}]
    spec = parse_retriever(short(searches=searches, group_by=group_by))
    return store, store.run(spec, body)


def test_group_by_keeps_the_order_of_the_best_hit():
    store, result = grouped({"query": "x"}, field="package", max_per_group=1)
    assert [hit.document_id for hit in result.hits] == ["a"]
    assert result.total == 1
    assert "2 documents without 'package'" in result.warnings[0]
    # Grouping needs every candidate's field; nothing is fetched twice.
    assert store.fetched == [["a", "c", "b", "d"]]
    _, two = grouped({"query": "x"}, field="root_object_id", limit=2)
    assert [hit.document_id for hit in two.hits] == ["a", "c"]
    _, both = grouped({"query": "x", "limit": 5}, field="package", group_size=2)
    assert [hit.document_id for hit in both.hits] == ["a", "b"]


def test_what_must_be_embedded_is_embedded_once():
    other = URI.replace("filing_embedding", "title_embedding")
    spec = parse_retriever(
        short(
            searches=[
                {"feature_uri": URI, "name": "one"},
                {"feature_uri": URI, "name": "two", "filters": {"a": 1}},
                {"feature_uri": URI, "name": "three", "query": "fixed {{INPUT.query}}"},
                {"feature_uri": other, "name": "four"},
                {"feature_uri": URI, "name": "off", "weight": 0},
                {
                    "feature_uri": URI,
                    "name": "ready",
                    "query": {"input_mode": "vector", "value": [2]},
                },
                {"lexical": True},
            ]
        )
    )
    request = parse_request({"query": "x"})
    found = embed_requests(spec, request)
    inputs = {"text": "x", "vector_index": "filing_embedding"}
    assert found == (
        EmbedRequest(("one", "two"), URI, inputs),
        EmbedRequest(("three",), URI, {**inputs, "text": "fixed x"}),
        EmbedRequest(("four",), other, {"text": "x", "vector_index": "title_embedding"}),
    )
    store = Store()
    store.run(spec, {"query": "x"}, {embed.leg_name: embed.inputs["text"] for embed in found})
    assert {name: asked for name, asked, *_ in store.calls} == {
        "one": "x", "two": "x", "three": "fixed x", "four": "x", "ready": (2.0,), "bm25": "x",
    }  # fmt: skip
    with_off = embed_requests(spec, parse_request({"query": "x", "candidates": True}))
    assert with_off[0].legs == ("one", "two", "off")


def test_a_leg_of_weight_zero_is_searched_only_for_its_candidates():
    store = Store()
    result = store.run(HYBRID, {"query": "x", "weights": [1, 0]})
    assert [name for name, *_ in store.calls] == ["dense"]
    assert "'bm25' has weight 0" in result.warnings[0]
    again = Store().run(HYBRID, {"query": "x", "weights": [1, 0], "candidates": True})
    assert again.legs[1].document_ids == ("c", "a", "d")
    assert [hit.document_id for hit in again.hits] == ["a", "b", "c"]
    assert again.fusion["weights"] == [1.0, 0.0]


def test_a_stored_document_as_query():
    query = {"document_ref": {"document_id": "{{INPUT.like}}"}}
    spec = parse_retriever(short(searches=[{"feature_uri": URI, "name": "more", "query": query}]))
    store = Store()
    store.run(
        spec, {"inputs": {"like": "doc_7"}}, {}, vector_of=lambda leg, doc: f"vector of {doc}"
    )
    assert store.calls[0][1] == "vector of doc_7"
    assert embed_requests(spec, parse_request({"inputs": {"like": "doc_7"}})) == ()


def test_warnings():
    filtered = Store(dense=DENSE[:1], lexical=[]).run(HYBRID, {"query": "x", "filters": {"a": 1}})
    assert "The filter left 1 documents for leg 'dense'; 25 were wanted" in filtered.warnings[0]
    assert "Leg 'bm25' found nothing" in filtered.warnings[1]
    gone = Store(dense=[("a", 1.0), ("gone", 0.5)]).run(HYBRID, {"query": "x"})
    assert any("'gone' is not stored any more" in warning for warning in gone.warnings)


def test_a_leg_that_found_nothing_says_what_may_be_why():
    def remark(**leg):
        spec = parse_retriever(short(searches=[{"feature_uri": URI, "name": "dense", **leg}]))
        return Store(dense=[]).run(spec, {"query": "x"}).warnings

    assert remark() == ("Leg 'dense' found nothing: its index is empty.",)
    assert remark(filters={"a": 1})[0].endswith("its index is empty, or the filter left none.")
    assert remark(min_score=0.1)[0].endswith("its index is empty, or min_score left none.")


def test_a_top_k_that_keeps_hits_away_is_told():
    def spec(**more):
        searches = [{"feature_uri": URI, "name": "dense", "top_k": 3}, {"lexical": True}]
        return parse_retriever(short(searches=searches, **more))

    assert len(DENSE) == 3
    found = Store().run(spec(final_top_k=50), {"query": "x"})
    assert found.warnings == (
        f"50 hits were wanted, but the searches gave {found.total} documents: "
        "'dense' stops at its top_k of 3. Raise top_k to 50 to look further.",
    )
    asked = Store().run(spec(), {"query": "x", "limit": 10, "offset": 2})
    assert asked.warnings[0].startswith("12 hits were wanted")
    assert Store().run(spec(final_top_k=2), {"query": "x"}).warnings == ()
    grouped = Store().run(spec(final_top_k=50, group_by="package"), {"query": "x"})
    assert not any("top_k" in warning for warning in grouped.warnings)
    off = Store().run(spec(), {"query": "x", "weights": [0, 1], "candidates": True})
    assert off.warnings == ()


def test_fields_of_filters_are_asked_for_once_and_only_where_there_is_a_filter():
    asked = []

    def field_warnings(fields):
        asked.append(set(fields))
        return ["no such field"]

    legs = [{"feature_uri": URI, "name": "dense", "filters": {"a": 1}}, {"lexical": True}]
    spec = parse_retriever(short(searches=legs))
    found = Store().run(spec, {"query": "x", "filters": {"b": 2}}, field_warnings=field_warnings)
    assert asked == [{"a", "b"}]
    assert found.warnings[0] == "no such field"
    assert Store().run(HYBRID, {"query": "x"}, field_warnings=field_warnings).warnings == ()
    unsearched = {"query": "x", "weights": [0, 1]}
    Store().run(spec, unsearched, field_warnings=field_warnings)
    assert asked == [{"a", "b"}]


def test_an_unknown_feature_is_a_warning_only_beside_another_leg():
    class Unknown(Store):
        def dense(self, leg, vector, top_k, row_filter):
            raise NotFoundError("feature", "embeding", ["embedding"])

    result = Unknown().run(HYBRID, {"query": "x"})
    assert "Leg 'dense' is left out" in result.warnings[0]
    assert [hit.document_id for hit in result.hits] == ["c", "a", "d"]
    with pytest.raises(NotFoundError, match="Did you mean 'embedding'"):
        Unknown().run(parse_retriever(short()), {"query": "x"}, {"filing_embedding": [1]})


@pytest.mark.parametrize(
    ("body", "vectors", "message"),
    [
        ({}, None, "leg 'bm25': the request has no text"),
        ({"query": " "}, None, "not empty"),
        ({"query": "x"}, {}, "leg 'dense': its query was not embedded"),
        ({"query": "x", "weights": [1]}, None, "1 weights for 2 legs"),
    ],
)
def test_search_errors(body, vectors, message):
    with pytest.raises(RetrieverError, match=message):
        Store().run(HYBRID, body, vectors)


def test_an_unresolved_feature_is_an_error():
    spec = parse_retriever(short(searches=[{"feature": "x"}]))
    with pytest.raises(RetrieverError, match="'x' has no URI yet"):
        embed_requests(spec, parse_request({"query": "q"}))


def test_learned_fusion_weighs_by_interactions():
    body = {"query": "x", "fusion": "learned"}
    plain = Store().run(HYBRID, body)
    assert plain.fusion["weights"] == [1.0, 1.0]
    arms = {"bm25": (500, 1), "dense": (1, 500)}
    taught = Store().run(HYBRID, body, arms=lambda: arms)
    dense, bm25 = taught.fusion["weights"]
    assert bm25 > 10 * dense
    assert [c.weight for c in taught.hits[0].contributions] == [dense, bm25]


# ---------------------------------------------------------------- answers


def test_the_execute_format():
    request = parse_request({"query": "x", "page": 2, "page_size": 1})
    result = Store().run(HYBRID, {"query": "x", "page": 2, "page_size": 1})
    answer = json.loads(json.dumps(to_response(result, HYBRID, request), allow_nan=False))
    assert answer["status"] == "completed"
    assert answer["documents"] == answer["results"]
    document = answer["documents"][0]
    assert document["document_id"] == "c"
    assert (document["title"], document["collection_id"]) == ("Title c", "col_c")
    assert document["when"] == "2024-01-01T00:00:00+00:00"
    lineage = document["_internal"]["lineage"]
    assert lineage["root_object_id"] == "obj_c"
    assert set(lineage) >= {"root_bucket_id", "source_object_id", "path", "chain"}
    parts = document["explain"]["contributions"]
    assert sum(part["contribution"] for part in parts) == document["score"]
    page = answer["pagination"]
    assert (page["total"], page["page"], page["total_pages"]) == (4, 2, 4)
    assert (page["next_page"], page["previous_page"], page["has_next"]) == (3, 1, True)
    stage = answer["stage_statistics"]["stages"]["feature_search"]
    assert (stage["input_count"], stage["output_count"]) == (6, 1)
    assert answer["stage_statistics"]["total_time_ms"] == stage["duration_ms"] > 0
    assert (answer["facets"], answer["warnings"]) == ([], [])


def test_the_playground_s_payload_can_be_fused_again():
    result = Store().run(HYBRID, {"query": "x", "limit": 1})
    assert candidate_ids(result) == ("a", "b", "c", "d")
    payload = json.loads(json.dumps(to_explain(result, STORE), allow_nan=False))
    assert set(payload) == {
        "execution_id", "retriever", "query", "fusion", "legs", "documents", "hits", "spans",
        "stages", "outputs", "total", "warnings",
    }  # fmt: skip
    assert set(payload["documents"]) == set("abcd")
    assert payload["documents"]["b"]["fields"]["title"] == "Title b"
    assert payload["fusion"] == {"strategy": "rrf", "k": 60.0, "weights": [1.0, 1.0]}
    scores: dict[str, float] = {}
    for leg, weight in zip(payload["legs"], payload["fusion"]["weights"], strict=True):
        for rank, name in enumerate(leg["document_ids"], start=1):
            scores[name] = scores.get(name, 0.0) + weight / (payload["fusion"]["k"] + rank)
    hit = payload["hits"][0]
    assert max(scores, key=scores.get) == hit["document_id"]
    assert scores[hit["document_id"]] == hit["score"]
    assert set(to_explain(result)["documents"]) == {"a"}


def test_fields_that_are_no_json_are_made_so():
    odd = FetchedDocument(
        "c", {"n": float("nan"), "l": (1, {"x"}), "o": {"d": datetime(2024, 1, 1)}}
    )
    context = SearchContext(
        lambda *_: candidates([("a", 1.0)]), lambda *_: candidates([]), lambda ids: {"a": odd}
    )
    spec = parse_retriever(short())
    request = parse_request({"query": "x"})
    result = search(spec, request, {"filing_embedding": [1]}, context)
    document = json.loads(json.dumps(to_response(result, spec, request)))["documents"][0]
    assert document["n"] is None
    assert document["l"] == [1, ["x"]]
    assert document["o"] == {"d": "2024-01-01T00:00:00"}


def test_the_overhead_of_a_search_is_small():
    names = [f"doc_{i:06d}" for i in range(150)]
    dense = Candidates(names[:100], [1 - i / 200 for i in range(100)])
    lexical = Candidates(names[:49:-1], [20 - i / 20 for i in range(100)])
    stored = {name: FetchedDocument("c", {"title": name}) for name in names}
    context = SearchContext(
        lambda *_: dense, lambda *_: lexical, lambda ids: {name: stored[name] for name in ids}
    )
    request = parse_request({"query": "x", "limit": 10})
    seconds = []
    for _ in range(50):
        started = time.perf_counter()
        result = search(HYBRID, request, {"dense": [1.0]}, context)
        seconds.append(time.perf_counter() - started)
    assert len(result.hits) == 10
    # About 0.15 ms on a laptop core; 0.4 ms is what it may cost.
    assert min(seconds) < 0.0004
