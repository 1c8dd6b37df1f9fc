"""The playground and the progress of a run in JupyterLab, driven in headless Chromium."""

from __future__ import annotations

import json

import pytest
from conftest import NotebookPage

pytestmark = pytest.mark.browser

MAKE = """
import time
import sample_search
from sample_search import SampleSearch
from mixpeek_lab.widgets import Playground, RunProgress
search = SampleSearch()
pg = Playground(search, retriever="docs", query="parse a json string", code="%playground docs")
pg
"""

HITS = """() => [...document.querySelectorAll('.mxp-hit')].map((hit) => ({
  id: hit.dataset.id,
  name: hit.querySelector('.mxp-heading').textContent,
  score: hit.querySelector('.mxp-score-number').textContent,
}))"""

QUIET = "() => document.querySelector('.mxp').mixpeek.isQuiet()"
REQUESTS = "() => document.querySelector('.mxp').mixpeek.requests"
OVERFLOW = "(node) => node.scrollWidth - node.clientWidth"

# Everything that the page ever shows as its list of results, in order.
WATCH = """() => {
  window.seen = [];
  const list = document.querySelector('.mxp-hits');
  new MutationObserver(() => {
    const first = list.querySelector('.mxp-heading');
    if (first && window.seen.at(-1) !== first.textContent) window.seen.push(first.textContent);
  }).observe(list, { childList: true, subtree: true });
}"""


def open_notebook(jupyter, chromium, name, *cells, width=1400, height=1500, wait=".mxp-hit"):
    page = chromium.new_page(viewport={"width": width, "height": height})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook(name, *cells))
    notebook.run_cell(0)
    page.wait_for_selector(wait, timeout=30_000)
    return notebook


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    """One playground over the sample search, and an empty cell for code."""
    opened = open_notebook(jupyter, chromium, "playground", MAKE, "None")
    yield opened
    opened.page.close()


@pytest.fixture
def page(notebook):
    """The page with the first query, the retriever's own fusion, and no result expanded."""
    page = notebook.page
    reset = page.locator(".mxp-reset")
    if reset.is_visible():
        reset.click()
    ask(notebook, "zip archive members")
    ask(notebook, "parse a json string")
    return page


def ask(notebook, query):
    box = notebook.page.locator(".mxp-query")
    if box.input_value() == query and not notebook.page.locator(".mxp-banner").count():
        return
    box.fill(query)
    box.press("Enter")
    notebook.page.wait_for_function(
        "() => !document.querySelector('.mxp').classList.contains('is-searching')"
    )
    settle(notebook)


def settle(notebook):
    """Wait until the answer is painted and traits are on their way to the kernel."""
    notebook.page.wait_for_function(QUIET, timeout=30_000)


def hits(notebook):
    return notebook.evaluate(HITS)


def python(notebook, expression):
    return json.loads(notebook.run_code(1, f"import json\nprint(json.dumps({expression}))"))


def test_the_first_answer_is_shown_as_python_has_it_without_a_second_search(notebook):
    assert python(notebook, "[len(search.calls), list(pg.results.document_id)]") == [
        1,
        [hit["id"] for hit in hits(notebook)],
    ]
    assert len(hits(notebook)) == 10
    live = notebook.page.locator(".mxp [role=status].mx-visually-hidden")
    assert live.inner_text().startswith("10 of ")
    assert " results in " in live.inner_text()
    assert notebook.errors == []


def test_sliders_refuse_in_the_browser_while_the_kernel_is_busy(notebook, page):
    calls = python(notebook, "len(search.calls)")
    before, requests = (
        hits(notebook),
        notebook.evaluate(REQUESTS),
    )
    notebook.start_code(1, "time.sleep(4)")
    page.wait_for_function("() => document.body.innerText.includes('| Busy')")
    slider = page.locator('.mxp-leg[data-leg="trigrams"] input[type=range]')
    slider.fill("0.1")
    after = hits(notebook)
    assert notebook.evaluate("() => document.body.innerText.includes('| Busy')")
    assert [hit["id"] for hit in after] != [hit["id"] for hit in before]
    assert page.locator(".mxp-move.is-up, .mxp-move.is-down").count() > 0
    assert notebook.evaluate(REQUESTS) == requests
    page.wait_for_function("() => document.body.innerText.includes('| Idle')", timeout=15_000)
    settle(notebook)
    got = python(
        notebook,
        "[len(search.calls), pg.weights, list(pg.results.document_id), list(pg.results.score)]",
    )
    assert got[:3] == [calls, {"trigrams": 0.1, "words": 1.0}, [hit["id"] for hit in after]]
    assert [float(hit["score"]) for hit in after] == pytest.approx(got[3], rel=1e-3)


