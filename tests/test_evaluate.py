"""Evaluating a retriever: from Python, in a cell, on the command line and over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from filled_labs import fill
from IPython.core.interactiveshell import InteractiveShell
from packages import HASH_EMBEDDER
from platform_client import Client
from platform_host import LocalServices, client_of

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.cli import main
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.evaluation import read_run
from mixpeek_lab.magics import retrievers, session
from mixpeek_lab.metrics import MEASURES
from mixpeek_lab.widgets.cards import ComparisonCard, EvaluationCard, EvaluationList
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

CRANFIELD = Path(__file__).resolve().parents[2] / "shared" / "data" / "cranfield"
ROWS = [
    {"_id": f"r{i}", "text": text, "page": i % 3}
    for i, text in enumerate(
        ["river boat", "river stone", "money bank", "bank of the river", "fox tree", "night ship"]
    )
]
QUERIES = {"q1": "river", "q2": "money", "q3": "fox", "q4": "no such words"}
# BM25 for "river" finds r0 and r1 (tied) before the longer r3.
QRELS = {"q1": {"r3": 1}, "q2": {"r2": 2, "r3": 1}, "q3": {"r4": 1}, "q4": {"r5": 1}}
BM25 = {"collection": "docs", "searches": [{"lexical": True, "name": "bm25"}]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("evaluate") / "home"
    lab = fill(Lab(home), ROWS)
    lab.retriever("words", BM25)
    lab.retriever("both", {**BM25, "searches": [{"lexical": True}, {"feature": "hash_embedding"}]})
    lab.retriever("best", {**BM25, "searches": [{"lexical": True, "top_k": 1}]})
    return home


@pytest.fixture
def lab(place: Path) -> Lab:
    lab = Lab(place)
    for each in lab.evaluations.list():
        lab.evaluations.delete(each.evaluation_id)
    return lab


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """The same judgements as a BEIR folder."""
    (tmp_path / "set" / "qrels").mkdir(parents=True)
    queries = [json.dumps({"_id": key, "text": text}) for key, text in QUERIES.items()]
    (tmp_path / "set" / "queries.jsonl").write_text("\n".join(queries))
    lines = [f"{q}\t{d}\t{grade}" for q, judged in QRELS.items() for d, grade in judged.items()]
    (tmp_path / "set" / "qrels" / "test.tsv").write_text("\n".join(lines))
    return tmp_path / "set"


# ---------------------------------------------------------------- from Python


def test_measures_are_those_by_hand(lab):
    found = lab.evaluate("words", QRELS, QUERIES, measures=["RR", "nDCG@2", "R@2"])
    assert found.per_query == {
        "q1": {"RR": pytest.approx(1 / 3), "nDCG@2": 0.0, "R@2": 0.0},
        "q2": {"RR": 1.0, "nDCG@2": pytest.approx(2 / (2 + 0.6309297535714574)), "R@2": 0.5},
        "q3": {"RR": 1.0, "nDCG@2": 1.0, "R@2": 1.0},
        "q4": {"RR": 0.0, "nDCG@2": 0.0, "R@2": 0.0},
    }
    assert found.mean["RR"] == pytest.approx((1 / 3 + 1 + 1 + 0) / 4)
    assert found.about["id_field"] == "_id"
    assert found.rankings["q1"] == ["r0", "r1", "r3"], "ties go by the judged id"
    assert found.rankings["q2"] == ["r2"]
    assert found.rankings["q4"] == []
    assert found.unjudged == {"q1": 1.0, "q2": 0.0, "q3": 0.0, "q4": 0.0}
    low, high = found.intervals["RR"]
    assert 0 <= low < found.mean["RR"] < high <= 1


@pytest.mark.parametrize("retriever", ["words", "both"])
def test_a_playground_measures_the_same_where_hits_tie(place, retriever, monkeypatch):
    """Its numbers, those while a slider moves, and the sweep's."""
    lab = Lab(place, engine="kernel")
    monkeypatch.setattr(retrievers, "current_lab", lambda: lab)
    pg = retrievers._open_playground(retrievers._card(retriever), "river", 10)
    qrels = {**QRELS, "q1": {"r0": 1}, "q5": {"r1": 1}}  # tied: only the order decides
    pg.qrels = (qrels, {**QUERIES, "q5": "river"})
    ask = pg._handlers
    assert ask["gather"]({}) | {"done": 5, "total": 5} == ask["gather"]({})
    found = lab.evaluate(retriever, qrels, pg.queries, measures=MEASURES, save=False)
    told = ask["measure"]({})
    assert {each["id"]: each["values"] for each in told["queries"]} == found.per_query
    now = {"strategy": pg.strategy, "k": pg.k, "weights": pg.weights}
    assert ask["glance"](now)["means"] == pytest.approx(found.mean)
    if retriever == "both":
        swept = pg.sweep("k", "bm25", "RR")
        here = swept[(swept.k == pg.k) & (swept.bm25 == 1)].iloc[0]
        assert (3 * here.train + 2 * here.held_out) / 5 == pytest.approx(found.mean["RR"])


