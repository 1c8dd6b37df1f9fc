"""The data explorer without a browser: DuckDB's pages, and the widget that answers its view."""

from __future__ import annotations

import json
import re
import signal
import tempfile
import threading
import wave
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image
from widget_messages import unpack

from mixpeek_lab.errors import InvalidInputError, LabError, NotFoundError
from mixpeek_lab.inspection import View
from mixpeek_lab.widgets import Explorer
from mixpeek_lab.widgets.explorer import widget as explorer_widget
from mixpeek_lab.widgets.messages import PART_BYTES
from mixpeek_lab.workbench import Lab

FILMS = """
SELECT * FROM (VALUES
  (1, 'Alien', 1979, 8.5, DATE '1979-05-25', [3.0, 4.0]::FLOAT[2], {'by': 'Scott'}),
  (2, 'Brazil', 1985, NULL, DATE '1985-02-20', [1.0, 0.0]::FLOAT[2], {'by': 'Gilliam'}),
  (3, 'Casablanca "x" ''y''', 1942, 8.5, NULL, NULL, {'by': 'Curtiz'}),
  (4, NULL, 1985, 7.0, DATE '1985-11-01', [0.0, 2.0]::FLOAT[2], NULL)
) AS films(id, "the title", year, score, day, vec, made)
"""


@pytest.fixture
def lab(home) -> Lab:
    return Lab(home)


@pytest.fixture
def films(lab):
    pages = lab.pages(FILMS)
    yield pages
    pages.close()


class Talk:
    """Asks an explorer as its view does."""

    def __init__(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.explorer, self.sent = explorer, []
        keep = lambda content, buffers=None: self.sent.append((content, buffers))  # noqa: E731
        monkeypatch.setattr(explorer, "send", keep)

    def ask(self, kind, **data):
        self.sent.clear()
        self.explorer._handle_custom_msg({"id": "1", "type": kind, **data}, [])
        header = self.sent[0][0]
        if not header["ok"]:
            return header["error"]
        assert all(len(buffers[0]) <= PART_BYTES for _, buffers in self.sent)
        body = b"".join(buffers[0] for _, buffers in self.sent)
        return unpack(body) if header["encoding"] == "binary" else json.loads(body)


@pytest.fixture
def talk(films, monkeypatch):
    return Talk(Explorer(films, title="Films", code="%explore films"), monkeypatch)


def ids(pages, **view):
    numbers = pages.rows(View(**view))
    return pages.frame(numbers)["id"].tolist()


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"year": {"min": 1979, "max": "1985"}}, [1, 2, 4]),
        ({"score": {"min": 8}}, [1, 3]),
        ({"day": {"min": "1980-01-01"}}, [2, 4]),
        ({"the title": {"contains": 'A "X" \''}}, [3]),
        ({"the title": {"contains": "%"}}, []),
        ({"the title": {"in": ["Alien", None]}}, [1, 4]),
        ({"year": {"in": [1942]}}, [3]),
        ({"vec": {"null": True}}, [3]),
        ({"vec": {"min": 2}, "score": {"null": False}}, [1, 4]),
        ({"made": {"contains": "gilliam"}}, [2]),
        ({"year": {"in": []}}, []),
    ],
)
def test_filters_are_typed(films, lab, filters, wanted):
    assert ids(films, filters=filters) == wanted
    view = View(filters=filters)
    assert lab.sql(films.sql(view)).table.column("id").to_pylist() == wanted


def test_sorting_is_stable_and_puts_nulls_last(films):
    assert ids(films, sort=(("score", "desc"),)) == [1, 3, 4, 2]
    assert ids(films, sort=(("score", "asc"),)) == [4, 1, 3, 2]
    assert ids(films, sort=(("year", "asc"), ("id", "desc"))) == [3, 1, 4, 2]
    assert ids(films, sort=(("vec", "desc"),)) == [1, 4, 2, 3]  # by norm


