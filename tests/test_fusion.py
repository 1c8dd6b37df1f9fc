"""Fusion against exact arithmetic and against ranx: ties, missing documents, weights."""

from __future__ import annotations

import math
import random
import time
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.fusion import STRATEGIES, effective_weights, fuse, learned_weights
from mixpeek_lab.models import Leg


def leg(name, candidates, weight=1.0, kind="dense"):
    ids, scores = zip(*candidates, strict=True) if candidates else ((), ())
    return Leg(name, kind, weight, tuple(ids), tuple(float(s) for s in scores))


DENSE = leg("dense", [("a", 0.9), ("b", 0.8), ("c", 0.1)])
BM25 = leg("bm25", [("c", 12.0), ("a", 7.0), ("d", 2.0)], weight=0.5, kind="lexical")


def ids(fused):
    return [entry.document_id for entry in fused]


# ---------------------------------------------------------------- exact arithmetic


def oracle(legs, strategy, k):
    """The formulas of the module's docstring, in fractions (σ alone is a float)."""
    totals = {}
    for one in legs:
        if not one.weight:
            continue
        first = {}
        for document, score in zip(one.document_ids, one.scores, strict=True):
            first.setdefault(document, Fraction(score))
        scores = list(first.values())
        weight = Fraction(one.weight)
        for rank, (document, score) in enumerate(first.items(), start=1):
            if strategy in ("rrf", "learned"):
                part = weight / (Fraction(k) + rank)
            elif strategy == "dbsf":
                mean = sum(scores) / len(scores)
                variance = sum((s - mean) ** 2 for s in scores) / len(scores)
                sigma = Fraction(math.sqrt(variance))
                part = weight * (score - mean) / sigma if variance else Fraction(0)
            else:
                part = weight * score if strategy == "weighted" else score
            if strategy == "max":
                totals[document] = max(part, totals.get(document, part))
            else:
                totals[document] = totals.get(document, Fraction(0)) + part
    return totals


@st.composite
def rankings(draw):
    universe = [f"d{i}" for i in range(draw(st.integers(1, 12)))]
    legs = []
    for i in range(draw(st.integers(0, 4))):
        found = draw(st.lists(st.sampled_from(universe), max_size=12))
        # Few distinct scores, so that there are ties; far from the limits of floats.
        scores = sorted(
            draw(
                st.lists(
                    st.sampled_from([-3.5, 0.0, 0.25, 0.1, 1.0, 40.0]) | st.floats(-1e3, 1e3),
                    min_size=len(found),
                    max_size=len(found),
                )
            ),
            reverse=True,
        )
        weight = draw(st.sampled_from([0.0, 0.3, 1.0, 2.5]))
        legs.append(leg(f"leg{i}", list(zip(found, scores, strict=True)), weight))
    return legs


def is_close(found, expected):
    """To 1e-9, relative to what is large."""
    return abs(found - float(expected)) <= 1e-9 * max(1.0, abs(float(expected)))


def has_clear_spread(leg):
    """Whether the scores that count differ by nothing, or by more than rounding."""
    first = {}
    for document_id, score in zip(leg.document_ids, leg.scores, strict=True):
        first.setdefault(document_id, score)
    spread = max(first.values(), default=0.0) - min(first.values(), default=0.0)
    return spread == 0 or spread >= 1e-3


@settings(max_examples=300, deadline=None)
@given(
    rankings(),
    st.sampled_from(["rrf", "dbsf", "weighted", "max"]),
    st.sampled_from([0, 2, 60, 7.5]),
)
def test_equals_exact_arithmetic(legs, strategy, k):
    # A spread that is lost in rounding has no well-defined z-score in floats.
    if strategy == "dbsf":
        assume(all(has_clear_spread(each) for each in legs))
    fused = fuse(legs, strategy, k=k)
    expected = oracle(legs, strategy, k)
    assert set(ids(fused)) == set(expected)
    for entry in fused:
        assert is_close(entry.score, expected[entry.document_id])
        parts = entry.contributions
        assert [part.leg for part in parts] == [one.name for one in legs]
        assert sum(part.contribution for part in parts) == entry.score
    assert ids(fused) == [
        entry.document_id for entry in sorted(fused, key=lambda e: (-e.score, e.document_id))
    ]