def test_an_evaluation_is_kept_with_all_that_made_it(lab, place):
    made = lab.evaluate("words", QRELS, QUERIES, name="first")
    kept = Lab(place).evaluations.get("first")
    assert kept == made
    assert kept.intervals == made.intervals
    assert kept.evaluation_id == made.evaluation_id
    assert kept.created_at.endswith("Z")
    (made_by,) = kept.about["collections"]
    digest = lab.extractor("hash_embedder").source.digest
    assert (made_by["extractor"], made_by["version"]) == ("hash_embedder", "1.0.0")
    assert (made_by["digest"], made_by["documents"]) == (digest, 6)
    assert kept.about["body"]["retriever_name"] == "words"
    assert kept.digest == made.digest
    table = kept.to_pandas()
    assert table["query"][0] == "no such words", "the worst query is first"
    assert set(table.columns) == {
        "query_id", "query", "nDCG@10", "RR", "R@100", "AP", "P@10", "unjudged@10", "hits",
    }  # fmt: skip
    unsaved = lab.evaluate(BM25, QRELS, QUERIES, save=False)
    assert [e.name for e in lab.evaluations.list()] == ["first"]
    assert unsaved.mean == made.mean


def test_the_judged_id_may_be_any_field_and_a_wrong_one_is_told(lab):
    by_id = {hit.fields["_id"]: hit for hit in lab.search("words", "river bank fox").hits}
    documents = {"q3": {by_id["r4"].document_id: 1}}
    found = lab.evaluate("words", documents, QUERIES)
    assert (found.about["id_field"], found.mean["RR"]) == ("document_id", 1.0)
    objects = {"q3": {by_id["r4"].lineage["root_object_id"]: 1}}
    assert lab.evaluate("words", objects, QUERIES).about["id_field"] == "object_id"
    pages = lab.evaluate("words", {"q1": {"0": 1}}, QUERIES, measures=["RR"], id_field="page")
    assert pages.mean["RR"] == 1.0
    assert pages.rankings["q1"] == ["0", "1"], "of several documents with one id the first counts"
    with pytest.raises(InvalidInputError, match=r"None of the 1 judged documents.*_id: r0, r1, r2"):
        lab.evaluate("words", {"q1": {"x9": 1}}, QUERIES)
    part = lab.evaluate("words", {"q1": {"r0": 1, "x9": 1}}, QUERIES)
    assert any("1 of the 2 judged documents are in no collection" in note for note in part.notes)