def test_search_looks_into_every_column(films):
    assert ids(films, search="CASA") == [3]
    assert ids(films, search="1985") == [2, 4]
    assert ids(films, search="scott") == [1]
    assert ids(films, search="';--") == []


def test_pages_of_a_sorted_million_join_without_gap_or_overlap(lab):
    pages = lab.pages("SELECT range AS n, range % 3 AS k FROM range(300_000)")
    view, seen = View(sort=(("k", "asc"),)), []
    for start in range(99_900, 100_200, 100):
        numbers, table = pages.page(view, start, 100, ["n"])
        seen += table.column("n").to_pylist()
        assert [str(each) for each in numbers] == table.column("n").to_pylist()
    assert seen == [str(3 * n) for n in range(99_900, 100_000)] + [
        str(3 * n + 1) for n in range(200)
    ]


def test_pages_answer_several_threads(films):
    """JupyterLab's questions come on another thread than cells."""
    views = [
        View(sort=((name, way),)) for name in ("id", "year", "score") for way in ("asc", "desc")
    ]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(films.rows, views * 20))
    wanted = [films.rows(view).tolist() for view in views] * 20
    assert [each.tolist() for each in found] == wanted


def test_what_a_view_lacks_is_named(films):
    with pytest.raises(NotFoundError, match="Did you mean 'year'"):
        films.rows(View(sort=(("yaer", "asc"),)))
    with pytest.raises(InvalidInputError, match="year: 'soon' is no INTEGER"):
        films.rows(View(filters={"year": {"min": "soon"}}))
    with pytest.raises(InvalidInputError, match="is made of min, max, contains, in, null"):
        films.rows(View(filters={"year": {"like": "x"}}))
    with pytest.raises(InvalidInputError, match="'asc' or 'desc'"):
        films.rows(View(sort=(("year", "asc; DROP TABLE x"),)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC 1",
        "FROM nowhere",
        "SELECT 1/",
        "",
        "CREATE TABLE t(x INT)",
        "FROM runs; FROM runs",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'written.csv'",
    ],
)
def test_a_broken_query_gives_one_clear_error(lab, sql):
    with pytest.raises(InvalidInputError):
        lab.pages(sql)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1 AS a, 2 AS a;  -- twice", ["a", "a_1"]),
        ("SELECT 1 AS rowid, 2 AS at", ["rowid", "at"]),
        ('SELECT 1 AS "odd "" \' name"', ["odd \" ' name"]),
        ("SELECT 'a; -- b' AS x /* ; */", ["x"]),
        ("FROM (VALUES ('a;')) AS t(x);;", ["x"]),
        ("SHOW TABLES", ["name"]),
        ("CALL pragma_version()", ["library_version", "source_id", "codename"]),
        ("PIVOT (SELECT 1 AS a, 2 AS b) ON a USING sum(b)", ["1"]),
        ("SELECT 1 AS a, 2 AS A, 3 AS a, 4 AS a_1 -- names", ["a", "A_1", "a_2", "a_1_1"]),
    ],
)
def test_any_statement_with_rows_is_shown(lab, sql, names):
    pages = lab.pages(sql)
    assert [column.name for column in pages.columns] == names
    pages.page(View(sort=((names[0], "desc"),), search="1"), 0, 10, names)
    pages.summary(View(), names[0])


def test_an_interrupt_leaves_nothing_behind(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threading.Timer(
        1.0, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]
    ).start()
    with pytest.raises((KeyboardInterrupt, InvalidInputError), match=r"^$|[Ii]nterrupt"):
        lab.pages("SELECT repeat('x', 200) || range AS text FROM range(1_000_000_000)")
    assert list(tmp_path.glob("mixpeek-explorer-*")) == []


def test_rows_far_apart_come_in_the_order_that_was_asked_for(lab):
    pages = lab.pages("SELECT range AS n FROM range(150_000)")
    wanted = [149_999, 3, 3, 77_000, 0]
    assert pages.frame(wanted)["n"].tolist() == wanted
    many = list(range(0, 150_000, 100))
    assert pages.frame(many[::-1])["n"].tolist() == many[::-1]