def test_every_strategy_gives_pythons_order(notebook, page):
    for strategy in ("dbsf", "weighted", "max", "rrf"):
        page.locator('[aria-label="Fusion strategy"]').select_option(strategy)
        settle(notebook)
        got = python(notebook, "[pg.strategy, list(pg.results.document_id)]")
        assert got == [strategy, [hit["id"] for hit in hits(notebook)]]


def test_a_leg_that_is_off_gives_nothing_and_comes_back_with_its_weight(notebook, page):
    leg = page.locator('.mxp-leg[data-leg="trigrams"]')
    leg.locator(".mxp-slide input[type=number]").fill("0.7")
    leg.locator("[role=switch]").uncheck()
    assert not page.locator('.mxp-part[title^="trigrams"]').count()
    page.locator('.mxp-leg[data-leg="words"] [role=switch]').uncheck()
    assert "All legs are off" in page.locator(".mxp-empty").inner_text()
    leg.locator("[role=switch]").check()
    assert leg.locator(".mxp-slide input[type=number]").input_value() == "0.7"
    assert len(hits(notebook)) == 10


def test_typing_searches_after_a_pause(notebook, page):
    calls = python(notebook, "len(search.calls)")
    page.locator(".mxp-query").fill("")
    page.locator(".mxp-query").press_sequentially("compress a file", delay=20)
    page.wait_for_function(
        "() => document.querySelector('.mxp-hits').textContent.includes('compress')"
    )
    settle(notebook)
    asked = python(notebook, "[c['query'] for c in search.calls]")[calls:]
    assert asked[-1] == "compress a file"
    assert len(asked) <= 10, "one search per key is too many"


def test_a_stale_answer_is_never_painted(notebook, page):
    notebook.run_code(1, "search.delay = 0.7")
    notebook.evaluate(WATCH)
    box = page.locator(".mxp-query")
    for query in ("calendar month", "socket timeout", "zip archive members"):
        box.fill(query)
        box.press("Enter")
        page.wait_for_timeout(120)
    assert page.locator(".mxp-status").inner_text() == "Searching…"
    page.wait_for_function(
        "() => !document.querySelector('.mxp').classList.contains('is-searching')", timeout=10_000
    )
    settle(notebook)
    notebook.run_code(1, "search.delay = 0")
    assert notebook.evaluate("() => window.seen") == [hits(notebook)[0]["name"]]
    assert python(notebook, "pg.query") == "zip archive members"


def test_an_error_is_told_in_words_and_the_next_query_works(notebook, page):
    ask(notebook, "explode")
    banner = page.locator(".mxp-banner.is-error")
    assert banner.inner_text() == "Search failed. ValueError: the index <b>burned</b> down"
    assert banner.locator("b").count() == 0
    ask(notebook, "gzip")
    assert page.locator(".mxp-banner").count() == 0
    assert "gzip" in hits(notebook)[0]["name"]


def test_no_results_and_warnings_are_told_in_words(notebook, page):
    ask(notebook, "zqxj")
    assert "Nothing matches “zqxj”" in page.locator(".mxp-empty").inner_text()
    assert "found nothing" in page.locator(".mxp-banner.is-warning").inner_text()
    ask(notebook, "")
    assert "Search docs" in page.locator(".mxp-empty").inner_text()


def test_the_explanation_adds_up_and_names_the_source(notebook, page):
    page.locator(".mxp-toggle").first.click()
    why = page.locator(".mxp-why").first
    rows = why.locator("tbody tr").all_inner_texts()
    assert len(rows) == 3
    assert rows[-1].startswith("sum")
    formula = why.locator(".mxp-formula").inner_text()
    terms, total = formula.split(" = ")
    assert eval(terms) == pytest.approx(float(total), rel=1e-3)
    assert "bkt_docstrings" in why.inner_text()
    assert "docs@1.0.0" in why.inner_text()
    assert page.locator(".mxp-hit").first.locator("mark").count() > 0


