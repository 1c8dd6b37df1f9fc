"""Evaluation without a lab: judgements, statistics and runs, against hand and other libraries."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from itertools import product
from statistics import fmean

import pytest

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.evaluation import (
    bootstrap_interval,
    corrected,
    match_field,
    measure_names,
    measured,
    paired_p_value,
    read_judgements,
    read_run,
    write_run,
)

TREC = "q1 0 a 2\nq1 0 b 0\nq2 0 c 1\nq3 0 a 0\n"
BEIR = "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t0\nq2\tc\t1\nq3\ta\t0\n"
QUERIES = {"q1": "one", "q2": "two", "q3": "three", "q9": "nine"}


def folder(tmp_path, qrels=BEIR, name="qrels/test.tsv"):
    place = tmp_path / "set"
    (place / "qrels").mkdir(parents=True)
    (place / name).write_text(qrels)
    lines = [f'{{"_id": "{key}", "text": "{text}"}}' for key, text in QUERIES.items()]
    (place / "queries.jsonl").write_text("\n".join(lines))
    return place


# ---------------------------------------------------------------- reading


def test_every_layout_reads_the_same(tmp_path):
    place = folder(tmp_path)
    (place / "qrels.trec").write_text(TREC)
    (tmp_path / "topics.tsv").write_text("".join(f"{k}\t{v}\n" for k, v in QUERIES.items()))
    values = {"q1": {"a": 2, "b": 0}, "q2": {"c": 1}, "q3": {"a": 0}}
    read = [
        read_judgements(place),
        read_judgements(place / "qrels" / "test.tsv"),
        read_judgements(place / "qrels.trec"),
        read_judgements(place / "qrels.trec", tmp_path / "topics.tsv"),
        read_judgements(values, QUERIES),
    ]
    for each in read:
        assert each.queries == {"q1": "one", "q2": "two"}
        assert each.qrels == {"q1": {"a": 2, "b": 0}, "q2": {"c": 1}}
        assert each.digest == read[0].digest
    assert "Not counted, as no document is relevant: 1 query (q3)." in read[0].notes
    assert "Not asked, as nobody judged them: 1 query (q9)." in read[0].notes
    other = read_judgements({**values, "q2": {"c": 2}}, QUERIES)
    assert other.digest != read[0].digest


def test_queries_without_a_text_are_left_out_and_told(tmp_path):
    read = read_judgements({"q1": {"a": 1}, "lost": {"b": 1}}, QUERIES)
    assert set(read.qrels) == set(read.queries) == {"q1"}
    assert "Judged, but not asked for want of a text: 1 query (lost)." in read.notes


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("q1 0 a\n", "test.tsv:1: expected"),
        ("q1\ta\t1\nq1\ta\t2\n", "test.tsv:2: .* judges document 'a' twice, as 1 and as 2"),
        ("q1\ta\t0\n", "no query has a relevant document"),
        ("nobody\ta\t1\n", "none of the 1 judged queries has a text. Judged are nobody"),
        ("q1 Q0 a 1 0.5 tag\n", "test.tsv:1: expected"),
    ],
)
def test_what_is_wrong_with_judgements_is_said(tmp_path, qrels, message):
    with pytest.raises(InvalidInputError, match=message):
        read_judgements(folder(tmp_path, qrels))


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(InvalidInputError, match="no file or folder of judgements"):
        read_judgements(tmp_path / "nowhere")
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "qrels.txt").write_text(TREC)
    with pytest.raises(InvalidInputError, match=r"no queries\.jsonl beside it.*--queries"):
        read_judgements(tmp_path / "alone" / "qrels.txt")
    with pytest.raises(InvalidInputError, match="need their queries"):
        read_judgements({"q": {"d": 1}})
    with pytest.raises(InvalidInputError, match=r"0\.5 is no grade"):
        read_judgements({"q": {"d": 0.5}}, {"q": "text"})
    with pytest.raises(InvalidInputError, match=r"no dev\.tsv\. Splits: test"):
        read_judgements(folder(tmp_path), split="dev")


# ---------------------------------------------------------------- measures


def test_measures_by_hand_with_grades_and_missing_queries():
    read = read_judgements(
        {"q1": {"a": 2, "b": 1, "x": 0}, "q2": {"c": 1}}, {"q1": "one", "q2": "two"}
    )
    rankings = {"q1": ["z", "b", "a"]}
    values, unjudged, cut = measured(rankings, read, ["nDCG@3", "RR", "AP", "R@2", "P@2"])
    # Gains 0, 1, 2 at ranks 1, 2, 3 over the ideal 2, 1; 1/log2(3) = 0.63093.
    ideal = 2 + 0.6309297535714574
    assert values["q1"]["nDCG@3"] == pytest.approx((0.6309297535714574 + 2 * 0.5) / ideal)
    assert values["q1"]["RR"] == 0.5
    assert values["q1"]["AP"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert (values["q1"]["R@2"], values["q1"]["P@2"]) == (0.5, 0.5)
    assert set(values["q2"].values()) == {0.0}
    assert cut == 3
    assert unjudged == {"q1": pytest.approx(1 / 3), "q2": 0.0}


RANX = """
import json, sys
import numpy, ranx
from ranx.statistical_tests import fisher_randomization_test, paired_student_t_test
given = json.load(sys.stdin)
values = ranx.evaluate(
    ranx.Qrels(given["qrels"]), ranx.Run(given["run"]), given["names"], return_mean=False
)
pairs = [numpy.array(given[name]) for name in ("before", "after")]
print(json.dumps({
    "values": {name: list(map(float, found)) for name, found in values.items()},
    "t-test": float(paired_student_t_test(*pairs)[0]),
    "randomisation": float(fisher_randomization_test(*pairs, n_permutations=3000)[0]),
}))
"""


@pytest.fixture(scope="module")
def by_ranx():
    """The same collection and the same pairs as ranx sees them, in a process that compiles none."""
    draw = random.Random(5)
    documents = [f"d{n}" for n in range(60)]
    qrels = {
        f"q{q}": {d: draw.randint(0, 3) for d in draw.sample(documents, 20)} for q in range(25)
    }
    rankings = {q: draw.sample(documents, 40) for q in qrels}
    before = [draw.random() for _ in range(40)]
    given = {
        "qrels": qrels,
        "run": {q: {d: float(40 - at) for at, d in enumerate(r)} for q, r in rankings.items()},
        "names": ["ndcg@10", "mrr", "map", "recall@20", "precision@5"],
        "before": before,
        "after": [min(1.0, value + draw.gauss(0.03, 0.1)) for value in before],
    }
    done = subprocess.run(
        [sys.executable, "-c", RANX], input=json.dumps(given), capture_output=True, text=True,
        check=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    return {**given, "rankings": rankings, **json.loads(done.stdout)}


def test_names_of_measures_are_split_outside_brackets():
    assert measure_names("nDCG@10,AP, RR") == ["nDCG@10", "AP", "RR"]
    both = "AP(rel=2,judged_only=True)@5,P@1"
    assert measure_names(both) == ["AP(rel=2,judged_only=True)@5", "P@1"]
    assert measure_names("") is measure_names(None) is measure_names(" , ") is None


def test_measures_equal_ranx(by_ranx):
    read = read_judgements(by_ranx["qrels"], dict.fromkeys(by_ranx["qrels"], "text"))
    names = ["nDCG@10", "RR", "AP", "R@20", "P@5"]
    values, _, _ = measured(by_ranx["rankings"], read, names)
    for ours, theirs in zip(names, by_ranx["names"], strict=True):
        found = dict(zip(sorted(by_ranx["qrels"]), by_ranx["values"][theirs], strict=True))
        for query_id, row in values.items():
            assert row[ours] == pytest.approx(found[query_id], abs=1e-9)


# ---------------------------------------------------------------- intervals


def test_intervals_are_seeded_ordered_and_hold_the_mean():
    draw = random.Random(1)
    values = [draw.random() ** 2 for _ in range(50)]
    for kind in ("bca", "percentile"):
        low, high = bootstrap_interval(values, kind=kind)
        assert low < fmean(values) < high
        assert bootstrap_interval(values, kind=kind) == (low, high)
        assert bootstrap_interval(values, kind=kind, seed=1) != (low, high)
        wider = bootstrap_interval(values, kind=kind, confidence=0.99)
        assert wider[0] < low < high < wider[1]


def test_the_percentile_interval_is_the_bootstraps_by_hand():
    """All 27 resamples of three values: their means, from the 2.5th to the 97.5th percentile."""
    values = [0.0, 0.3, 0.9]
    means = sorted(fmean(each) for each in product(values, repeat=3))
    low, high = bootstrap_interval(values, kind="percentile", resamples=20_000)
    assert low == pytest.approx(means[0], abs=0.11)
    assert high == pytest.approx(means[-1], abs=0.21)
    assert min(means) <= low <= high <= max(means)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    draw = random.Random(3)
    covered = 0
    for trial in range(120):
        sample = [draw.random() for _ in range(40)]
        low, high = bootstrap_interval(sample, kind="percentile", resamples=400, seed=trial)
        covered += low <= 0.5 <= high
    assert 0.88 <= covered / 120 <= 0.99


def test_intervals_of_one_value_and_of_equal_ones_are_a_point():
    assert bootstrap_interval([0.4]) == (0.4, 0.4)
    assert bootstrap_interval([1.0] * 9) == (1.0, 1.0)
    for wrong in ({"confidence": 1}, {"confidence": 95}, {"kind": "normal"}):
        with pytest.raises(InvalidInputError):
            bootstrap_interval([0.1, 0.2], **wrong)
    with pytest.raises(InvalidInputError, match="no values"):
        bootstrap_interval([])


# ---------------------------------------------------------------- significance


def test_the_paired_t_test_by_hand():
    # Differences 1, 2, 3: mean 2, deviation 1, t = 2√3 with 2 degrees of freedom:
    # p = 1 − t / √(t² + 2) = 1 − √(12 / 14).
    p = paired_p_value([0, 0, 0], [1, 2, 3])
    assert p == pytest.approx(1 - (12 / 14) ** 0.5)


def test_the_randomisation_test_is_exact_for_few_queries():
    differences = [0.3, 0.1, 0.2, -0.05, 0.4, 0.25]
    observed = abs(sum(differences))
    signs = list(product([1, -1], repeat=6))
    exact = fmean(
        abs(sum(s * d for s, d in zip(each, differences, strict=True))) >= observed - 1e-12
        for each in signs
    )
    assert paired_p_value([0] * 6, differences, test="randomisation") == pytest.approx(exact)


def test_both_tests_equal_ranx(by_ranx):
    t_test = paired_p_value(by_ranx["before"], by_ranx["after"])
    assert t_test == pytest.approx(by_ranx["t-test"], abs=1e-9)
    randomised = paired_p_value(by_ranx["before"], by_ranx["after"], test="randomisation")
    assert randomised == pytest.approx(by_ranx["randomisation"], abs=0.03)
    assert randomised == pytest.approx(t_test, abs=0.03)


def test_the_same_values_do_not_differ_and_a_constant_gain_is_sure():
    for test in ("t-test", "randomisation"):
        assert paired_p_value([0.1, 0.5], [0.1, 0.5], test=test) == 1.0
    # All 2⁸ swaps of signs: only two are as far from 0.
    assert paired_p_value([0.0] * 8, [0.1] * 8) == pytest.approx(2 / 2**8)
    with pytest.raises(InvalidInputError, match="at least two"):
        paired_p_value([0.1], [0.2])
    with pytest.raises(InvalidInputError, match="'sign' is not one of t-test"):
        paired_p_value([0, 1], [1, 0], test="sign")


def test_corrections_by_hand():
    p = [0.01, 0.04, 0.03, 0.005]
    assert corrected(p, "bonferroni") == pytest.approx([0.04, 0.16, 0.12, 0.02])
    # Holm: 0.005·4, 0.01·3, 0.03·2, 0.04·1 → the running maximum.
    assert corrected(p, "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected(p, "none") == p
    assert corrected([0.9, 0.8], "bonferroni") == [1.0, 1.0]
    with pytest.raises(InvalidInputError, match="correction"):
        corrected(p, "sidak")


# ---------------------------------------------------------------- ids and runs


def test_the_field_that_holds_the_judged_ids_is_found():
    columns = {
        "document_id": ["doc_1", "doc_2", "doc_3"],
        "page": ["1", "2", "7"],
        "_id": ["a", "b", None],
    }
    assert match_field(columns, {"a", "b", "z"}).field == "_id"
    assert match_field(columns, {"a", "b", "z"}).found == 2
    assert match_field(columns, {"a"}).ids == {"doc_1": "a", "doc_2": "b"}
    assert match_field(columns, {"1", "2", "a"}).field == "page", "the field with most of them"
    assert match_field(columns, {"1", "a"}).field == "_id", "the usual one, where they tie"
    assert match_field(columns, {"1", "a"}, "page").field == "page"
    with pytest.raises(InvalidInputError, match=r"Judged are y, z.*_id: a, b.*column `_id`"):
        match_field(columns, {"y", "z"})
    with pytest.raises(InvalidInputError, match="no document has a field 'pages'"):
        match_field(columns, {"1"}, "pages")
    with pytest.raises(InvalidInputError, match="page: 1, 2, 7"):
        match_field(columns, {"a"}, "page")


def test_runs_come_back_as_they_were_written(tmp_path):
    rankings = {"q1": ["b", "a", "c"], "q2": ["a"]}
    path = write_run(rankings, tmp_path / "run.txt", "my run")
    assert path.read_text().splitlines()[0] == "q1 Q0 b 1 3 my_run"
    assert read_run(path) == rankings
    import ir_measures

    theirs = list(ir_measures.read_trec_run(str(path)))
    assert [d.doc_id for d in sorted(theirs, key=lambda d: (d.query_id, -d.score))] == [*"bac", "a"]
    with pytest.raises(InvalidInputError, match="one word without blanks"):
        write_run({"q 1": ["a"]}, tmp_path / "run.txt")
    with pytest.raises(InvalidInputError, match="no such folder"):
        write_run(rankings, tmp_path / "no" / "run.txt")
    (tmp_path / "bad.txt").write_text("q1 Q0 a 1\n")
    with pytest.raises(InvalidInputError, match=r"bad\.txt:1"):
        read_run(tmp_path / "bad.txt")