def test_summaries_are_of_the_rows_in_the_view(films):
    score = films.summary(View(), "score")
    assert (score.rows, score.nulls, score.low, score.high, sum(score.bins)) == (
        4,
        1,
        "7",
        "8.5",
        3,
    )
    year = films.summary(View(filters={"score": {"null": False}}), "year")
    assert (year.rows, year.distinct, year.low, year.high) == (3, 3, "1942", "1985")
    title = films.summary(View(), "the title")
    assert (title.nulls, title.distinct, len(title.top)) == (1, 3, 3)
    assert films.summary(View(), "day").low == "1979-05-25"
    vec = films.summary(View(), "vec")
    assert (vec.nulls, vec.dimensions, vec.low, vec.high) == (1, (2,), "1", "5")
    assert films.summary(View(), "made").nulls == 1


def test_summaries_of_what_is_not_finite_or_not_there(lab):
    pages = lab.pages("SELECT unnest(['nan', 'inf', '1', '2', NULL])::DOUBLE AS x, NULL AS n")
    summary = pages.summary(View(), "x")
    assert (summary.low, summary.high, sum(summary.bins), summary.nulls) == ("1", "2", 2, 1)
    assert pages.summary(View(), "n").nulls == 5
    empty = lab.pages("SELECT 1 AS x, 'a' AS t, [1.0::FLOAT] AS v WHERE false")
    for column in empty.columns:
        assert empty.summary(View(), column.name).rows == 0
    assert empty.frame(empty.rows(View())).empty


ODD = [
    "'infinity'::DATE", "INTERVAL 3 DAY", "TIME '12:00'", "uuid()", "'a'::ENUM('a', 'b')",
    "12345678901234567890::HUGEINT", "1.25::DECIMAL(18,3)", "'\\x00ab'::BLOB", "MAP {'a': 1}",
    "[[1.0::FLOAT, 2], [3, 4]]", "[1.0::FLOAT, NULL, 'nan']", "[]::FLOAT[]", "{'x': 'nan'::FLOAT}",
    "union_value(k := 1)", "[1e200, -1e200]::DOUBLE[]", "NULL", "[1, 2, 3]::UTINYINT[3]",
    "'é😀' || chr(0)", "1e308::DOUBLE",
]  # fmt: skip


@pytest.mark.parametrize(
    "vector", ["['1', 'nan']", "['-inf', '0']", "[NULL, 1]", "[]", "[3e38, 3e38]"]
)
def test_any_vector_is_shown_as_a_whole(lab, monkeypatch, vector):
    talk = Talk(Explorer(lab.pages(f"SELECT {vector}::FLOAT[] AS v")), monkeypatch)
    head, (numbers,) = talk.ask("cell", row=0, column="v")
    assert head["form"] == "vector"
    assert len(numbers) == 4 * (0 if vector == "[]" else 2)


def test_every_type_is_shown_searched_and_summarised(lab, monkeypatch):
    values = ", ".join(f"{each} AS c{n}" for n, each in enumerate(ODD))
    pages = lab.pages(f"SELECT {values} UNION ALL BY NAME SELECT NULL AS c0")
    talk = Talk(Explorer(pages), monkeypatch)
    names = [column.name for column in pages.columns]
    assert len(names) == len(ODD)
    head, _ = talk.ask("page", start=0, count=9, columns=names)
    assert head["count"] == 2
    assert len(talk.ask("copy", what="rows", columns=names)["text"].split("\t")) > len(ODD)
    for name in names:
        assert talk.ask("summary", column=name)["rows"] == 2
        assert talk.ask("cell", row=0, column=name)[0]["form"] in ("text", "vector")
        view = {"sort": [[name, "desc"]], "filters": {name: {"null": False}}, "search": "1"}
        assert talk.ask("view", **view)["count"] <= 1
        talk.ask("view", sort=[], filters={}, search="")
    with pytest.raises(InvalidInputError, match="pandas cannot hold these rows"):
        pages.frame([0])