def test_the_keyboard_reaches_everything(notebook, page):
    focus = "() => document.activeElement.closest('.mxp-hit')?.dataset.id ?? null"
    ids = [hit["id"] for hit in hits(notebook)]
    page.locator(".mxp-query").press("ArrowDown")
    assert notebook.evaluate(focus) == ids[0]
    for key in ("j", "ArrowDown", "k", "j"):
        page.keyboard.press(key)
    assert notebook.evaluate(focus) == ids[2]
    page.keyboard.press("Enter")
    toggle = page.locator(f'.mxp-hit[data-id="{ids[2]}"] .mxp-toggle')
    assert toggle.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Space")
    assert toggle.get_attribute("aria-expanded") == "false"
    page.keyboard.press("/")
    assert notebook.evaluate("() => document.activeElement.className") == "mxp-query"
    slider = page.locator(".mxp-leg input[type=range]").first
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.input_value() == "0.95"


def test_python_moves_the_view(notebook, page):
    notebook.run_code(1, "pg.query = 'csv dialect'")
    settle(notebook)
    assert page.locator(".mxp-query").input_value() == "csv dialect"
    assert "csv" in hits(notebook)[0]["name"]
    notebook.run_code(1, "pg.weights, pg.limit = {'words': 0.25}, 5")
    settle(notebook)
    words = page.locator('.mxp-leg[data-leg="words"] .mxp-slide input[type=number]')
    assert (words.input_value(), len(hits(notebook))) == ("0.25", 5)
    notebook.run_code(1, "pg.limit = 10")
    settle(notebook)


def test_ctrl_enter_pins_and_does_not_run_the_cell(notebook, page):
    count = page.locator(".jp-CodeCell .jp-InputArea-prompt").first.inner_text()
    page.locator(".mxp-query").press("Control+Enter")
    settle(notebook)
    assert python(notebook, "pg.baseline['weights']") == {"trigrams": 1, "words": 1}
    assert page.locator(".jp-CodeCell .jp-InputArea-prompt").first.inner_text() == count
    notebook.run_code(1, "pg.baseline = {}")


def test_digits_judge_and_do_not_reach_the_notebook(notebook, page):
    cells = page.locator(".jp-Cell").count()
    page.locator(".mxp-query").press("ArrowDown")
    ids = [hit["id"] for hit in hits(notebook)]
    for key in "31u":
        page.keyboard.press(key)
    settle(notebook)
    assert python(notebook, "pg.qrels") == {"q1": {ids[0]: 3}}
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".jp-MarkdownCell").count() == 0
    notebook.run_code(1, "pg.qrels = {}")


def test_insert_puts_the_code_into_a_cell_below(notebook, page):
    cells = page.locator(".jp-Cell").count()
    page.locator(".mxp-tab[data-tab=code]").click()
    page.wait_for_function(
        "() => document.querySelector('[data-panel=code] pre').textContent.includes('search(')"
    )
    page.get_by_text("Insert cell").click()
    page.get_by_text("Inserted").wait_for()
    assert page.locator(".jp-Cell").count() == cells + 1
    made = page.locator(".jp-Cell").nth(1)
    assert "current_lab().search(" in made.inner_text()
    page.locator(".mxp-tab[data-tab=results]").click()
    made.locator(".jp-InputPrompt").click()
    page.keyboard.press("d")
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    assert page.locator(".jp-Cell").count() == cells


def test_a_reload_of_the_page_shows_the_same_without_a_search(notebook, page):
    page.locator('[aria-label="Fusion strategy"]').select_option("dbsf")
    page.locator(".mxp-query").press("Control+Enter")
    page.locator(".mxp-query").press("ArrowDown")
    page.keyboard.press("3")
    page.locator('.mxp-leg[data-leg="words"] .mxp-depth').fill("20")
    settle(notebook)
    before, calls = hits(notebook), python(notebook, "len(search.calls)")
    state = python(notebook, "[pg.config, pg.qrels, pg.baseline]")
    assert state[0]["legs"][1]["top_k"] == 20
    notebook.reload()
    page.wait_for_selector(".mxp-hit", timeout=30_000)
    settle(notebook)
    assert hits(notebook) == before
    assert page.locator(".mxp-query").input_value() == "parse a json string"
    assert page.locator('.mxp-leg[data-leg="words"] .mxp-depth').input_value() == "20"
    page.wait_for_selector(".mxp-strip .mxp-measure b")
    page.locator(".mxp-tab[data-tab=compare]").click()
    page.wait_for_selector("[aria-label=Baseline] .mxp-lines-title")
    page.locator(".mxp-tab[data-tab=results]").click()
    settle(notebook)
    assert python(notebook, "[pg.config, pg.qrels, pg.baseline]") == state
    assert python(notebook, "len(search.calls)") == calls


