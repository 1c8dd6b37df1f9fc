"""The playground's pure JavaScript, in node, against Python."""

from __future__ import annotations

import random

import pytest
from playground_parts import LINEAR, fused, leg, random_legs, run_js

CHANGES = """
return given.map(({ legs, choice, id, limit }) =>
  smallestChanges(prepareLegs(legs), choice, id, limit));
"""


def changes_of(cases):
    return run_js(
        CHANGES, cases,
        prepareLegs="fusion.js", smallestChanges="playground/changes.js",
    )  # fmt: skip


def ranks_of(legs, choice, **changes):
    weights = {**choice["weights"], **changes.get("weights", {})}
    k = changes.get("k", choice["k"])
    ranking = fused(legs, choice["strategy"], k, weights)
    return {each.document_id: rank for rank, each in enumerate(ranking, start=1)}


def random_question(seed, strategies):
    draw = random.Random(seed)
    legs = random_legs(draw)
    weights = {each["name"]: each["weight"] for each in legs}
    choice = {"strategy": draw.choice(strategies), "k": draw.choice([5, 60]), "weights": weights}
    found = [key for each in legs for key in each["document_ids"]]
    return {"legs": legs, "choice": choice, "id": draw.choice(found), "limit": draw.choice([3, 5])}


@pytest.mark.parametrize("seed", range(3))
def test_a_change_brings_the_document_in_and_a_smaller_one_does_not(seed):
    cases = [random_question(1000 * seed + n, LINEAR) for n in range(60)]
    told = 0
    for case, changes in zip(cases, changes_of(cases), strict=True):
        legs, choice, key, limit = case["legs"], case["choice"], case["id"], case["limit"]
        for change in changes:
            if change["kind"] == "k":
                assert ranks_of(legs, choice, k=change["to"])[key] <= limit
                continue
            name, start, end = change["leg"], change["from"], change["to"]
            assert ranks_of(legs, choice, weights={name: end})[key] <= limit
            if end == 0:
                continue
            told += 1
            # Between the old weight and the threshold it stays outside.
            for share in (0.02, 0.3, 0.7, 0.98):
                weight = start + share * (change["threshold"] - start)
                if (
                    weight > 0
                    and ranks_of(legs, choice, weights={name: start}).get(key, 99) > limit
                ):
                    assert ranks_of(legs, choice, weights={name: weight}).get(key, 99) > limit
    assert told > 20


def test_where_no_change_is_told_none_exists():
    cases = [random_question(n, LINEAR) for n in range(5000, 5040)]
    for case, changes in zip(cases, changes_of(cases), strict=True):
        told = {(change["kind"], change.get("leg")) for change in changes}
        for each in case["legs"]:
            start = case["choice"]["weights"][each["name"]]
            if ("weight", each["name"]) in told:
                continue
            for weight in (0.001, 0.01, 0.1, 0.3, 0.7, 1.3, 2, 5, 20, 500):
                if weight != start:
                    ranks = ranks_of(case["legs"], case["choice"], weights={each["name"]: weight})
                    assert ranks.get(case["id"], 99) > case["limit"], (each["name"], weight)


def test_k_is_the_nearest_whole_number_that_does():
    legs = [leg("x", "abcdefgh", [8, 7, 6, 5, 4, 3, 2, 1]), leg("y", "hgijklmno", range(9, 0, -1))]
    choice = {"strategy": "rrf", "k": 60, "weights": {"x": 1, "y": 1}}
    (changes,) = changes_of([{"legs": legs, "choice": choice, "id": "a", "limit": 2}])
    (to,) = [change["to"] for change in changes if change["kind"] == "k"]
    fits = [k for k in range(1, 1001) if ranks_of(legs, choice, k=k)["a"] <= 2]
    assert to == min(fits, key=lambda k: (abs(k - 60), k))