def test_what_cannot_be_measured_is_refused_before_a_query_is_asked(lab):
    asked = []
    with pytest.raises(InvalidInputError, match="'nDGC@10' is not a measure"):
        lab.evaluate(
            "words", QRELS, QUERIES, measures=["nDGC@10"], on_query=lambda *n: asked.append(n)
        )
    with pytest.raises(NotFoundError, match="retriever"):
        lab.evaluate("wrods", QRELS, QUERIES)
    with pytest.raises(InvalidInputError, match="confidence: 95"):
        lab.evaluate("words", QRELS, QUERIES, confidence=95)
    with pytest.raises(InvalidInputError, match="limit: an evaluation sets this itself"):
        lab.evaluate("words", QRELS, QUERIES, limit=3)
    with pytest.raises(InvalidInputError, match="'two' is no grade"):
        lab.evaluate("words", {"q1": {"r1": "two"}}, QUERIES)
    assert lab.evaluations.list() == []
    lab.evaluate("words", QRELS, QUERIES, on_query=lambda *n: asked.append(n))
    assert asked == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_depth_below_a_measures_cut_is_told_once(lab):
    found = lab.evaluate("words", QRELS, QUERIES, depth=5, measures=["RR", "nDCG@10", "P@5"])
    (note,) = [note for note in found.notes if "depth" in note]
    assert note.startswith("5 hits were asked for each query (depth), fewer than nDCG@10 looks at")
    assert "P@5" not in note
    deep = lab.evaluate("words", QRELS, QUERIES, depth=10, measures=["RR", "nDCG@10"])
    assert not any("depth" in note for note in deep.notes)


def test_a_query_that_fails_counts_zero_and_is_told(lab):
    lab.retriever("dense", {**BM25, "searches": [{"feature": "hash_embedding"}]})
    queries = {**QUERIES, "q3": {"vector": "no text here", "other": "two texts"}}
    found = lab.evaluate("dense", QRELS, queries)
    assert set(found.per_query["q3"].values()) == {0.0}
    assert list(found.about["failed"]) == ["q3"]
    assert any("Failed, and counted as 0: 1, first q3" in note for note in found.notes)


def test_a_comparison_counts_won_lost_and_tied(lab):
    lab.evaluate("words", QRELS, QUERIES)
    lab.evaluate("best", QRELS, QUERIES)
    found = lab.evaluations.compare("words", "best", measures=["RR", "R@100"], correction="none")
    rr, recall = found.changes
    # "best" keeps one hit: q1 loses its third, q2 has no second anyway.
    assert (rr.won, rr.lost, rr.tied) == (0, 1, 3)
    assert rr.difference == pytest.approx(-1 / 12)
    assert (recall.won, recall.lost, recall.tied) == (0, 1, 3)
    assert rr.interval[0] < rr.difference < 0 <= rr.interval[1] + 1e-12
    # t of the differences (−1/3, 0, 0, 0) is −1, which has p = 0.391 with 3 degrees of freedom.
    assert rr.p == pytest.approx(0.391, abs=1e-3)
    both = lab.evaluations.compare("words", "best", "best", measures=["RR", "R@100"])
    assert len(both.changes) == 4
    assert both.changes[0].corrected_p == pytest.approx(min(1.0, 4 * rr.p))
    table = found.to_pandas()
    assert table["query_id"][0] == "q1"
    assert table["Δ 1: best"][0] == pytest.approx(-1 / 3)
    lab.evaluate("words", {"q1": {"r0": 1}}, QUERIES, name="other")
    with pytest.raises(InvalidInputError, match="different queries or judgements"):
        lab.evaluations.compare("words", "other")
    with pytest.raises(InvalidInputError, match=r"measures: P@3.*nDCG@10"):
        lab.evaluations.compare("words", "best", measures=["P@3"])


def test_evaluations_are_found_by_name_by_step_and_by_id(lab):
    first = lab.evaluate("words", QRELS, QUERIES)
    second = lab.evaluate("words", QRELS, QUERIES, measures=["RR"])
    get = lab.evaluations.get
    assert get("words") == second
    assert get("words~1") == first
    assert get(first.evaluation_id) == first
    assert get(first.evaluation_id[:12]) == first
    for wrong in ("words~2", "wrods", "ev_"):
        with pytest.raises(NotFoundError, match="evaluation"):
            get(wrong)
    assert lab.evaluations.list("words") == [second, first]
    assert lab.evaluations.list("best") == []
    lab.evaluations.delete("words")
    assert get("words") == first


