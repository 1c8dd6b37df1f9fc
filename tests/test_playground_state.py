"""The playground's state from Python: config, cell, code."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from playground_parts import leg, payload_of

from mixpeek_lab.errors import FilterError, InvalidInputError, RetrieverError
from mixpeek_lab.retrievers import parse_retriever
from mixpeek_lab.widgets.playground import Playground, Support

LEGS = [leg("dense", "abc", [0.9, 0.8, 0.7]), leg("words", "cdb", [9.0, 5.0, 1.0])]
BODY = parse_retriever(
    {
        "collection": "docs_embedded",
        "searches": [
            {"feature_uri": "mixpeek://embedder@1.0.0/dense", "name": "dense", "top_k": 50},
            {"lexical": True, "name": "words", "weight": 0.5},
        ],
        "fusion": {"strategy": "rrf", "k": 20},
        "filters": {"field": "year", "operator": "gte", "value": 2020},
        "limit": 30,
        "stages": [{"sort_relevance": {}}],
    },
    "docs",
).as_dict()


class Search:
    def __init__(self):
        self.calls = []

    def __call__(self, request):
        self.calls.append(request)
        return payload_of(LEGS)


@pytest.fixture
def search():
    return Search()


@pytest.fixture
def pg(search):
    return Playground(search, "docs", "text", support=Support(body=BODY))


def test_config_can_be_set_to_what_it_gave(pg, search):
    _ = pg.results
    pg.weights, pg.k, pg.limit = {"words": 0.25}, 10, 3
    kept, order = pg.config, list(pg.results.document_id)
    other = Playground(search, "docs", "text", support=Support(body=BODY))
    other.config = json.loads(json.dumps(kept))
    assert list(other.results.document_id) == order
    assert other.config == kept


def test_a_part_of_config_moves_that_part_and_searches_only_for_what_was_asked(pg, search):
    _ = pg.results
    pg.config = {"fusion": {"strategy": "dbsf"}, "weights": {"words": 0}}
    assert (pg.strategy, pg.weights, len(search.calls)) == ("dbsf", {"dense": 1, "words": 0}, 1)
    pg.config = {"query": "other", "filters": {"field": "year", "value": 2021}}
    assert [call["query"] for call in search.calls] == ["text", "other"]
    assert search.calls[-1]["filters"] == {"field": "year", "value": 2021}


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        ({"fusoin": "rrf"}, InvalidInputError, "Did you mean 'fusion'"),
        ({"retriever": "other"}, InvalidInputError, "%playground other"),
        ({"legs": [{"weight": 1}]}, InvalidInputError, r"legs\[0\]"),
        ({"weights": {"dens": 1}}, InvalidInputError, "no leg 'dens'"),
        ({"fusion": "rfr"}, RetrieverError, "Did you mean 'rrf'"),
        ({"filters": {"field": "a", "operator": "eqq", "value": 1}}, FilterError, "eqq"),
        ([1], InvalidInputError, "a mapping"),
    ],
)
def test_a_config_that_does_not_fit_is_refused_and_changes_nothing(pg, config, error, words):
    _ = pg.results
    before = pg.config
    with pytest.raises(error, match=words):
        pg.config = config
    assert pg.config == before


def test_the_cell_defines_the_retriever_with_these_settings(pg):
    _ = pg.results
    pg.config = {
        "weights": {"dense": 1.5, "words": 0.1},
        "fusion": {"strategy": "rrf", "k": 7},
        "filters": {"field": "form", "value": "10-K"},
    }
    head, _, text = pg.cell.partition("\n")
    assert head == "%%retriever docs_tuned"
    spec, own = parse_retriever(yaml.safe_load(text), "docs"), parse_retriever(BODY)
    assert [each.weight for each in spec.searches] == [1.5, 0.1]
    assert (spec.fusion.k, spec.final_top_k, spec.stages) == (7, 30, own.stages)
    assert spec.filters.as_dict() == {
        "AND": [own.filters.as_dict(), {"field": "form", "operator": "eq", "value": "10-K"}]
    }
    same = replace(spec, fusion=own.fusion, filters=own.filters, searches=own.searches)
    assert same == own


def test_without_a_definition_there_is_no_cell_and_that_is_said(search):
    bare = Playground(search, "docs", "text")
    with pytest.raises(InvalidInputError, match="not the retriever's definition"):
        _ = bare.cell


def test_a_document_as_the_query(search):
    asked = []

    def like(request):
        asked.append(request)
        return payload_of(LEGS)

    pg = Playground(search, "docs", "text", support=Support(body=BODY, like=like))
    pg.like = "b"
    assert asked == [{"document_id": "b", "limit": 10, "filters": None}]
    assert pg.config["like"] == {"document_id": "b"}
    spec = parse_retriever(yaml.safe_load(pg.cell.partition("\n")[2]), "docs")
    assert spec.searches[0].query.document_id == "b"
    pg.query = "words again"
    assert (pg.like, search.calls[-1]["query"]) == (None, "words again")
