"""The playground's panels in Chromium, over a real widget and a real search."""

from __future__ import annotations

import shlex

import pytest
from sample_search import SampleSearch, support
from widget_page import WidgetPage

from mixpeek_lab.retrievers import parse_retriever
from mixpeek_lab.widgets.assets import style_text
from mixpeek_lab.widgets.playground import Playground

pytestmark = pytest.mark.browser

BODY = parse_retriever(
    {
        "collection": "docstrings",
        "searches": [
            {"feature_uri": "mixpeek://docs@1.0.0/trigrams", "name": "trigrams", "top_k": 60},
            {"lexical": True, "name": "words", "top_k": 60},
        ],
    },
    "docs",
).as_dict()


@pytest.fixture(scope="module")
def opened(chromium):
    """One page for the tests that leave no trace."""
    search = SampleSearch()
    given = support(search, body=BODY)
    made = WidgetPage(chromium, Playground(search, "docs", "parse a json string", support=given))
    made.search = search
    yield made
    made.page.close()


@pytest.fixture
def at(opened):
    """The page with its first query, its own fusion and the list of results."""
    page = opened.page
    opened.show("results")
    if page.locator(".mxp-reset").is_visible():
        page.locator(".mxp-reset").click()
    opened.widget.config = {"limit": 10, "query": "zip archive"}
    opened.widget.config = {"query": "parse a json string", "filters": None}
    opened.push()
    return opened


def test_without_a_notebook_insert_copies_the_cell(at):
    panel = at.show("code")
    panel.locator("[data-form=cell]").click()
    at.settle()
    panel.get_by_text("Insert cell").click()
    at.page.get_by_text("Copied").or_(at.page.get_by_text("Select it and copy")).first.wait_for()


def test_an_extension_takes_the_cell_from_an_event(at):
    panel = at.show("code")
    panel.locator("[data-form=cell]").click()
    at.settle()
    at.page.evaluate(
        "() => addEventListener('mixpeek:insert-cell', (event) => {"
        " event.preventDefault(); window.inserted = event.detail.code; }, { once: true })"
    )
    panel.get_by_text("Insert cell").click()
    assert at.page.evaluate("() => window.inserted").startswith("%%retriever docs_tuned\n")


def test_why_not_says_what_enter_does_and_what_is_not_there(at):
    panel = at.show("ranks")
    box = panel.get_by_role("combobox")
    box.fill("nowhere at all")
    panel.get_by_text("No candidate has these words.").wait_for()
    box.press("Enter")
    answer = panel.locator(".mxp-whynot-answer")
    answer.get_by_text("is not among the candidates").wait_for()
    panel.get_by_text("No candidate has these words.").wait_for(state="hidden")
    shown = panel.locator(".mxp-lines-title").first.inner_text()
    box.fill(shown)
    panel.get_by_text("Only results that are shown have these words: #1").wait_for()
    box.fill("")


def test_the_foot_has_the_line_for_the_query_of_this_moment(chromium):
    made = WidgetPage(
        chromium, Playground(SampleSearch(), "docs", "json", code="%playground docs json")
    )
    made.ask("what's a zip")
    code = made.page.locator(".mxp-foot .mxp-code")
    assert shlex.split(code.inner_text()) == ["%playground", "docs", "what's", "a", "zip"]
    assert made.errors == []
    made.page.close()


@pytest.mark.parametrize("width", [1000, 700])
def test_no_words_of_the_frame_are_cut(chromium, width):
    """1000: the room that JupyterLab leaves at 1440 pixels."""
    made = WidgetPage(chromium, Playground(SampleSearch(), "docs", "json"), width=width)
    made.page.locator(".mxp-leg input[type=range]").first.fill("0.4")
    made.page.locator(".mxp-status", has_text="re-fused in").wait_for()
    for name in (".mxp-status", ".mxp-leg-note"):
        cut = made.page.locator(name).evaluate_all(
            "(nodes) => nodes.filter((node) => node.scrollWidth > node.clientWidth).length"
        )
        assert cut == 0, name
    made.page.close()


def test_a_baseline_with_another_filter_asks_for_its_own_candidates(at):
    at.widget.pin()
    calls = len(at.search.calls)
    at.widget.filters = {"field": "package", "value": "json"}
    at.push()
    at.show("compare")
    at.settle()
    left = at.page.locator("[aria-label=Baseline] .mxp-lines-title")
    at.until(lambda: left.count() == 10)
    assert not any(name.startswith("doc_") for name in left.all_inner_texts())
    asked = [call["filters"] for call in at.search.calls[calls:]]
    assert asked == [{"field": "package", "value": "json"}, None]
    at.widget.baseline = {}
    at.widget.filters = None
    at.push()


def test_a_click_gives_the_keys_to_that_result(at):
    at.widget.qrels = {}
    at.push()
    ids = at.ids()
    focused = "(id) => document.activeElement.closest('.mxp-hit')?.dataset.id === id"
    at.page.locator(".mxp-hit").nth(2).locator(".mxp-heading").click()
    at.page.wait_for_function(focused, arg=ids[2])
    at.page.keyboard.press("3")
    at.page.wait_for_function(focused, arg=ids[3])
    at.until(lambda: at.widget.qrels == {"q1": {ids[2]: 3}})
    at.page.locator(".mxp-hit.is-open .mxp-why").click()
    at.page.wait_for_function(focused, arg=ids[2])
    panel = at.show("judge")
    panel.get_by_role("switch").set_checked(False)
    panel.get_by_role("switch").check(force=True)
    at.page.wait_for_function(focused, arg=ids[0])
    at.page.keyboard.press("1")
    at.until(lambda: at.widget.qrels == {"q1": {ids[0]: 1, ids[2]: 3}})
    at.widget.qrels = {}
    at.push()


def test_panels_say_how_judgements_from_elsewhere_come_in(at):
    at.widget.qrels = {}
    at.push()
    for tab in ("judge", "sweep"):
        panel = at.show(tab)
        panel.get_by_text("pg = %playground docs").wait_for()
    panel.get_by_text("switch “Judge the results” on").wait_for()


def test_no_style_of_another_widget_squeezes_the_ranks(at):
    """A notebook holds the styles of all widgets at once."""
    at.page.add_style_tag(content=style_text("theme.css", "printed.css", "lanes.css"))
    panel = at.show("ranks")
    last = panel.locator(".mxp-lines-name").last
    last.wait_for()
    graph = panel.locator(".mxp-rank-lines")
    assert graph.evaluate("(node) => node.scrollHeight <= node.clientHeight + 1")


def test_a_filter_from_python_stands_in_the_form_or_as_json(at):
    at.widget.filters = {"package": "zipfile"}
    at.push()
    assert at.page.get_by_label("Field of condition 1").input_value() == "package"
    at.widget.filters = {"NOT": {"field": "package", "value": "zipfile"}}
    at.push()
    assert '"NOT"' in at.page.locator(".mxp-filter-code").inner_text()
    at.page.locator("[data-action=clear-filter]").click()
    at.settle()
    assert at.widget.filters is None


def test_no_script_fails(opened):
    assert opened.errors == []