def test_learned_fusion_is_measured_reproducibly(lab):
    result = lab.search("both", "river")
    lab.interactions.record(result, 1, "click")
    found = [
        lab.evaluate("both", QRELS, QUERIES, fusion="learned", seed=seed) for seed in (5, 5, 6)
    ]
    assert found[0].rankings == found[1].rankings
    assert found[0].about["options"] == {"fusion": "learned"}
    lab.interactions.clear("both")


def test_a_run_is_exported_for_trec_eval(lab, tmp_path):
    found = lab.evaluate("words", QRELS, QUERIES)
    assert read_run(found.to_trec(tmp_path / "run.txt")) == {
        query: ids for query, ids in found.rankings.items() if ids
    }


@pytest.mark.shared
@pytest.mark.skipif(not CRANFIELD.is_dir(), reason="Cranfield is not beside the checkout")
def test_cranfields_bm25_is_the_published_one(tmp_path):
    lab = Lab(tmp_path / "home")
    lab.load(HASH_EMBEDDER)
    corpus = [json.loads(line) for line in (CRANFIELD / "corpus.jsonl").read_text().splitlines()]
    lab.bucket("c", [
        {"_id": d["_id"], "text": f"{d.get('title', '')} {d['text']}".strip()} for d in corpus
    ])  # fmt: skip
    lab.process("c", "hash_embedder", "docs", engine="kernel")
    found = lab.evaluate(BM25, CRANFIELD, measures=["nDCG@10", "AP"])
    assert found.mean["nDCG@10"] == pytest.approx(0.3650, abs=0.002)
    assert len(found.per_query) == 225
    low, high = found.intervals["nDCG@10"]
    assert 0.32 < low < found.mean["nDCG@10"] < high < 0.41


# ---------------------------------------------------------------- cards


def test_cards_show_means_intervals_and_notes(lab):
    card = EvaluationCard(lab.evaluate("words", {**QRELS, "q9": {"r1": 1}}, QUERIES))
    text, html = str(card), card._repr_html_()
    assert text.startswith("words on judgements: 4 queries")
    assert "nDCG@10" in text
    assert "95 % interval" in text
    assert "unjudged@10: 22.2 %" in text
    assert "note: Judged, but not asked for want of a text: 1 query (q9)." in text
    for part in ("nDCG@10", "95 % interval", "unjudged@10", "q9", "var(--jp-"):
        assert part in html
    assert "<script" not in html


def test_cards_keep_their_shape_with_long_and_evil_names(lab):
    evil = "<img src=x onerror=alert(1)>" + "x" * 300
    lab.evaluate("words", QRELS, QUERIES, name=evil)
    lab.evaluate("best", QRELS, QUERIES, name="y" * 300)
    cards = [
        EvaluationCard(lab.evaluations.get(evil)),
        EvaluationList(lab.evaluations.list()),
        ComparisonCard(lab.evaluations.compare(evil, "y" * 300)),
    ]
    for card in cards:
        assert "<img" not in card._repr_html_()
        assert "overflow-wrap:anywhere" in card._repr_html_()
        assert max(map(len, str(card).splitlines())) < 160


def test_a_comparison_marks_what_is_sure_by_more_than_colour(lab):
    many = {f"q{n}": "river" for n in range(12)}
    lab.evaluate("words", {query: {"r3": 1} for query in many}, many)
    lab.evaluate("best", {query: {"r3": 1} for query in many}, many)
    card = ComparisonCard(lab.evaluations.compare("words", "best"))
    assert "▼" in str(card)
    assert 'title="surely worse"' in card._repr_html_()
    assert "Holm's correction over 5 tests" in str(card)
    assert "▼" not in str(ComparisonCard(lab.evaluations.compare("best", "words"))).splitlines()[2]