# ---------------------------------------------------------------- the widget


def test_a_page_is_buffers_of_columns(talk):
    names = ["id", "the title", "score", "vec"]
    head, arrays = talk.ask("page", start=1, count=2, columns=names)
    assert (head["start"], head["count"], head["columns"]) == (1, 2, names)
    assert np.frombuffer(arrays[0], "<f8").tolist() == [1, 2]
    assert list(arrays[5]) == [0, 0]  # titles: no nulls
    offsets = np.frombuffer(arrays[6], "<i4")
    assert arrays[7][offsets[0] : offsets[1]] == b"Brazil"
    assert list(arrays[8]) == [1, 0]  # scores
    assert np.frombuffer(arrays[11], "<i4").tolist() == [2, -1]  # lengths of the vectors
    assert np.frombuffer(arrays[12], "<f4").tolist() == [1, 0]  # their norms
    assert "Brazil" not in json.dumps(talk.explorer.get_state(), default=str)


def test_large_pages_are_cut_and_long_texts_asked_for_by_themselves(lab, monkeypatch):
    sql = "SELECT repeat('ä', 5000) AS t, [range::FLOAT for _ in range(1000)] AS v FROM range(2000)"
    talk = Talk(Explorer(lab.pages(sql)), monkeypatch)
    _, arrays = talk.ask("page", start=0, count=1000, columns=["t"])
    assert len(arrays[4]) == 1000 * 301 * len("ä".encode())
    head, _ = talk.ask("cell", row=3, column="t")
    assert (head["length"], head["text"]) == (5000, "ä" * 5000)
    head, arrays = talk.ask("cell", row=3, column="v")
    assert (head["form"], len(np.frombuffer(arrays[0], "<f4"))) == ("vector", 1000)


def test_the_view_sorts_filters_and_searches(talk):
    state = talk.ask("view", sort=[["score", "desc"]], filters={"year": {"min": "1950"}}, search="")
    assert (state["count"], state["version"]) == (3, 1)
    assert talk.explorer.frame()["id"].tolist() == [1, 4, 2]
    error = talk.ask("view", sort=[], filters={"year": {"min": "x"}}, search="")
    assert error["message"].startswith("year: 'x' is no INTEGER")
    assert talk.explorer.filters == {"year": {"min": "1950"}}
    assert talk.ask("page", start=0, count=1, columns=["nope"])["kind"] == "NotFoundError"


def test_python_sets_the_view_and_its_view_hears_of_it(talk):
    talk.explorer.sort = [["year", "asc"]]
    assert talk.sent[0][0]["id"] == "push"
    assert talk.explorer.frame(limit=2)["id"].tolist() == [3, 1]
    with pytest.raises(NotFoundError):
        talk.explorer.filters = {"nope": {"null": True}}


def test_a_selection_is_sql_and_a_frame(talk, lab):
    explorer = talk.explorer
    talk.ask("view", sort=[["year", "asc"]], filters={}, search="")
    assert talk.ask("select", what="only", first=0, last=1) == {"selected": 2}
    assert explorer.selected["id"].tolist() == [3, 1]
    found = lab.sql(explorer.selection_sql).table.column("id").to_pylist()
    assert sorted(found) == [1, 3]
    talk.ask("select", what="toggle", first=1, last=1)
    assert explorer.selected["id"].tolist() == [3]
    assert "Casablanca" in talk.ask("copy", what="rows", columns=["the title"])["text"]
    talk.ask("view", sort=[], filters={"year": {"min": 1950}}, search="")
    assert explorer.selected.empty  # what cannot be seen is not selected
    assert len(lab.sql(explorer.selection_sql)) == 0
    talk.ask("select", what="only", first=0, last=2)
    assert lab.sql(explorer.selection_sql).table.column("id").to_pylist() == [1, 2, 4]


