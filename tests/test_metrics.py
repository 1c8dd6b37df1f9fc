"""Measures equal to trec_eval's formulas, and test collections in the BEIR layout."""

from __future__ import annotations

import json
import math
import random

import pytest

from mixpeek_lab.beir import read_beir
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.metrics import evaluate, run_from_rankings

# ---------------------------------------------------------------- the formulas, written out


def ndcg(ranking, rels, k=10):
    gain = sum(rels.get(d, 0) / math.log2(i + 2) for i, d in enumerate(ranking[:k]))
    ideal = sorted((v for v in rels.values() if v > 0), reverse=True)[:k]
    return gain / sum(v / math.log2(i + 2) for i, v in enumerate(ideal))


def recall(ranking, rels, k=100):
    relevant = {d for d, v in rels.items() if v > 0}
    return len(relevant & set(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking, rels):
    return next((1 / (i + 1) for i, d in enumerate(ranking) if rels.get(d, 0) > 0), 0.0)


def random_collection(seed):
    draw = random.Random(seed)
    documents = [f"d{i}" for i in range(300)]
    rankings, qrels = {}, {}
    for q in range(40):
        query_id = f"q{q}"
        rankings[query_id] = draw.sample(documents, draw.choice([0, 1, 5, 150, 300]))
        judged = draw.sample(documents, draw.randint(1, 30))
        qrels[query_id] = {d: draw.choice([0, 0, 1, 2, 3]) for d in judged}
    del rankings["q3"]
    qrels["q5"] = {"d1": 0}
    return rankings, qrels


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_formulas(seed):
    rankings, qrels = random_collection(seed)
    judged = [q for q, rels in qrels.items() if any(v > 0 for v in rels.values())]
    found = evaluate(run_from_rankings(rankings), qrels)
    assert set(found.per_query) == set(judged)
    formulas = {"nDCG@10": ndcg, "R@100": recall, "RR": reciprocal_rank}
    for name, formula in formulas.items():
        expected = {q: formula(rankings.get(q, []), qrels[q]) for q in judged}
        for q in judged:
            assert found.per_query[q][name] == pytest.approx(expected[q], abs=1e-9)
        assert found.mean[name] == pytest.approx(sum(expected.values()) / len(judged), abs=1e-9)


def test_a_run_keeps_the_order_of_a_long_ranking():
    # Reciprocal-rank scores this deep are equal as 32-bit floats, and trec_eval turns ties round.
    ranking = [f"d{i:05d}" for i in range(5000)]
    found = evaluate(run_from_rankings({"q": ranking}), {"q": {"d04999": 1}}, ["RR"])
    assert found.mean["RR"] == pytest.approx(1 / 5000, abs=1e-12)


def test_a_document_named_twice_counts_once():
    found = evaluate(run_from_rankings({"q": ["a", "b", "a"]}), {"q": {"b": 1}}, ["RR"])
    assert found.mean["RR"] == 0.5


def test_queries_that_found_nothing_count_zero():
    qrels = {"a": {"x": 1}, "b": {"x": 1}, "unjudged": {"x": 0}}
    found = evaluate({"a": {"x": 1.0}, "b": {}, "stranger": {"x": 1.0}}, qrels, ["nDCG@10"])
    assert found.mean == {"nDCG@10": 0.5}
    assert found.per_query == {"a": {"nDCG@10": 1.0}, "b": {"nDCG@10": 0.0}}
    assert evaluate({}, qrels, ["RR"]).mean == {"RR": 0.0}


@pytest.mark.parametrize(
    ("measure", "message"),
    [("ndcg@10", "'nDCG@10'"), ("wonder", "As in nDCG@10"), ("R", "not a measure")],
)
def test_unknown_measures(measure, message):
    with pytest.raises(InvalidInputError, match=message):
        evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, [measure])


@pytest.mark.parametrize(
    "measure", ["nDCG@0", "P@0", "AP@0", "Success@0", "Judged@0", "P(rel=0)@5", "P@99999999999"]
)
def test_a_measure_that_would_end_the_process_is_refused(measure):
    with pytest.raises(InvalidInputError, match=r"its (cut|rel) is from 1 to 1,000,000"):
        evaluate({"q": {"d": 1.0}}, {"q": {"d": 1}}, [measure])