@pytest.mark.parametrize("strategy", ["rrf_qdrant", "max"])
def test_the_other_strategies_are_checked_by_fusing(strategy):
    cases = [random_question(n, [strategy]) for n in range(40)]
    found = 0
    for case, changes in zip(cases, changes_of(cases), strict=True):
        for change in changes:
            found += 1
            key = "k" if change["kind"] == "k" else "weights"
            value = change["to"] if key == "k" else {change["leg"]: change["to"]}
            assert (
                ranks_of(case["legs"], case["choice"], **{key: value})[case["id"]] <= case["limit"]
            )
    assert found > 10


PYTHON = """
return given.map(({ legs, choice }) => {
  const prepared = prepareLegs(legs);
  return fuse(prepared, choice).map(({ id, score }) =>
    [score, pythonOf(prepared, choice, explain(prepared, choice, id), score)]);
});
"""


def test_a_formula_copied_as_python_gives_the_score():
    cases = [random_question(n, [*LINEAR, "rrf_qdrant", "max"]) for n in range(60)]
    answers = run_js(
        PYTHON, cases,
        prepareLegs="fusion.js", fuse="fusion.js", explain="fusion.js", pythonOf="fusion.js",
    )  # fmt: skip
    for score, code in (pair for answer in answers for pair in answer):
        names: dict[str, float] = {}
        exec(code, {}, names)
        assert names["score"] == pytest.approx(score, rel=1e-9, abs=1e-12)


# ---------------------------------------------------------------- overlap


def equal_depth_rbo(a, b, p):
    """Equation 30 of Webber, Moffat and Zobel, for lists of one length."""
    depth = len(a)
    shared = [len(set(a[:d]) & set(b[:d])) for d in range(1, depth + 1)]
    tail = sum(found / d * p**d for d, found in enumerate(shared, start=1))
    return shared[-1] / depth * p**depth + (1 - p) / p * tail


def test_overlap_measures():
    draw = random.Random(5)
    pairs = [(draw.sample("abcdefghijkl", 8), draw.sample("abcdefghijkl", 8)) for _ in range(40)]
    uneven = [(list("abc"), list("abcdef")), (list("abc"), []), ([], []), (list("ab"), list("xy"))]
    got = run_js(
        "return given.map(([a, b]) => [jaccard(a, b), rankBiasedOverlap(a, b)]);",
        [*pairs, *uneven],
        jaccard="playground/overlap.js", rankBiasedOverlap="playground/overlap.js",
    )  # fmt: skip
    for (a, b), (share, overlap) in zip(pairs, got, strict=False):
        assert share == pytest.approx(len(set(a) & set(b)) / len(set(a) | set(b)))
        assert overlap == pytest.approx(equal_depth_rbo(a, b, 0.9))
    assert got[40][1] == pytest.approx(1.0)  # a prefix agrees as far as it goes
    assert [pair[1] for pair in got[41:]] == [0, 1, 0]


def test_a_maps_documents_come_into_a_filter_and_go_out_of_it():
    json_only = {"field": "package", "operator": "eq", "value": "json"}
    either = {"OR": [json_only, {"field": "kind", "value": "class"}]}
    given = [None, json_only, {"AND": [json_only, json_only]}, either, {"package": "json"}]
    got = run_js(
        """return given.map((filter) => {
          const lasso = withDocuments(filter, ["a", "b"]);
          const again = withDocuments(lasso, ["c"]);
          const off = withDocuments(again, null);
          return { lasso, ids: documentsOf(again), none: documentsOf(filter), off };
        })""",
        given, withDocuments="playground/filters.js", documentsOf="playground/filters.js",
    )  # fmt: skip
    ids = {"field": "document_id", "operator": "in", "value": ["a", "b"]}
    assert got[0]["lasso"] == ids
    assert got[1]["lasso"] == {"AND": [json_only, ids]}
    assert got[2]["lasso"] == {"AND": [json_only, json_only, ids]}
    assert got[3]["lasso"] == {"AND": [either, ids]}
    assert [each["ids"] for each in got] == [["c"]] * 5
    assert [each["none"] for each in got] == [None] * 5
    assert [each["off"] for each in got] == given