def test_equals_ranx():
    import ranx

    draw = random.Random(7)
    universe = [f"d{i}" for i in range(60)]
    runs, by_query = [{}, {}, {}], {}
    for q in range(40):
        legs = []
        for i, run in enumerate(runs):
            found = draw.sample(universe, draw.randint(1, 40))
            scores = sorted((draw.random() * 10 for _ in found), reverse=True)
            run[f"q{q}"] = dict(zip(found, scores, strict=True))
            legs.append(leg(f"leg{i}", list(zip(found, scores, strict=True))))
        by_query[f"q{q}"] = legs
    theirs = [ranx.Run(run) for run in runs]
    weights = (0.2, 0.5, 0.3)
    from ranx.fusion.comb_max import comb_max
    from ranx.fusion.rrf import rrf
    from ranx.fusion.wsum import wsum

    cases = [
        (rrf([ranx.Run(run) for run in runs], k=60), {"strategy": "rrf"}),
        (rrf([ranx.Run(run) for run in runs], k=3), {"strategy": "rrf", "k": 3}),
        (wsum(theirs, weights), {"strategy": "weighted", "weights": weights}),
        (comb_max(theirs), {"strategy": "max"}),
    ]
    for their_run, options in cases:
        expected = their_run.to_dict()
        for query_id, legs in by_query.items():
            found = {e.document_id: e.score for e in fuse(legs, **options)}
            assert found.keys() == expected[query_id].keys()
            for document_id, score in found.items():
                assert score == pytest.approx(expected[query_id][document_id], abs=1e-9)


# ---------------------------------------------------------------- by hand


def test_rrf_counts_ranks_from_one():
    first = fuse([DENSE, BM25], "rrf")[0]
    assert first.document_id == "a"
    assert first.score == 1 / 61 + 0.5 / 62
    dense, bm25 = first.contributions
    assert (dense.rank, dense.score, dense.normalised) == (1, 0.9, 1 / 61)
    assert (bm25.rank, bm25.weight, bm25.contribution) == (2, 0.5, 0.5 / 62)


def test_what_a_leg_did_not_find_is_said():
    found = {e.document_id: e.contributions for e in fuse([DENSE, BM25], "rrf")}
    assert found["b"][1].rank is None
    assert found["b"][1].score is None
    assert found["b"][1].contribution == 0.0


def test_dbsf_of_equal_scores_and_of_one_hit_is_zero():
    legs = [leg("equal", [("a", 0.1), ("b", 0.1), ("c", 0.1)]), leg("one", [("c", 5.0)])]
    assert [(e.document_id, e.score) for e in fuse(legs, "dbsf")] == [("a", 0), ("b", 0), ("c", 0)]


def test_dbsf_uses_the_population_sigma():
    scores = {e.document_id: e.score for e in fuse([leg("x", [("a", 3), ("b", 1)])], "dbsf")}
    assert scores == {"a": 1.0, "b": -1.0}


def test_max_takes_one_leg_and_ignores_weights():
    fused = fuse([DENSE, BM25], "max")
    assert [(e.document_id, e.score) for e in fused] == [("c", 12), ("a", 7), ("d", 2), ("b", 0.8)]
    assert [part.contribution for part in fused[0].contributions] == [0.0, 12.0]
    tie = fuse([leg("x", [("a", 1.0)]), leg("y", [("a", 1.0)])], "max")[0]
    assert [part.contribution for part in tie.contributions] == [1.0, 0.0]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_weight_zero_switches_a_leg_off(strategy):
    fused = fuse([DENSE, BM25], strategy, weights={"bm25": 0})
    assert set(ids(fused)) == {"a", "b", "c"}
    off = fused[0].contributions[1]
    assert (off.weight, off.contribution) == (0.0, 0.0)
    assert fuse([DENSE, BM25], strategy, weights=[0, 0]) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_empty_legs(strategy):
    assert fuse([], strategy) == []
    assert fuse([leg("x", [])], strategy) == []
    assert len(fuse([leg("x", []), DENSE], strategy)) == 3


