"""Other engines' fusions: golden values from their published formulas, ties, single hits."""

from __future__ import annotations

import math

import pytest

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.fusion import DIALECTS, default_k, fuse
from mixpeek_lab.models import Leg
from mixpeek_lab.retrievers import parse_request, parse_retriever

DENSE = Leg("dense", "dense", 1.0, ("a", "b", "c"), (0.9, 0.8, 0.1))
BM25 = Leg("bm25", "lexical", 0.5, ("c", "a"), (12.0, 7.0))
BODY = {"name": "r", "collection": "docs", "searches": [{"feature": "v"}, {"lexical": True}]}


def scores(strategy, legs=(DENSE, BM25), **options):
    return {entry.document_id: entry.score for entry in fuse(legs, strategy, **options)}


def test_llamaindex_counts_ranks_from_zero():
    assert scores("rrf_llamaindex") == {
        "a": 1 / 60 + 0.5 * (1 / 61),
        "b": 1 / 61,
        "c": 1 / 62 + 0.5 * (1 / 60),
    }


def test_qdrant_divides_the_position_by_the_weight():
    # 1 / (k + (r + 1) / w − 1), k = 2: with weight 1 that is 1 / (2 + r).
    assert scores("rrf_qdrant") == {
        "a": 1 / 2 + 1 / (2 + 2 / 0.5 - 1),
        "b": 1 / 3,
        "c": 1 / 4 + 1 / (2 + 1 / 0.5 - 1),
    }
    assert scores("rrf_qdrant", [DENSE]) == {"a": 1 / 2, "b": 1 / 3, "c": 1 / 4}
    assert scores("rrf_qdrant", [DENSE], k=10)["b"] == 1 / 11


def test_qdrants_dbsf_scales_by_three_sigma_of_the_sample():
    mean = 1.8 / 3
    sigma = math.sqrt(sum((s - mean) ** 2 for s in DENSE.scores) / 2)
    low, high = mean - 3 * sigma, mean + 3 * sigma
    found = scores("dbsf_qdrant", [DENSE])
    for document, score in zip(DENSE.document_ids, DENSE.scores, strict=True):
        assert found[document] == pytest.approx((score - low) / (high - low), abs=1e-12)
    # Two scores stand one half of √2 deviations from their mean, whatever they are.
    two = scores("dbsf_qdrant", [BM25], weights=[1])
    assert two["c"] == pytest.approx(0.5 + 1 / (6 * math.sqrt(2)), abs=1e-12)
    assert scores("dbsf_qdrant", [DENSE, BM25])["b"] == found["b"]


def test_qdrants_dbsf_of_one_hit_and_of_equal_scores_is_a_half():
    one = Leg("one", "dense", 1.0, ("a",), (3.0,))
    same = Leg("same", "dense", 1.0, ("a", "b"), (0.1, 0.1))
    assert scores("dbsf_qdrant", [one]) == {"a": 0.5}
    assert scores("dbsf_qdrant", [one, same]) == {"a": 1.0, "b": 0.5}


def test_chroma_negates_and_the_smallest_is_the_best():
    fused = fuse([DENSE, BM25], "rrf_chroma")
    assert [entry.document_id for entry in fused] == ["a", "c", "b"]
    assert [e.document_id for e in fused] == [
        e.document_id for e in fuse([DENSE, BM25], "rrf_llamaindex")
    ]
    llamaindex = scores("rrf_llamaindex")
    assert {e.document_id: e.score for e in fused} == {d: -s for d, s in llamaindex.items()}
    assert fused[0].contributions[1].contribution == -0.5 / 61
    assert [e.document_id for e in fused[1:]] == ["c", "b"]
    assert fused[1:][0].score == -llamaindex["c"]


@pytest.mark.parametrize("strategy", DIALECTS)
def test_ties_go_by_id_and_weight_zero_switches_a_leg_off(strategy):
    tie = [
        Leg("x", "dense", 1.0, ("b", "a"), (1.0, 0.5)),
        Leg("y", "dense", 1.0, ("a", "b"), (1.0, 0.5)),
    ]
    assert [e.document_id for e in fuse(tie, strategy)] == ["a", "b"]
    assert set(scores(strategy, weights={"bm25": 0})) == {"a", "b", "c"}
    assert scores(strategy, weights={"bm25": 0}) == scores(strategy, [DENSE])
    assert scores(strategy, weights=[0, 0]) == {}


@pytest.mark.parametrize(
    ("strategy", "k", "message"),
    [
        ("rrf_llamaindex", 0, "above 0"),
        ("rrf_chroma", -0.5, "above 0"),
        ("rrf_qdrant", 0.5, "1 or more.*2 is usual"),
    ],
)
def test_a_k_that_would_divide_by_zero_is_refused(strategy, k, message):
    with pytest.raises(RetrieverError, match=message):
        fuse([DENSE], strategy, k=k)


def test_a_retriever_takes_a_dialect_with_its_own_k():
    spec = parse_retriever({**BODY, "fusion": "rrf_qdrant"})
    assert (spec.fusion.strategy, spec.fusion.k) == ("rrf_qdrant", default_k("rrf_qdrant"))
    assert spec.fusion.as_json() == "rrf_qdrant"
    assert parse_retriever(spec.as_dict()) == spec
    odd = parse_retriever({**BODY, "fusion": {"strategy": "rrf_qdrant", "k": 60}})
    assert odd.fusion.as_json() == {"strategy": "rrf_qdrant", "k": 60.0}


def test_a_query_that_changes_the_dialect_changes_its_k():
    def k_of(own, **request):
        spec = parse_retriever({**BODY, "fusion": own})
        return parse_request({"query": "x", **request}).overrides.applied_to(spec).fusion.k

    assert k_of("rrf", fusion="rrf_qdrant") == 2
    assert k_of({"strategy": "rrf", "k": 10}, fusion="rrf_llamaindex") == 10
    assert k_of("rrf", fusion={"strategy": "rrf_qdrant", "k": 9}) == 9
    assert k_of("rrf_qdrant", k=3) == 3


def test_later_stages_do_not_run_on_scores_whose_smallest_is_the_best():
    staged = {**BODY, "stages": [{"rerank": {"inference_name": "x"}}]}
    with pytest.raises(RetrieverError, match="rrf_llamaindex is the same without the sign"):
        parse_retriever({**staged, "fusion": "rrf_chroma"})
    request = parse_request({"query": "x", "fusion": "rrf_chroma"})
    with pytest.raises(RetrieverError, match="smallest is the best"):
        request.overrides.applied_to(parse_retriever(staged))