def test_two_of_one_name_are_told_apart(lab):
    before = lab.evaluate("words", QRELS, QUERIES).evaluation_id[:9]
    now = lab.evaluate("words", QRELS, QUERIES).evaluation_id[:9]
    found = lab.evaluations.compare("words~1", "words", measures=["RR"])
    card = ComparisonCard(found)
    for text in (str(card), card._repr_html_(), repr(found)):
        assert f"words ({before})" in text.split(f"words ({now})")[0]
        assert f"words ({now})" in text
    with pytest.raises(NotFoundError, match="There is: words"):
        lab.evaluations.get("nope")


# ---------------------------------------------------------------- in a cell


@pytest.fixture
def shell(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    from mixpeek_lab.magics.evaluate import EvaluateMagics

    monkeypatch.setattr(session, "_lab", lab)
    shell = InteractiveShell.instance()
    shell.register_magics(EvaluateMagics)
    yield shell
    InteractiveShell.clear_instance()


def test_the_magic_evaluates_compares_and_lists(shell, beir, tmp_path):
    assert str(shell.run_line_magic("evaluate", "")).startswith("No evaluations yet.")
    run = tmp_path / "run.txt"
    card = shell.run_line_magic(
        "evaluate", f"words {beir} --measures nDCG@10,RR --name 'first one' --df t --trec {run}"
    )
    assert isinstance(card, EvaluationCard)
    assert card.evaluation.measures == ("nDCG@10", "RR")
    assert isinstance(shell.user_ns["t"], pd.DataFrame)
    assert run.exists()
    shell.user_ns |= {"judged": QRELS, "asked": QUERIES}
    shell.run_line_magic("evaluate", "best judged --queries asked")
    compared = shell.run_line_magic(
        "evaluate", '--compare "first one" best --test randomisation --correction bonferroni'
    )
    assert isinstance(compared, ComparisonCard)
    assert "paired randomisation, Bonferroni's correction over 2 tests" in str(compared)
    listed = str(shell.run_line_magic("evaluate", "list"))
    assert [line.split()[0] for line in listed.splitlines()] == ["evaluation", "best", "first"]
    with pytest.raises(InvalidInputError, match="say where the judgements are, and with --queries"):
        shell.run_line_magic("evaluate", "words")
    with pytest.raises(InvalidInputError, match="--queries"):
        shell.run_line_magic("evaluate", "words judged")
    compared = shell.run_line_magic("evaluate", "compare 'first one' best --measures RR")
    assert isinstance(compared, ComparisonCard)
    shown = shell.run_line_magic("evaluate", "show 'first one' --df t")
    assert str(shown) == str(card)
    for line, words in (("show", "name one"), ("words judged best", "what is 'best' for")):
        with pytest.raises(InvalidInputError, match=words):
            shell.run_line_magic("evaluate", line)
    with pytest.raises(InvalidInputError, match="no file or folder of judgements"):
        shell.run_line_magic("evaluate", "words nowhere")
    with pytest.raises(InvalidInputError, match=r"t is a DataFrame\. Judgements are a dictionary"):
        shell.run_line_magic("evaluate", "words t --queries asked")


# ---------------------------------------------------------------- on the command line


def test_the_command_evaluates_compares_and_lists(place, lab, beir, tmp_path, capsys):
    home = ["--home", str(place)]
    table, run = tmp_path / "table.csv", tmp_path / "run.txt"
    arguments = ["evaluate", "words", str(beir), *home, "--csv", str(table), "--trec", str(run)]
    assert main(arguments) == 0
    assert "words on set: 4 queries" in capsys.readouterr().out
    assert len(pd.read_csv(table)) == 4
    assert main(["evaluate", "best", str(beir / "qrels" / "test.tsv"), *home, "--json", "-"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["mean"]["RR"] == pytest.approx(0.5)
    assert set(numbers["per_query"]) == set(QUERIES)
    assert main(["evaluate", "--compare", "words", "best", *home]) == 0
    assert "Against words on set: 4 queries" in capsys.readouterr().out
    assert main(["evaluate", "--list", *home]) == 0
    listed = capsys.readouterr().out
    assert "best" in listed
    assert main(["evaluate", "list", *home]) == 0
    assert capsys.readouterr().out == listed
    assert main(["evaluate", "compare", "words", "best", *home]) == 0
    assert "Against words on set: 4 queries" in capsys.readouterr().out
    assert main(["evaluate", "show", "words", *home]) == 0
    assert "words on set: 4 queries" in capsys.readouterr().out
    assert main(["evaluate", "show", "best", *home, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == numbers
    for wrong, words in [
        (["evaluate", *home], "RETRIEVER QRELS"),
        (["evaluate", "words", "nowhere", *home], "no file or folder of judgements"),
        (["evaluate", "show", *home], "name one"),
        (["evaluate", "show", "nope", *home], "No evaluation called"),
        (["evaluate", "compare", *home], "baseline"),
        (["evaluate", "words", str(beir), "best", *home], "What is 'best' for"),
        (["evaluate", "words", str(beir), "--home", str(tmp_path / "none")], "no lab at"),
        (["evaluate", "words", str(beir), *home, "--csv", "no/such/t.csv"], "no such folder"),
    ]:
        assert main(wrong) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


# ---------------------------------------------------------------- over HTTP


@pytest.fixture
def ask(lab: Lab, place: Path) -> Iterator[Client]:
    client = client_of(place, LocalServices(place))
    with client.http:  # one event loop for all requests: evaluations go on between them
        yield client


def dataset(name: str, **changes):
    queries = [
        {
            "query_id": key,
            "query_input": {"query_text": text},
            "relevant_documents": list(QRELS[key]),
            "relevance_scores": QRELS[key],
        }
        for key, text in QUERIES.items()
    ]
    return {"dataset_name": name, "queries": queries, **changes}


def finished(ask: Client, retriever: str, started) -> dict:
    path = f"/retrievers/{retriever}/evaluations/{started['evaluation_id']}"
    for _ in range(200):
        found = ask("GET", path)
        if found["status"] not in ("pending", "in_progress"):
            return found
        time.sleep(0.02)
    raise AssertionError("it does not end")


def start(ask: Client, retriever: str, body):
    answer = ask.send("POST", f"/retrievers/{retriever}/evaluations", body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_the_official_client_reads_what_the_api_measures(ask, lab):
    from mixpeek.models.create_dataset_request import CreateDatasetRequest
    from mixpeek.models.dataset_list_response import DatasetListResponse
    from mixpeek.models.evaluation_dataset import EvaluationDataset
    from mixpeek.models.evaluation_list_response import EvaluationListResponse
    from mixpeek.models.evaluation_record import EvaluationRecord
    from mixpeek.models.start_evaluation_response import StartEvaluationResponse

    sent = CreateDatasetRequest.from_dict(dataset("golden")).to_dict()
    made = EvaluationDataset.from_dict(ask("POST", "/retrievers/evaluations/datasets", sent))
    assert made.query_count == 4
    listed = DatasetListResponse.from_dict(ask("GET", "/retrievers/evaluations/datasets"))
    assert made in listed.datasets
    assert ask("GET", "/retrievers/evaluations/datasets/golden")["dataset_id"] == made.dataset_id
    config = {"metrics": ["precision", "recall", "f1", "map", "ndcg", "mrr"], "k_values": [1, 2]}
    body = {"dataset_name": "golden", "evaluation_config": config}
    started = StartEvaluationResponse.from_dict(start(ask, "words", body))
    found = finished(ask, "words", started.to_dict())
    assert found["status"] == "completed"
    task = ask("GET", f"/tasks/{started.task_id}")
    assert (task["status"], task["outputs"]) == ("COMPLETED", [started.evaluation_id])
    ask.refused(404, "NotFoundError", "GET", "/tasks/task_ev_nothing")
    record = EvaluationRecord.from_dict(found)
    assert record.metrics_by_k["1"]["precision"] == pytest.approx(2 / 4)
    assert record.metrics_by_k["2"]["recall"] == pytest.approx((0 + 0.5 + 1 + 0) / 4)
    f1 = [0, 2 * 0.5 * 0.5 / 1, 2 * 0.5 * 1 / 1.5, 0]
    assert record.metrics_by_k["2"]["f1"] == pytest.approx(sum(f1) / 4)
    assert record.overall_metrics["mrr"] == pytest.approx((1 / 3 + 1 + 1) / 4)
    assert (record.evaluated_queries, record.skipped_queries) == (4, 0)
    assert {each.status for each in record.query_results} == {"evaluated"}
    page = "/retrievers/words/evaluations?status=completed&dataset_name=golden"
    listed = EvaluationListResponse.from_dict(ask("GET", page))
    assert [each.evaluation_id for each in listed.evaluations] == [started.evaluation_id]
    # What the server measured, the notebook can compare.
    here = lab.evaluate("words", QRELS, {k: {"query_text": v} for k, v in QUERIES.items()},
                        measures=["RR"])  # fmt: skip
    assert lab.evaluations.compare(started.evaluation_id, here).changes[0].difference == 0


def test_the_api_refuses_what_it_cannot_measure(ask):
    datasets = "/retrievers/evaluations/datasets"
    ask("POST", datasets, dataset("small"))
    ask.refused(409, "ConflictError", "POST", datasets, dataset("small"))
    for changes, word in [
        ({"queries": []}, "at least one"),
        ({"queries": [{"query_id": "q"}]}, "queries[0].relevant_documents"),
        ({"queries": dataset("x")["queries"][:1] * 2}, "twice"),
        ({"colour": "red"}, "colour"),
    ]:
        error = ask.refused(422, "BodyError", "POST", datasets, dataset("other", **changes))
        assert word in str(error)
    path = "/retrievers/words/evaluations"
    ask.refused(404, "NotFoundError", "POST", path, {"dataset_name": "nothing"})
    ask.refused(422, "BodyError", "POST", path, {})
    wrong = {"dataset_name": "small", "evaluation_config": {"metrics": ["bleu"]}}
    assert "bleu" in str(ask.refused(422, "BodyError", "POST", path, wrong))
    strange = dataset("strange")
    for query in strange["queries"]:
        query |= {"relevant_documents": ["nowhere"], "relevance_scores": None}
    ask("POST", datasets, strange)
    error = ask.refused(422, "InvalidInputError", "POST", path, {"dataset_name": "strange"})
    assert "None of the 1 judged documents" in error["message"]
    ask.refused(404, "NotFoundError", "GET", f"{path}/ev_nothing")


def test_the_api_compares_what_was_measured(ask, lab):
    words, best = (lab.evaluate(each, QRELS, QUERIES).evaluation_id for each in ("words", "best"))
    body = {"baseline": words, "others": [best], "measures": ["RR"], "test": "randomisation"}
    found = ask("POST", "/evaluations/compare", body)
    [change] = found["changes"]
    assert (change["evaluation_id"], change["won"], change["lost"]) == (best, 0, 1)
    # Of the 2⁴ swaps, all are as far from 0: one query differs.
    assert (change["p"], found["correction"]) == (1.0, "holm")
    assert change["difference"] == pytest.approx(-1 / 12)
    path = "/evaluations/compare"
    ask.refused(404, "NotFoundError", "POST", path, {**body, "others": ["ev_nothing"]})
    for wrong in ({"others": [3]}, {"others": None}, {"baseline": 1}, {"measures": [1]}, {"x": 1}):
        ask.refused(422, "BodyError", "POST", path, {**body, **wrong})
    for wrong in ({"test": "sign"}, {"correction": "x"}, {"others": []}, {"measures": ["P@3"]}):
        ask.refused(422, "InvalidInputError", "POST", path, {**body, **wrong})


def test_a_dataset_is_made_of_clicks(ask, lab):
    for query, times in (("river", 3), ("money", 2), ("fox", 1)):
        for _ in range(times):
            lab.interactions.record(lab.search("words", query), 1, "click")
    lab.interactions.record(lab.search("words", "fox"), 1, "skip")
    path = "/retrievers/words/evaluations/generate-from-interactions"
    made = ask("POST", path, {"dataset_name": "clicked", "min_interactions": 2})
    assert [q["query_input"] for q in made["queries"]] == [{"query": "river"}, {"query": "money"}]
    first = lab.search("words", "money").hits[0].document_id
    assert made["queries"][1]["relevant_documents"] == [first]
    assert finished(ask, "words", start(ask, "words", {"dataset_name": "clicked"}))[
        "overall_metrics"
    ]["mrr"] == pytest.approx(1.0)
    error = ask.refused(422, "InvalidInputError", "POST", path)
    assert "has 5 positive interactions" in error["message"]
    wrong = {"positive_interaction_types": ["clik"]}
    assert "clik" in str(ask.refused(422, "BodyError", "POST", path, wrong))
    ask.refused(422, "BodyError", "POST", path, {"min_interactions": 0})
    lab.interactions.clear("words")


def test_an_evaluation_that_a_server_left_behind_is_marked(ask, lab, place):
    record = lab.retriever("words", BM25)
    lost = Catalog(place / "catalog.sqlite").begin_evaluation("words", record.retriever_id, {})
    Backend(place, LocalServices(place)).evaluations.close_lost()
    found = ask("GET", f"/retrievers/words/evaluations/{lost}")
    assert (found["status"], "server was stopped" in found["error_message"]) == ("failed", True)
    assert lost not in [each.evaluation_id for each in lab.evaluations.list()]


def test_an_evaluation_is_marked_when_its_server_stops(ask, lab, place):
    ask("POST", "/retrievers/evaluations/datasets", dataset("stopped"))
    backend = Backend(place, LocalServices(place))
    body = {"dataset_name": "stopped"}
    started = asyncio.run(backend.evaluations.start("words", body))  # its loop ends at once
    found = ask("GET", f"/retrievers/words/evaluations/{started['evaluation_id']}")
    assert (found["status"], "server was stopped" in found["error_message"]) == ("failed", True)


def test_predictions_are_scored_without_being_kept(ask):
    from mixpeek.models.score_predictions_response import ScorePredictionsResponse

    body = {"predicted": ["a", "b", "c", "a"], "ground_truth": ["a", "d"]}
    found = ScorePredictionsResponse.from_dict(ask("POST", "/evaluations/score", body))
    third, half = 1 / 3, 1 / 2
    assert found.aggregate == {
        "precision": pytest.approx(third),
        "recall": half,
        "f1": pytest.approx(2 * third * half / (third + half)),
        "f2": pytest.approx(5 * third * half / (4 * third + half)),
    }
    items = [{"predicted": ["a"], "ground_truth": ["a"]}, {"predicted": [], "ground_truth": ["a"]}]
    many = ask("POST", "/evaluations/score", {"items": items, "metrics": ["recall"], "k": 1})
    assert (many["count"], many["aggregate"]) == (2, {"recall": 0.5})
    for wrong in ({}, {**body, "items": items}, {"items": []}, {**body, "metrics": ["x"]},
                  {**body, "k": 0}, {"items": [3]}):  # fmt: skip
        ask.refused(422, "BodyError", "POST", "/evaluations/score", wrong)
    assert ask("GET", "/evaluations")["score"] == "/v1/evaluations/score"
