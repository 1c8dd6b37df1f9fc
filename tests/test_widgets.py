"""Widgets without a browser: messages, state, static doubles, and the JS fusion in node."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbclient
import nbformat
import pytest
from widget_messages import body_of

from mixpeek_lab.errors import InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.fusion import DIALECTS, fuse
from mixpeek_lab.models import Failure, Leg, Progress, RunReport, Unusable
from mixpeek_lab.widgets import (
    Playground,
    RunProgress,
    format_progress,
    format_report,
    report_html,
    results_html,
    results_text,
    table_text,
)
from mixpeek_lab.widgets.messages import PART_BYTES, answer, encode, reply

ROOT = Path(__file__).resolve().parents[1]
WIDGETS = ROOT / "mixpeek_lab" / "widgets"
VIEW = "application/vnd.jupyter.widget-view+json"

EVIL = "<img src=x onerror=alert(1)>&\"'"
FIELDS = {
    "a": {"title": "Alpha", "data": "the first text", "year": 1999},
    "b": {"title": EVIL, "data": f"second {EVIL} text"},
    "c": {"title": "Gamma", "data": "third"},
    "d": {"title": "Delta", "data": "fourth"},
}


def leg(name, ids, scores, weight=1.0, kind="dense"):
    return {
        "name": name, "kind": kind, "feature_uri": "", "metric": "cosine", "weight": weight,
        "top_k": 100, "milliseconds": 1.5, "document_ids": list(ids), "scores": scores,
    }  # fmt: skip


def as_leg(value):
    return Leg(
        value["name"],
        value["kind"],
        value["weight"],
        tuple(value["document_ids"]),
        tuple(value["scores"]),
    )


def payload_of(legs, limit=10, hits=None, strategy="rrf", k=60, **more):
    fused = fuse([as_leg(each) for each in legs], strategy, k=float(k))
    own = [
        {
            "document_id": each.document_id,
            "rank": rank,
            "score": each.score,
            "contributions": [
                {name: getattr(part, name) for name in part.__slots__}
                for part in each.contributions
            ],
        }
        for rank, each in enumerate(fused[:limit], start=1)
    ]
    return {
        "execution_id": "exec_1",
        "retriever": "docs",
        "query": {"query_text": "text"},
        "fusion": {"strategy": strategy, "k": k},
        "legs": legs,
        "documents": {
            key: {"fields": FIELDS.get(key, {}), "lineage": {}, "collection_id": "col"}
            for each in legs
            for key in each["document_ids"]
        },
        "hits": own if hits is None else hits,
        "spans": [{"name": "fuse", "milliseconds": 0.1, "rows_in": 4, "rows_out": 4}],
        "total": len(fused),
        "warnings": [],
        "text_field": "data",
        **more,
    }


LEGS = [
    leg("dense", "abc", [0.9, 0.8, 0.7]),
    leg("words", "cdb", [9.0, 5.0, 1.0], kind="lexical"),
]


class Search:
    def __init__(self, payload=None, error=None):
        self.payload, self.error, self.calls = payload or payload_of(LEGS), error, []

    def __call__(self, request):
        self.calls.append(request)
        if self.error is not None:
            raise self.error
        return self.payload


@pytest.fixture
def sent(monkeypatch):
    """Every message a widget sends down: (header, buffers)."""
    messages = []
    monkeypatch.setattr(
        Playground, "send", lambda _w, content, buffers=None: messages.append((content, buffers))
    )
    return messages


def ask(widget, **message):
    """A message from the view, the way ipywidgets hands it over."""
    widget._handle_msg(
        {"content": {"data": {"method": "custom", "content": message}}, "buffers": []}
    )


# ---------------------------------------------------------------- messages


def test_a_search_request_is_answered_with_its_id_and_the_payload_as_one_buffer(sent):
    search = Search()
    widget = Playground(search, retriever="docs")
    ask(widget, id="v-1", type="search", query="text")
    assert search.calls == [{"query": "text", "limit": 10, "filters": None}]
    header, buffers = sent[-1]
    assert (header["id"], header["ok"], header["parts"], len(buffers)) == ("v-1", True, 1, 1)
    assert body_of(sent)["payload"]["documents"]["a"]["fields"]["title"] == "Alpha"
    assert widget.query == "text"
    assert len(search.calls) == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NotFoundError("retriever", "docz", ["docs"]), "Did you mean 'docs'?"),
        (ValueError("the index burned"), "ValueError: the index burned"),
        (KeyboardInterrupt(), "Interrupted."),
    ],
)
def test_an_error_of_the_search_is_a_reply_and_the_widget_lives_on(sent, error, message):
    search = Search(error=error)
    widget = Playground(search, retriever="docs")
    ask(widget, id="v-1", type="search", query="text")
    header, buffers = sent[-1]
    assert (header["id"], header["ok"], buffers) == ("v-1", False, None)
    assert message in header["error"]["message"]
    search.error = None
    ask(widget, id="v-2", type="search", query="text")
    assert sent[-1][0]["ok"] is True


def test_an_unknown_request_is_refused_by_name(sent):
    ask(Playground(Search(), retriever="docs"), id="v-1", type="dance")
    assert "'dance'" in sent[-1][0]["error"]["message"]


def test_an_empty_query_does_not_search(sent):
    search = Search()
    ask(Playground(search, retriever="docs"), id="v-1", type="search", query="  ")
    assert search.calls == []
    assert body_of(sent)["payload"] is None


def test_a_long_body_is_compressed_and_cut_into_messages_that_join_to_the_same(monkeypatch):
    noise = random.Random(1)
    body = {"text": [noise.random() for _ in range(300_000)]}
    messages = list(reply("v-1", body).messages())
    assert len(messages) > 1
    assert all(len(buffers[0]) <= PART_BYTES for _, buffers in messages)
    assert [header["part"] for header, _ in messages] == list(range(len(messages)))
    assert body_of(messages) == body


def test_bodies_are_valid_json_whatever_is_in_them():
    import numpy as np

    body = {"nan": float("nan"), "inf": [np.float32("inf")], "n": np.int64(3), "p": Path("x")}
    assert json.loads(encode(body)) == {"nan": None, "inf": [None], "n": 3, "p": "x"}
    assert json.loads(encode({"n": np.int64(3), "s": "\ud800"})) == {"n": 3, "s": "?"}


def test_a_body_that_is_no_json_is_an_error_reply():
    told = answer({"search": lambda _: {"found": {(1, 2): 3}}}, {"id": "a", "type": "search"})
    assert told.header["id"] == "a"
    assert not told.header["ok"]
    assert "TypeError" in told.header["error"]["message"]


def test_answer_reports_the_time_that_the_kernel_spent():
    header = answer({"x": lambda _m: 1}, {"id": "1", "type": "x"}).header
    assert header["milliseconds"] >= 0


# ---------------------------------------------------------------- state


def test_setting_the_query_searches_once_and_pushes_the_answer(sent):
    search = Search()
    widget = Playground(search, retriever="docs")
    widget.query = "text"
    assert [call["query"] for call in search.calls] == ["text"]
    assert sent[-1][0]["id"] == "push"
    assert list(widget.results.document_id) == ["c", "b", "a", "d"]
    assert len(search.calls) == 1


def test_results_follow_weights_k_strategy_and_limit_without_searching_again():
    search = Search()
    widget = Playground(search, retriever="docs", query="text")
    assert list(widget.results.document_id) == ["c", "b", "a", "d"]
    widget.weights = {"words": 0}
    assert list(widget.results.document_id) == ["a", "b", "c"]
    assert widget.weights == {"dense": 1.0, "words": 0.0}
    widget.weights = {"words": 1.0}
    widget.strategy, widget.limit = "weighted", 2
    frame = widget.results
    assert list(frame.document_id) == ["c", "d"]
    assert frame.score.tolist() == pytest.approx([9.7, 5.0])
    assert frame.words_rank.tolist() == [1, 2]
    assert frame.dense_rank.isna().tolist() == [False, True]
    assert frame.title.tolist() == ["Gamma", "Delta"]
    assert len(search.calls) == 1


def test_the_retrievers_own_order_stands_until_a_control_moves():
    reranked = list(reversed(payload_of(LEGS)["hits"]))
    own = [{**hit, "rank": rank} for rank, hit in enumerate(reranked, start=1)]
    widget = Playground(Search(payload_of(LEGS, hits=own)), retriever="docs", query="text")
    assert list(widget.results.document_id) == ["d", "a", "b", "c"]
    widget.k = 10
    assert list(widget.results.document_id) == ["c", "b", "a", "d"]


def test_fusion_and_weights_come_from_the_retriever_unless_they_are_given():
    payload = payload_of([leg("dense", "abc", [3, 2, 1], weight=0.3)], strategy="dbsf")
    widget = Playground(Search(payload), retriever="docs", query="text")
    widget.results  # noqa: B018 - runs the first query
    assert (widget.strategy, widget.weights) == ("dbsf", {"dense": 0.3})
    given = Playground(
        Search(payload), "docs", "text", legs=[{"name": "dense", "weight": 2}],
        fusion={"strategy": "rrf", "k": 5},
    )  # fmt: skip
    given.results  # noqa: B018
    assert (given.strategy, given.k, given.weights) == ("rrf", 5.0, {"dense": 2.0})


def test_config_is_the_state_as_a_retriever_would_say_it():
    widget = Playground(Search(), retriever="docs", query="text", filters={"field": "year"})
    widget.results  # noqa: B018
    widget.weights, widget.k = {"words": 0.5}, 20
    config = widget.config
    assert config["fusion"] == {"strategy": "rrf", "k": 20}
    assert [(each["name"], each["weight"]) for each in config["legs"]] == [
        ("dense", 1.0),
        ("words", 0.5),
    ]
    assert (config["query"], config["filters"]) == ("text", {"field": "year"})
    assert json.loads(json.dumps(config)) == config


def test_results_raise_what_the_search_raised():
    widget = Playground(Search(error=RetrieverError("no leg")), retriever="docs", query="text")
    with pytest.raises(RetrieverError, match="no leg"):
        _ = widget.results


def test_impossible_state_is_refused():
    widget = Playground(Search(), retriever="docs", query="text")
    widget.results  # noqa: B018
    with pytest.raises(RetrieverError, match="Did you mean 'rrf'"):
        widget.strategy = "rfr"
    with pytest.raises(InvalidInputError, match="the legs are dense, words"):
        widget.weights = {"dens": 1}
    with pytest.raises(RetrieverError, match="must be 0"):
        widget.weights = {"dense": -1}
    assert (widget.strategy, widget.weights["dense"]) == ("rrf", 1.0)


def test_long_texts_are_cut_for_the_view_only(sent):
    payload = payload_of(LEGS)
    payload["documents"]["a"]["fields"] = {"data": "x" * 50_000}
    widget = Playground(Search(payload), retriever="docs")
    ask(widget, id="v-1", type="search", query="text")
    assert len(body_of(sent)["payload"]["documents"]["a"]["fields"]["data"]) == 4001
    frame = widget.results
    assert len(frame[frame.document_id == "a"].data.item()) == 50_000


# ---------------------------------------------------------------- static doubles


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def test_results_text_lists_ranks_per_leg():
    text = results_text(payload_of(LEGS))
    lines = text.splitlines()
    assert lines[0] == "docs: “text”, 4 of 4 results (rrf, k=60)"
    assert lines[1].split() == ["rank", "score", "dense", "words", "document"]
    assert lines[2].split()[:4] == ["1", "0.03227", "3", "1"]
    [last] = [line for line in lines if "Delta" in line]
    assert last.split()[:4] == ["4", "0.01613", "–", "2"]


def test_results_html_escapes_everything():
    payload = payload_of(LEGS, warnings=[EVIL], query={"query_text": EVIL})
    found = Tags(results_html(payload, title=EVIL, code=f"%playground {EVIL}"))
    assert "img" not in found.tags
    assert "script" not in found.tags
    assert found.text.count(EVIL) >= 4


def test_control_and_direction_characters_do_not_reach_a_terminal():
    payload = payload_of(LEGS)
    payload["documents"]["a"]["fields"] = {"data": "red \x1b[31m and \u202e turned"}
    text = results_text(payload)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_table_text_puts_numbers_to_the_right():
    assert table_text(["n", "w"], [["1", "a"], ["10", "bb"]]).splitlines() == [
        " n  w",
        " 1  a",
        "10  bb",
    ]


def run_notebook(folder, *cells):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    setup = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests' / 'browser')!r}]"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(setup))
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def test_a_saved_notebook_keeps_text_and_html_beside_the_view(tmp_path):
    notebook = run_notebook(
        tmp_path,
        "import os; os.environ['VOILA_APP_IP'] = '127.0.0.1'  # runs cells, and shows widgets\n"
        "from mixpeek_lab.widgets import Playground\nfrom sample_search import SampleSearch\n"
        "Playground(SampleSearch(), 'docs', 'parse json', code='%playground docs')",
        "from mixpeek_lab.models import Progress, RunReport\n"
        "from mixpeek_lab.widgets import RunProgress\n"
        "bar = RunProgress('docs')\nbar.show()\nbar.update(Progress(10, 5))\n"
        "bar.finish(RunReport('run_1', 'docs', 'completed', 10, 0, 10, 10))",
    )
    data = notebook.cells[1].outputs[0].data
    assert data[VIEW]["model_id"]
    assert "json.loads" in data["text/plain"]
    assert "json.loads" in data["text/html"]
    assert "<code>%playground docs</code>" in data["text/html"]
    shown = [output.data for output in notebook.cells[2].outputs if "data" in output]
    assert all("docs: completed" in each["text/plain"] for each in shown)
    assert VIEW in shown[0]


def test_a_failed_or_missing_query_has_a_static_double_too():
    failed = Playground(Search(error=ValueError(EVIL)), "docs", "text", code="%playground docs")
    data, _ = failed._repr_mimebundle_()
    assert EVIL in data["text/plain"]
    assert "img" not in Tags(data["text/html"]).tags
    assert "%playground docs" in data["text/html"]
    data, _ = Playground(Search(), "docs")._repr_mimebundle_()
    assert data["text/plain"] == "Playground('docs', query='')"


# ---------------------------------------------------------------- runs

REPORT = RunReport(
    "run_1", "docs", "completed_with_errors", rows_in=1200, reused=200, processed=1000,
    documents=1190, failed=5, removed=3, vectors={"embedding": 1188}, left_out={"embedding": 2},
    unusable={"embedding": Unusable(missing=1, zero=1)},
    failures=(
        Failure("obj_1", "doc_1", "embed", "ValueError", f"bad {EVIL}", "core.py:14 in __call__"),
        Failure("obj_2", "doc_2", "embed", "KeyError", "'text'"),
        Failure("obj_3", "doc_3", "embed", "KeyError", "'text'"),
    ),
    notes=("It ran on the CPU: there is no GPU here.",), seconds=75.2, rows_per_second=13.3,
)  # fmt: skip


def test_format_report_says_what_happened_without_timings():
    text = format_report(REPORT)
    assert text.startswith("docs: completed with errors\n")
    facts = dict(line.strip().split("  ", 1) for line in text.splitlines()[1:5])
    assert {name: value.strip() for name, value in facts.items()} == {
        "rows in": "1,200", "reused": "200", "processed": "1,000 rows: 995 done, 5 failed",
        "documents": "1,190",
    }  # fmt: skip
    assert "1,188 (left out: 1 missing, 1 all zeros)" in text
    assert text.index("KeyError × 2") < text.index("ValueError × 1") < text.index("other × 2")
    assert f"obj_1 in embed: bad {EVIL} (core.py:14 in __call__)" in text
    assert "note: It ran on the CPU" in text
    assert "13.3" not in text
    assert "1 min 15 s" in format_report(REPORT, timings=True)


def test_format_progress_leaves_timings_out_unless_asked():
    progress = Progress(1000, 250, failed=2, documents=248, seconds=10, phase="embedding")
    plain = "embedding: 250/1,000 rows, 248 documents, 2 failed"
    assert format_progress(progress) == plain
    assert format_progress(progress, timings=True) == f"{plain}, 25.0 rows/s, 30 s left"
    assert format_progress(Progress(0)) == "starting: 0/0 rows, 0 documents"


def test_report_html_escapes_everything():
    found = Tags(report_html(REPORT))
    assert "img" not in found.tags
    assert EVIL in found.text


def test_progress_reaches_the_view_ten_times_a_second_at_most(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("mixpeek_lab.widgets.progress.monotonic", lambda: now[0])
    bar = RunProgress("docs")
    states = []
    bar.observe(lambda change: states.append(change["new"]), "state")
    for done in range(1000):
        now[0] += 0.001
        bar.update(Progress(1000, done, phase="embedding", seconds=now[0] - 100))
    assert 9 <= len(states) <= 11
    assert bar.progress.done == 999
    bar.finish(REPORT)
    assert states[-1]["report"]["words"] == "completed with errors"
    assert bar.report is REPORT
    count = len(states)
    bar.update(Progress(1000, 1000))
    assert len(states) == count


# ---------------------------------------------------------------- the browser's fusion, in node

NODE = """
import {{ prepareLegs, fuse, explain, figure, formula }} from {module};
import {{ readFileSync }} from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const answers = cases.map(({{ legs, strategy, k, weights }}) => {{
  const prepared = prepareLegs(legs);
  const choice = {{ strategy, k, weights }};
  return fuse(prepared, choice).map(({{ id, score }}) => {{
    const parts = explain(prepared, choice, id);
    return {{ id, score, parts, formula: formula(prepared, choice, parts, score) }};
  }});
}});
process.stdout.write(JSON.stringify(answers));
"""


def in_node(cases):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser tests compare the fusions too")
    script = NODE.format(module=json.dumps((WIDGETS / "fusion.js").as_uri()))
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        input=json.dumps(cases), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random_case(seed):
    """Legs with ties, equal scores, repeated and missing documents, and ids beyond ASCII."""
    draw = random.Random(seed)
    pool = [f"doc_{n}" for n in range(30)] + ["é", "\uffee", "\U0001f600", "z", "Z", ""]
    legs = []
    for number in range(draw.randint(1, 5)):
        ids = draw.choices(pool, k=draw.randint(0, 25))
        spread = draw.choice([0.0, 1e-9, 1.0, 1e6])
        scores = sorted(
            (draw.choice([draw.random() - 0.3, 0.5]) * spread for _ in ids), reverse=True
        )
        legs.append(leg(f"leg{number}", ids, scores, weight=draw.choice([0, 0.5, 1, 1.7])))
    weights = {each["name"]: draw.choice([0, 0.25, 1.3]) for each in legs if draw.random() < 0.5}
    strategy = draw.choice(["rrf", "dbsf", "weighted", "max", *DIALECTS])
    return {"legs": legs, "strategy": strategy, "k": draw.choice([1, 2, 60.5]), "weights": weights}


def test_the_browsers_fusion_equals_pythons():
    cases = [random_case(seed) for seed in range(600)]
    for case, got in zip(cases, in_node(cases), strict=True):
        expected = fuse(
            [as_leg(each) for each in case["legs"]],
            case["strategy"],
            k=case["k"],
            weights=case["weights"],
        )
        assert [each["id"] for each in got] == [each.document_id for each in expected]
        for mine, theirs in zip(got, expected, strict=True):
            assert mine["score"] == pytest.approx(theirs.score, rel=1e-12, abs=1e-12)
            for part, other in zip(mine["parts"], theirs.contributions, strict=True):
                assert (part["leg"], part["rank"]) == (other.leg, other.rank)
                for name in ("score", "normalised", "weight", "contribution"):
                    value = getattr(other, name)
                    if value is None:
                        assert part[name] is None
                    else:
                        assert part[name] == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_the_browser_fuses_learned_with_the_weights_that_were_drawn():
    legs = [leg("x", "pqa", [3, 2, 1], weight=1.4), leg("y", "ab", [7, 1], weight=0.6)]
    [got] = in_node([{"legs": legs, "strategy": "learned", "k": 60, "weights": {}}])
    expected = fuse([as_leg(each) for each in legs], "rrf")
    assert [(e["id"], e["score"]) for e in got] == [(e.document_id, e.score) for e in expected]


def test_the_formula_shows_its_numbers():
    legs = [leg("x", ["p", "q", "a"], [3, 2, 1]), leg("y", ["a"], [7], weight=0.5)]
    case = {"legs": legs, "strategy": "rrf", "k": 60, "weights": {}}
    found = {hit["id"]: hit["formula"] for hit in in_node([case])[0]}
    assert found["a"] == "1.0/(60+3) + 0.5/(60+1) = 0.02407"
    names = {"rrf_llamaindex": 60, "rrf_qdrant": 2, "dbsf_qdrant": 60, "rrf_chroma": 60}
    told = in_node([{**case, "strategy": name, "k": k} for name, k in names.items()])
    assert [next(hit["formula"] for hit in hits if hit["id"] == "a") for hits in told] == [
        "1.0/(60+2) + 0.5/(60+0) = 0.02446",
        "1/(2+3/1.0−1) + 1/(2+1/0.5−1) = 0.5833",
        "1.0·(1.000 + 1.000)/6.000 + 0.5·0.5 = 0.5833",
        "−1.0/(60+2) + −0.5/(60+0) = −0.02446",
    ]


# ---------------------------------------------------------------- loading


def test_text_forms_load_without_anywidget():
    code = (
        "import sys; import mixpeek_lab.widgets as w; w.format_report; "
        "assert not {'anywidget', 'ipywidgets', 'IPython', 'pandas'} & set(sys.modules); "
        "w.Playground; assert 'anywidget' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_the_views_load_nothing_from_elsewhere():
    for path in [*WIDGETS.rglob("*.js"), *WIDGETS.rglob("*.css")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, path.name
        assert "https:" not in text, path.name
        assert "innerHTML" not in text, path.name
    for widget in (Playground, RunProgress):
        module = str(widget._esm)
        assert module.count("export ") == 1
        assert "import " not in "".join(
            line for line in module.splitlines() if line[:6] == "import"
        )