def test_a_collection_has_its_lineage_apart_and_selects_by_document(kernel_lab, monkeypatch):
    kernel_lab.bucket("b", [{"_id": str(n), "text": f"text {n}"} for n in range(5)])
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    talk = Talk(Explorer(kernel_lab.pages("FROM c")), monkeypatch)
    columns = {each["name"]: each for each in talk.explorer.about["columns"]}
    assert columns["object_id"]["is_lineage"]
    assert not columns["document_id"]["is_lineage"]
    assert columns["hash_embedding"]["kind"] == "vector"
    talk.ask("select", what="only", first=1, last=2)
    assert "WHERE document_id IN ('" in talk.explorer.selection_sql
    assert len(kernel_lab.sql(talk.explorer.selection_sql)) == 2
    assert "_row_key" not in talk.explorer._repr_mimebundle_()[0]["text/html"].split("Not shown")[0]


def test_a_collection_that_changed_says_so_and_is_read_anew(kernel_lab, monkeypatch):
    def run(extractor="hash_embedder"):
        kernel_lab.process("b", extractor, "c", engine="kernel")

    monkeypatch.setattr(explorer_widget, "SECONDS_BETWEEN_LOOKS", 0)
    kernel_lab.bucket("b", [{"_id": str(n), "text": f"text {n}", "size": n} for n in range(5)])
    run()
    talk = Talk(Explorer(kernel_lab.pages("FROM c")), monkeypatch)
    told = lambda: (talk.ask("look"), talk.sent[0][0])[1]  # noqa: E731
    assert "news" not in told()
    talk.explorer.filters = {"size": {"min": 3}}
    before = talk.explorer.about
    kernel_lab.bucket("b", [{"_id": str(n), "text": f"text {n}", "size": n} for n in range(4, 10)])
    assert "news" not in told()
    run()
    assert (told()["news"], told()["can_renew"]) == ("c was run again.", True)
    assert len(talk.explorer.frame()) == 2
    talk.ask("renew")
    assert "news" not in told()
    assert talk.explorer.about == {**before, "total": 6, "reading": 1}
    assert sorted(talk.explorer.frame()["size"]) == [4, 5, 6, 7, 8, 9]
    kernel_lab.delete.document("c", talk.explorer.frame(1)["document_id"][0])
    assert told()["news"] == "Documents of c were changed."
    talk.explorer.renew()
    assert len(talk.explorer.frame()) == 5
    kernel_lab.delete.collection("c")
    news = told()
    assert news["news"] == "c is no longer there. These are the rows as they were."
    assert not news["can_renew"]
    assert "Tables: documents" in talk.ask("renew")["message"]
    assert len(talk.explorer.frame()) == 5


def test_a_collection_that_was_deleted_and_made_again_is_news(kernel_lab, monkeypatch):
    monkeypatch.setattr(explorer_widget, "SECONDS_BETWEEN_LOOKS", 0)
    kernel_lab.bucket("b", [{"_id": "1", "text": "text"}])
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    talk = Talk(Explorer(kernel_lab.pages("FROM c")), monkeypatch)
    kernel_lab.delete.collection("c")
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    talk.ask("look")
    assert talk.sent[0][0]["news"] == "c was run again."
    talk.ask("renew")
    talk.ask("look")
    assert "news" not in talk.sent[0][0]