def test_a_restart_of_the_kernel_leaves_the_answer_and_the_code(notebook, page, artifacts):
    before = hits(notebook)
    notebook.restart_kernel()
    again = page.locator(".mxp-again")
    again.wait_for()
    assert again.inner_text().startswith("%load_ext mixpeek_lab\n%playground docs")
    assert "is gone: restarted, or shut down." in page.locator(".mxp-banner").inner_text()
    assert hits(notebook) == before
    weight = page.locator('.mxp-leg[data-leg="trigrams"] input[type=range]')
    weight.fill("0.1")
    moved = page.wait_for_function(
        f"(before) => {{ const now = ({HITS})(); return now[0].id !== before && now; }}",
        arg=before[0]["id"],
    )  # fmt: skip
    assert len(moved.json_value()) == 10
    box = page.locator(".mxp-query")
    box.fill("zip archive members")
    box.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.mxp [role=status].mx-visually-hidden')"
        ".textContent.includes('is gone')"
    )
    assert page.locator(".mxp-status").inner_text() == "The last answer; the kernel is gone"
    page.locator(".mxp").screenshot(path=artifacts / "playground_gone.png")
    cells = page.locator(".jp-Cell").count()
    page.locator("[data-action=again]").click()
    page.wait_for_function(
        "(count) => document.querySelectorAll('.jp-Cell').length === count + 1", arg=cells
    )
    page.wait_for_function(
        "() => document.querySelectorAll('.jp-Cell')[1].innerText.includes('%playground docs')"
    )
    notebook.run_cell(0)
    page.wait_for_selector(".mxp-again", state="detached", timeout=30_000)
    page.wait_for_selector(".mxp-hit", timeout=30_000)


@pytest.mark.parametrize(
    ("theme", "widths"),
    [("JupyterLab Light", {"light": 1400, "narrow": 860}), ("JupyterLab Dark", {"dark": 1400})],
    ids=["light", "dark"],
)
def test_it_looks_like_this(jupyter, chromium, artifacts, theme, widths):
    jupyter.use_theme(theme)
    try:
        notebook = open_notebook(
            jupyter, chromium, f"look_{theme[-4:].strip()}", MAKE, width=1400, height=1180
        )
    finally:
        jupyter.use_theme("JupyterLab Light")
    page = notebook.page
    settle(notebook)
    page.locator('.mxp-leg[data-leg="trigrams"] input[type=range]').fill("0.5")
    page.locator(".mxp-toggle").nth(2).click()
    page.mouse.move(5, 5)
    for name, width in widths.items():
        page.set_viewport_size({"width": width, "height": 1180})
        page.evaluate("() => document.querySelector('.mxp').scrollIntoView()")
        settle(notebook)
        page.wait_for_timeout(400)  # the cards glide
        page.screenshot(path=artifacts / f"playground_{name}.png")
        assert page.locator(".mxp").evaluate(OVERFLOW) <= 0
        assert page.locator(".mxp").bounding_box()["width"] > 400
    assert notebook.errors == []
    page.close()


RUN = """
from mixpeek_lab.models import Failure, Progress, RunReport
from mixpeek_lab.widgets import RunProgress
bar = RunProgress("docs")
bar.show()
bar.update(Progress(1200, 420, failed=3, documents=417, seconds=12.0, phase="embedding"))
"""
FINISH = """
failures = (Failure("obj_17", "doc_17", "embed", "ValueError", "<b>no</b> text", "core.py:14"),)
bar.finish(RunReport("run_1", "docs", "completed_with_errors", rows_in=1200, reused=0,
    processed=1200, documents=1199, failed=1, failures=failures, vectors={"embedding": 1199},
    seconds=34.2, rows_per_second=35.1, setup_seconds=4.0,
    notes=("Ran on the CPU: there is no GPU here.",)))
"""


def test_a_run_shows_its_progress_and_then_its_report(jupyter, chromium, artifacts):
    notebook = open_notebook(
        jupyter, chromium, "run", RUN, FINISH, height=800, wait=".mxr [role=progressbar]"
    )
    page = notebook.page
    page.wait_for_selector('.mxr [aria-valuenow="420"]')
    assert "22 s left" in page.locator(".mxr").inner_text()
    page.screenshot(path=artifacts / "run_progress.png")
    notebook.run_cell(1)
    page.wait_for_selector(".mxr-state")
    text = page.locator(".mxr").inner_text()
    assert "completed with errors" in text
    assert "<b>no</b> text" in text
    page.wait_for_timeout(500)
    page.screenshot(path=artifacts / "run_report.png")
    assert notebook.errors == []
    page.close()