def test_a_document_named_twice_counts_where_it_stands_first():
    twice = leg("x", [("a", 3.0), ("b", 2.0), ("a", 1.0), ("c", 0.5)])
    ranks = {e.document_id: e.contributions[0].rank for e in fuse([twice], "rrf")}
    assert ranks == {"a": 1, "b": 2, "c": 3}
    assert {e.document_id: e.score for e in fuse([twice], "weighted")}["a"] == 3.0


def test_ties_go_by_id():
    legs = [leg("x", [("b", 1.0), ("a", 0.5)]), leg("y", [("a", 1.0), ("b", 0.5)])]
    assert ids(fuse(legs, "rrf")) == ["a", "b"]
    assert fuse(legs, "rrf") == fuse(legs[::-1], "rrf")


def test_weights_by_position_and_by_name():
    assert effective_weights([DENSE, BM25]) == (1.0, 0.5)
    assert effective_weights([DENSE, BM25], weights=[2, 3]) == (2.0, 3.0)
    assert effective_weights([DENSE, BM25], weights={"dense": 4}) == (4.0, 0.5)


@pytest.mark.parametrize(
    ("legs", "options", "message"),
    [
        ([DENSE], {"strategy": "rff"}, "no strategy 'rff'.*'rrf'"),
        ([DENSE], {"strategy": "rrf", "k": -1}, "k is -1"),
        ([DENSE], {"strategy": "rrf", "k": math.nan}, "k is nan"),
        ([DENSE], {"weights": [-1]}, "leg 'dense': weight -1"),
        ([DENSE], {"weights": [math.nan]}, "weight nan"),
        ([DENSE], {"weights": [math.inf]}, "weight inf"),
        ([DENSE], {"weights": [1, 2]}, "2 weights for 1 legs"),
        ([DENSE], {"weights": {"sparse": 1}}, "no leg 'sparse'; the legs are dense"),
        ([leg("x", [("a", math.nan)])], {}, "leg 'x': document 'a' has the score nan"),
        ([leg("x", [("a", 1), ("b", -math.inf)])], {"strategy": "max"}, "document 'b'.*-inf"),
        ([Leg("x", "dense", 1.0, ("a", "b"), (1.0,))], {}, "2 documents, but 1 scores"),
        ([DENSE], {"strategy": "learned", "arms": {"dense": (-1, 0)}}, "not counts"),
    ],
)
def test_errors(legs, options, message):
    with pytest.raises(RetrieverError, match=message):
        fuse(legs, **options)


# ---------------------------------------------------------------- learned


def test_learned_without_interactions_is_rrf():
    for arms in (None, {}, {"dense": (0, 0)}):
        learned = fuse([DENSE, BM25], "learned", weights=[1, 1], arms=arms)
        assert learned == fuse([DENSE, BM25], "rrf", weights=[1, 1])


def test_learned_weights_follow_what_worked():
    arms = {"dense": (900, 100), "bm25": (100, 900)}
    dense, bm25 = learned_weights(["dense", "bm25"], arms, seed=3)
    assert dense > 4 * bm25
    assert dense + bm25 == pytest.approx(2.0, abs=1e-12)
    assert learned_weights(["dense", "bm25"], arms, seed=3) == (dense, bm25)
    assert learned_weights(["dense", "bm25"], arms, seed=4) != (dense, bm25)
    hit = fuse([DENSE, BM25], "learned", arms=arms, seed=3)[0]
    assert [part.weight for part in hit.contributions] == [dense, bm25]


def test_two_legs_of_a_hundred_take_a_fraction_of_a_millisecond():
    names = [f"doc_{i:06d}" for i in range(150)]
    legs = [
        leg("a", [(name, 1 - i / 200) for i, name in enumerate(names[:100])]),
        leg("b", [(name, 20 - i / 20) for i, name in enumerate(reversed(names[50:]))]),
    ]
    seconds = []
    for _ in range(50):
        started = time.perf_counter()
        fuse(legs, "dbsf")
        seconds.append(time.perf_counter() - started)
    # About 0.15 ms on a laptop core; the margin is for a busy machine.
    assert min(seconds) < 0.0006