def test_scores_must_be_finite_and_something_must_be_judged():
    with pytest.raises(InvalidInputError, match=r"run\['q'\].*'a'.*nan"):
        evaluate({"q": {"a": math.nan}}, {"q": {"a": 1}})
    with pytest.raises(InvalidInputError, match="no query has a positive judgement"):
        evaluate({"q": {"a": 1.0}}, {"q": {"a": 0}})


# ---------------------------------------------------------------- BEIR folders


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"_id": "1", "title": "Wing", "text": "flutter", "metadata": {"year": 1958}},
        {"_id": 2, "text": "boundary layer"},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    queries = [{"_id": "a", "text": "wings"}, {"_id": "b", "text": "layers"}]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\na\t1\t3\nb\t2\t0\n")
    return tmp_path


def test_reads_the_layout(folder):
    data = read_beir(folder)
    assert (data.name, data.split) == (folder.name, "test")
    assert dict(data.queries) == {"a": "wings", "b": "layers"}
    assert data.qrels == {"a": {"1": 3}, "b": {"2": 0}}
    assert data.judged_queries == {"a": "wings"}
    documents = list(data.iter_documents())
    assert [(d.document_id, d.text) for d in documents] == [
        ("1", "Wing flutter"),
        ("2", "boundary layer"),
    ]
    assert documents[0].metadata == {"year": 1958}


def test_splits(folder):
    (folder / "qrels" / "dev.tsv").write_text("a\t2\t1\n")
    assert read_beir(folder).split == "test"
    assert read_beir(folder, split="dev").qrels == {"a": {"2": 1}}
    with pytest.raises(InvalidInputError, match=r"no train\.tsv\. Splits: dev, test"):
        read_beir(folder, split="train")
    (folder / "qrels" / "test.tsv").unlink()
    assert read_beir(folder).split == "dev"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("queries.jsonl", '{"_id": "a", "text": "x"}\n{"_id": ', r"queries\.jsonl:2: not JSON"),
        ("queries.jsonl", '{"_id": "a"}', r"queries\.jsonl:1: `text`"),
        (
            "queries.jsonl",
            '{"_id":"a","text":"x"}\n{"_id":"a","text":"y"}',
            "2.*'a' is there twice",
        ),
        ("queries.jsonl", "[1]", r"queries\.jsonl:1: expected a JSON object"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\na\t1\n", r"test\.tsv:2: expected"),
        ("qrels/test.tsv", "a\t1\t1\na\t1\tx\n", r"test\.tsv:2: expected"),
    ],
)
def test_malformed_files_are_named_with_the_line(folder, name, text, message):
    (folder / name).write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        read_beir(folder)


def test_a_malformed_corpus_is_found_when_it_is_read(folder):
    (folder / "corpus.jsonl").write_text('{"_id": "1", "text": "x"}\n{"title": "t", "text": "x"}\n')
    with pytest.raises(InvalidInputError, match=r"corpus\.jsonl:2: `_id`"):
        list(read_beir(folder).iter_documents())


def test_a_folder_that_is_no_test_collection(tmp_path):
    with pytest.raises(InvalidInputError, match=r"there is no corpus\.jsonl"):
        read_beir(tmp_path)


def test_two_names_of_one_measure_have_the_same_value():
    found = evaluate({"q": {"a": 2.0, "b": 1.0}}, {"q": {"b": 1}}, ["RR", "MRR", "AP", "MAP"])
    assert found.mean == {"RR": 0.5, "MRR": 0.5, "AP": 0.5, "MAP": 0.5}


@pytest.mark.parametrize("measure", ["ERR@10", "RBP", "alpha_nDCG@10", "nDCG(dcg='exp-log2')@10"])
def test_what_nothing_here_computes_is_refused_with_what_can_be_used(measure):
    """Also where Perl is installed: ir_measures' script for it reads numbered queries alone."""
    with pytest.raises(InvalidInputError, match=r"These can be used: Accuracy, AP, .*nDCG, .*P@k"):
        evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, ["RR", measure])
    with pytest.raises(InvalidInputError, match="is known, but"):
        evaluate({}, {"q": {"a": 1}}, [measure])  # before an hour of queries is asked
