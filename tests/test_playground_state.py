"""The playground's state from Python: config, cell, code."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Event, Thread, Timer

import pytest
import yaml
from playground_parts import fused, leg, payload_of
from widget_messages import body_of

from mixpeek_lab.errors import FilterError, InvalidInputError, RetrieverError
from mixpeek_lab.evaluation import bootstrap_interval, paired_p_value, read_judgements
from mixpeek_lab.metrics import MEASURES, evaluate, run_from_rankings
from mixpeek_lab.retrievers import parse_retriever
from mixpeek_lab.widgets.playground import Playground, Support
from mixpeek_lab.widgets.playground.sweeping import split

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


# ---------------------------------------------------------------- judgements


def judge(pg, query, **grades):
    pg.query = query
    for key, grade in grades.items():
        pg._on_message(pg, {"id": "1", "type": "judge", "document_id": key, "grade": grade}, [])


def answers(pg, kind, **message):
    """What a request of the view is answered with."""
    sent = []
    pg.send = lambda header, buffers=None: sent.append((header, buffers))
    pg._on_message(pg, {"id": "1", "type": kind, **message}, [])
    assert sent[-1][0]["ok"], sent[-1][0]
    return body_of(sent[-1:])


@pytest.mark.parametrize("layout", ["beir", "trec"])
def test_judgements_are_saved_as_others_read_them(pg, tmp_path, layout):
    judge(pg, "first words", a=3, b=0)
    judge(pg, "second", c=1)
    assert pg.qrels == {"q1": {"a": 3, "b": 0}, "q2": {"c": 1}}
    assert pg.queries == {"q1": "first words", "q2": "second"}
    place = pg.save_qrels(tmp_path / "judged", layout)
    found = read_judgements(place)
    assert (found.qrels, found.queries) == (pg.qrels, pg.queries)
    other = Playground(Search(), "docs")
    other.qrels = place
    assert (other.qrels, other.queries) == (pg.qrels, pg.queries)


def test_undo_takes_back_one_by_one(pg):
    judge(pg, "text", a=1)
    judge(pg, "text", a=3)
    judge(pg, "other", b=2)
    assert answers(pg, "undo")["undone"] == ["other", "b"]
    answers(pg, "undo")
    assert pg.qrels == {"q1": {"a": 1}}
    answers(pg, "undo")
    assert (pg.qrels, answers(pg, "undo")["undone"]) == ({}, None)


def test_wrong_judgements_are_refused(pg, tmp_path):
    with pytest.raises(InvalidInputError, match="no judgements to save"):
        pg.save_qrels(tmp_path / "x")
    judge(pg, "text", a=7)
    assert pg.qrels == {}
    pg.qrels = ({"a b": {"d": 1}}, {"a b": "words"})
    with pytest.raises(InvalidInputError, match="one word"):
        pg.save_qrels(tmp_path / "x", "trec")
    with pytest.raises(InvalidInputError, match="layout"):
        pg.save_qrels(tmp_path / "x", "csv")


def test_judgements_from_elsewhere_name_documents_by_their_own_ids(search):
    def named(request):
        payload = search(request)
        for key, document in payload["documents"].items():
            document["fields"]["_id"] = f"corpus-{key}"
        return payload

    pg = Playground(named, "docs", "text")
    pg.qrels = ({"17": {"corpus-c": 2, "corpus-zz": 1}}, {"17": "text"})
    assert answers(pg, "current")["grades"] == {"c": 2}
    judge(pg, "text", a=1)
    assert pg.qrels["17"] == {"corpus-c": 2, "corpus-zz": 1, "corpus-a": 1}


def varied(request):
    """Each query finds the documents in another order."""
    place = len(request["query"]) % 4
    ids = "abcdefgh"[place:] + "abcdefgh"[:place]
    return payload_of(
        [leg("dense", ids, range(8, 0, -1)), leg("words", ids[::-1], range(8, 0, -1))]
    )


def test_measures_equal_those_of_the_evaluation():
    qrels = {f"q{n}": {"a": 2, "bcd"[n % 3]: 1, "h": 0} for n in range(6)}
    queries = {f"q{n}": "x" * (n + 1) for n in range(6)}
    pg = Playground(varied, "docs", "x", [{"name": "dense"}, {"name": "words"}])
    pg.qrels = (qrels, queries)
    pg.pin()
    pg.weights = {"dense": 0.2}
    while (told := answers(pg, "gather"))["done"] < told["total"]:
        pass
    found = answers(pg, "measure")
    expected = {}
    for name, weight in (("now", 0.2), ("before", 1.0)):
        run = {
            key: [e.document_id for e in fused(varied({"query": text})["legs"], "rrf", 60,
                                               {"dense": weight, "words": 1.0})]
            for key, text in queries.items()
        }  # fmt: skip
        expected[name] = evaluate(run_from_rankings(run), qrels, MEASURES).per_query
    for row in found["rows"]:
        measure = row["measure"]
        now = [expected["now"][q][measure] for q in queries]
        before = [expected["before"][q][measure] for q in queries]
        assert row["mean"] == pytest.approx(sum(now) / 6)
        assert (row["low"], row["high"]) == pytest.approx(bootstrap_interval(now))
        assert row["p"] == pytest.approx(paired_p_value(before, now))
        won = sum(b > a + 1e-9 for a, b in zip(before, now, strict=True))
        assert (row["baseline"], row["won"]) == (pytest.approx(sum(before) / 6), won)
    assert {each["id"] for each in found["queries"]} == set(queries)


def test_a_query_that_fails_counts_nothing_and_is_told():
    def search(request):
        if request["query"] == "bad":
            raise RetrieverError("no")
        return payload_of(LEGS)

    pg = Playground(search, "docs")
    pg.qrels = ({"1": {"c": 1}, "2": {"c": 1}}, {"1": "good", "2": "bad"})
    assert answers(pg, "gather")["done"] == 2
    found = answers(pg, "measure")
    assert {q["id"]: q["values"]["RR"] for q in found["queries"]} == {"1": 1.0, "2": 0.0}
    assert found["failed"] == ["no"]


# ---------------------------------------------------------------- sweeping


@pytest.mark.parametrize("strategy", ["rrf", "rrf_qdrant", "rrf_chroma", "dbsf", "weighted", "max"])
def test_every_cell_of_a_sweep_is_what_the_evaluation_measures(strategy):
    qrels = {f"q{n}": {"a": 3, "bcd"[n % 3]: 1, "h": 0, "zz": 2} for n in range(7)}
    queries = {f"q{n}": "x" * (n + 1) for n in range(7)}
    pg = Playground(varied, "docs", "x", [{"name": "dense"}, {"name": "words"}],
                    {"strategy": strategy, "k": 60})  # fmt: skip
    pg.qrels = (qrels, queries)
    x = "k" if strategy.startswith("rrf") else "dense"
    for measure in ("nDCG@10", "RR", "R@100"):
        frame = pg.sweep(x, "words", measure)
        train, held = split(sorted(queries), 0)
        for row in frame.iloc[[0, 7, 20, -1]].to_dict("records"):
            weights = {"dense": row.get("dense", 1.0), "words": row["words"]}
            k = row.get("k", 60.0)
            run = {
                key: [e.document_id for e in fused(varied({"query": text})["legs"], strategy, k,
                                                   weights)]
                for key, text in queries.items()
            }  # fmt: skip
            values = evaluate(run_from_rankings(run), qrels, [measure]).per_query
            each = [values[q][measure] for q in sorted(queries)]
            assert row["train"] == pytest.approx(sum(each[n] for n in train) / len(train))
            assert row["held_out"] == pytest.approx(sum(each[n] for n in held) / len(held))


def test_a_sweep_splits_its_queries_and_says_what_is_wrong(search):
    pg = Playground(varied, "docs", "x", [{"name": "dense"}, {"name": "words"}])
    with pytest.raises(InvalidInputError, match="judge some"):
        pg.sweep()
    pg.qrels = ({"1": {"a": 1}, "2": {"b": 1}}, {"1": "x", "2": "xx"})
    assert pg.sweep().held_out.isna().all()  # two queries are too few to hold any out
    with pytest.raises(InvalidInputError, match="is not one of k, dense, words"):
        pg.sweep("kk")
    with pytest.raises(InvalidInputError, match="choose two"):
        pg.sweep("k", "k")
    first, second = split([f"q{n}" for n in range(9)], 3)
    assert (len(first), len(second), set(first) & set(second)) == (5, 4, set())
    assert split([f"q{n}" for n in range(9)], 3) == (first, second)


def test_the_best_of_a_sweep_goes_out_as_retriever_json(search):
    pg = Playground(search, "docs", "text", support=Support(body=BODY))
    _ = pg.results
    settings = {"strategy": "rrf", "k": 5, "weights": {"dense": 0.2, "words": 1.6}}
    told = answers(pg, "code", settings=settings)["json"]
    spec = parse_retriever(told)
    assert (spec.fusion.k, [leg.weight for leg in spec.searches]) == (5, [0.2, 1.6])
    assert pg.weights["dense"] == 1.0


# ---------------------------------------------------------------- how many candidates a leg keeps


def deep_search(most=30):
    """Two legs that keep as many as they are asked for, 4 by themselves, of `most`."""
    calls = []

    def search(request):
        calls.append(request)
        kept = {"dense": 4, "words": 4, **request.get("top_k", {})}
        ids = {
            "dense": [f"d{n:02d}" for n in range(most)],
            "words": [f"d{n:02d}" for n in range(most)][::-1],
        }
        legs = [
            leg(name, ids[name][:n], [float(-i) for i in range(min(n, most))]) | {"top_k": n}
            for name, n in kept.items()
        ]
        return payload_of(legs)

    search.calls = calls
    return search


def test_less_is_cut_and_more_is_searched_for():
    search = deep_search()
    pg = Playground(search, "docs", "text")
    assert len(pg.results) == 8
    pg.top_k = {"dense": 1, "words": 2}
    assert list(pg.results.document_id) == ["d00", "d29", "d28"]
    assert [each["top_k"] for each in pg.config["legs"]] == [1, 2]
    assert len(search.calls) == 1
    pg.top_k = {"words": 6}
    assert search.calls[-1]["top_k"] == {"words": 6}
    assert list(pg.results.words_rank.dropna()) == [1, 2, 3, 4, 5, 6]
    assert list(pg.results.dense_rank.dropna()) == [1]
    pg.query = "other"
    assert search.calls[-1] == {
        "query": "other", "limit": 10, "filters": None, "top_k": {"words": 6},
    }  # fmt: skip


def test_a_leg_that_is_exhausted_is_not_asked_again():
    search = deep_search(most=3)
    pg = Playground(search, "docs", "text")
    assert len(pg.results) == 3
    pg.top_k = {"dense": 500}
    assert len(pg.results) == 3
    assert len(search.calls) == 1


@pytest.mark.parametrize("value", [0, 2.5, "7", True, 10_001, None])
def test_a_top_k_that_is_none_is_refused(pg, value):
    _ = pg.results
    with pytest.raises(InvalidInputError, match=r"top_k\['words'\]"):
        pg.top_k = {"words": value}
    with pytest.raises(InvalidInputError, match="no leg 'wrds'"):
        pg.top_k = {"wrds": 5}


def test_top_k_goes_into_the_cell_the_baseline_and_back(pg, search):
    _ = pg.results
    pg.top_k = {"dense": 2}
    pg.pin()
    assert pg.baseline["top_k"] == {"dense": 2, "words": 100}
    spec = parse_retriever(yaml.safe_load(pg.cell.partition("\n")[2]), "docs")
    assert [each.top_k for each in spec.searches] == [2, 100]
    other = Playground(search, "docs", "text", support=Support(body=BODY))
    other.config = json.loads(json.dumps(pg.config))
    assert list(other.results.document_id) == list(pg.results.document_id)
    assert other.config == pg.config


def test_the_numbers_and_the_sweep_count_the_candidates_that_are_kept():
    search = deep_search()
    pg = Playground(search, "docs", "text", limit=30)
    _ = pg.results
    pg.qrels = ({"q": {"d05": 1}}, {"q": "text"})
    frames = {}
    for depth in (4, 8):
        pg.top_k = {"dense": depth, "words": depth}
        frames[depth] = pg.sweep("dense", "words", measure="R@100")
        assert set(frames[depth].train) <= {0.0, float(depth == 8)}
    told = pg._answers.sweep("dense", "words", "RR", 0)
    while not told.is_done:
        told.step()
    assert told.told()["settings"]["top_k"] == {"dense": 8, "words": 8}


def test_a_glance_has_the_means_of_the_whole_table(pg):
    search = deep_search()
    pg = Playground(search, "docs", "text", limit=30)
    _ = pg.results
    pg.qrels = ({"a": {"d03": 2, "d26": 1}, "b": {"d02": 1}}, {"a": "text", "b": "other"})
    handlers = pg._handlers
    handlers["gather"]({})
    for words, depth in ((1, 4), (0.2, 4), (0, 4), (0.7, 3)):
        pg.weights, pg.top_k = {"words": words}, {"dense": depth}
        asked = {"strategy": "rrf", "k": pg.k, "weights": dict(pg.weights), "top_k": pg.top_k}
        rows = {row["measure"]: row["mean"] for row in handlers["measure"]({})["rows"]}
        assert handlers["glance"](asked)["means"] == pytest.approx(rows)


def test_a_query_from_python_waits_for_the_view_s_search_on_another_thread():
    """JupyterLab answers a view beside the cell that runs: what was set last stands."""
    has_begun, may_end = Event(), Event()

    def search(request):
        if request["query"] == "slow":
            has_begun.set()
            assert may_end.wait(10)
        return payload_of([leg("words", [f"{request['query']}_doc"], [1.0])])

    widget = Playground(search, "docs", "first")
    message = {"id": "a", "type": "search", "query": "slow"}
    view = Thread(target=widget._on_message, args=(widget, message, []))
    view.start()
    assert has_begun.wait(10)
    Timer(0.1, may_end.set).start()
    widget.query = "quick"
    view.join(10)
    assert list(widget.results.document_id) == ["quick_doc"]