def test_an_answer_comes_even_where_news_cannot_be_read(kernel_lab, monkeypatch):
    kernel_lab.bucket("b", [{"_id": "1", "text": "text"}])
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    talk = Talk(Explorer(kernel_lab.pages("FROM c")), monkeypatch)

    def fail(_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(type(talk.explorer._pages), "news", fail)
    assert talk.ask("state")["count"] == 1


def test_media_are_shown_and_played_from_this_machine_only(kernel_lab, tmp_path, monkeypatch):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    with wave.open(str(tmp_path / "beep.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 800, "NONE", ""))
        sound.writeframes(bytes(1600))
    (tmp_path / "fake.wav").write_text("root:x:0:0")
    files = [("red.png", "image"), ("beep.wav", "audio"), ("fake.wav", "audio")]
    values = ", ".join(
        f"('{(tmp_path / name).as_uri()}', '{kind}', '{kind}/{name[-3:]}', 1000)"
        for name, kind in files
    )
    sql = (
        f"SELECT * FROM (VALUES {values}, ('https://x.example/a.png', 'image', 'image/png', 5), "
        "('words', 'text', NULL, 5)) AS t(data, blob_type, mime_type, size_bytes)"
    )
    talk = Talk(Explorer(kernel_lab.pages(sql)), monkeypatch)
    found = talk.ask("media", rows=[0, 1, 2, 3, 4])
    assert set(found) == {"0", "1", "2", "3"}
    assert found["0"]["thumbnail"].startswith("data:image/jpeg;base64,")
    assert found["3"]["thumbnail"] == ""
    head, (content,) = talk.ask("cell", row=1, column="data")
    assert head["mime"].startswith("audio/")
    assert content == (tmp_path / "beep.wav").read_bytes()
    assert talk.ask("cell", row=2, column="data")[0]["mime"] == ""  # it only says that it is audio
    html = talk.explorer._repr_mimebundle_()[0]["text/html"]
    assert html.count("<img") == 1
    assert "https://x.example" in html


def test_the_saved_notebook_has_the_first_rows_their_figures_and_the_code(talk):
    data, _ = talk.explorer._repr_mimebundle_()
    assert data["text/plain"].startswith("Films: 4 rows, 7 columns\n")
    assert "1 null, ~2 distinct, 7 … 8.5" in data["text/plain"]
    assert "[2] norm 5" in data["text/plain"]
    assert "run <code>%explore films</code>" in data["text/html"]
    assert "<script" not in data["text/html"]


def test_a_cell_of_several_lines_keeps_them_in_the_saved_notebook(shell):
    statement = "SELECT 1 AS x,\n       '<b>' AS y\n"
    explorer = shell.run_cell_magic("explore", "--name ex", statement)
    html = explorer._repr_mimebundle_()[0]["text/html"]
    kept = "%%explore --name ex\nSELECT 1 AS x,\n       &#x27;&lt;b&gt;&#x27; AS y"
    assert re.search(r"<pre[^>]*>([^<]*)</pre>", html)[1] == kept


def test_hostile_text_stays_text_in_the_saved_notebook(lab):
    sql = "SELECT '<script>alert(1)</script>' AS \"<b>x</b>\""
    html = Explorer(lab.pages(sql), title="<i>")._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "<b>x" not in html
    assert "<i>" not in html


def test_closed_rows_say_so(talk):
    talk.explorer.close()
    with pytest.raises(LabError, match="Run the cell again"):
        talk.explorer.frame()


# ---------------------------------------------------------------- the magic


@pytest.fixture
def shell(home, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_AUTOSTART", "0")
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(home))
    shell = InteractiveShell.instance(colors="nocolor")
    shell.run_line_magic("load_ext", "mixpeek_lab")
    yield shell
    shell.run_line_magic("unload_ext", "mixpeek_lab")
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_the_magic_takes_tables_statements_and_cells(shell):
    explorer = shell.run_line_magic("explore", "runs")
    assert (repr(explorer), explorer.about["code"]) == ("Explorer('runs', 0 rows)", "%explore runs")
    shell.run_cell_magic("explore", "--name ex", "SELECT 1 AS x\n-- why\n")
    assert shell.user_ns["ex"].frame()["x"].tolist() == [1]
    assert shell.user_ns["ex"].about["code"] == "%%explore --name ex\nSELECT 1 AS x\n-- why"
    with pytest.raises(NotFoundError, match="No table called 'nowhere'"):
        shell.run_line_magic("explore", "nowhere")


def test_a_query_that_takes_long_says_so(shell, capsys, monkeypatch):
    monkeypatch.setattr("mixpeek_lab.magics.explore.SLOW_SECONDS", 0.0)
    sql = "SELECT md5(range::VARCHAR) AS code FROM range(1_000_000)"
    assert len(shell.run_line_magic("explore", sql).frame(limit=2)) == 2
    assert "still being read" in capsys.readouterr().out
