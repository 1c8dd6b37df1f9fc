"""The playground's panels in Chromium, over a real widget and a real search."""

from __future__ import annotations

import json
import shlex

import pytest
import sample_search
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


def test_tabs_are_reached_by_the_arrow_keys(at):
    tab = at.page.locator(".mxp-tab").first
    tab.focus()
    at.page.keyboard.press("ArrowRight")
    focused = at.page.evaluate("() => document.activeElement.dataset.tab")
    assert focused == "ranks"
    assert at.page.locator("[data-panel=ranks]").is_visible()
    assert not at.page.locator("[data-panel=results]").is_visible()
    assert at.page.locator(".mxp-tab[aria-selected=true]").count() == 1


def test_the_code_follows_the_sliders(at):
    panel = at.show("code")
    at.page.locator('.mxp-leg[data-leg="words"] .mxp-slide input[type=number]').fill("0.35")
    at.page.locator('.mxp-leg[data-leg="words"] .mxp-slide input[type=number]').press("Tab")
    at.settle()
    assert "%%retriever docs_tuned" in panel.inner_text()
    assert "weight: 0.35" in panel.inner_text()
    panel.locator("[data-form=python]").click()
    assert "current_lab().search(" in panel.inner_text()
    panel.locator("[data-form=config]").click()
    assert json.loads(panel.locator("pre").inner_text()) == at.widget.config


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


def test_a_hit_shows_its_parts_as_a_waterfall_that_ends_at_the_sum(at):
    at.page.locator(".mxp-toggle").nth(2).click()
    bars = at.page.locator(".mxp-why .mxp-fall-track i").evaluate_all(
        "(nodes) => nodes.map((node) => [node.style.left, node.style.width].map(parseFloat))"
    )
    *parts, (start, width) = bars
    assert (start, width) == (0, 100)
    edge = 0.0
    for left, size in parts:
        assert left == pytest.approx(edge, abs=0.01)
        edge = left + size
    assert edge == pytest.approx(100, abs=0.01)


def test_hits_of_one_leg_only_are_marked(at):
    at.widget.limit = 50
    at.push()
    marked = at.page.locator(".mxp-hit:has(.mxp-only)").evaluate_all(
        "(n) => n.map((x) => x.dataset.id)"
    )
    frame = at.widget.results
    found = frame.trigrams_rank.isna() | frame.words_rank.isna()
    assert marked == list(frame.document_id[found])
    assert marked


def test_lines_show_every_rank(at):
    panel = at.show("ranks")
    frame = at.widget.results
    spoken = panel.locator(".mxp-lines-name").evaluate_all(
        "(nodes) => nodes.map((node) => node.textContent)"
    )
    for at_rank, (label, row) in enumerate(zip(spoken, frame.itertuples(), strict=True), start=1):
        assert label.startswith(f"{at_rank} {row.name}")
        assert f"{row.trigrams_rank} in trigrams" in label
        assert f"{at_rank} in fused" in label
    panel.locator(".mxp-lines-name").nth(3).click()
    opened = at.page.locator(".mxp-hit.is-open")
    assert opened.get_attribute("data-id") == frame.document_id[3]


def test_why_not_names_the_leg_and_its_change_brings_the_document_in(at):
    panel = at.show("ranks")
    box = panel.get_by_role("combobox")
    box.fill("json")
    assert panel.get_by_role("option").count() > 0
    box.press("ArrowDown")
    box.press("Enter")
    answer = panel.locator(".mxp-whynot-answer")
    assert "10 are shown" in answer.inner_text()
    assert answer.locator("tr.is-worst").count() == 1
    asked = answer.locator("strong").inner_text()
    answer.locator("[data-change]").first.click()
    at.settle()
    assert "is there, at rank" in answer.inner_text()
    assert asked in list(at.widget.results.name)


def test_why_not_says_where_no_leg_has_it(at):
    panel = at.show("ranks")
    box = panel.get_by_role("combobox")
    box.fill("doc_nowhere")
    box.press("Enter")
    assert "is not among the candidates" in panel.locator(".mxp-whynot-answer").inner_text()


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


def test_ctrl_enter_pins_and_both_orders_stand_side_by_side(at):
    box = at.page.locator(".mxp-query")
    box.press("Control+Enter")
    at.settle()
    assert at.widget.baseline["weights"] == {"trigrams": 1, "words": 1}
    before = list(at.widget.results.name)
    at.page.locator('.mxp-leg[data-leg="trigrams"] input[type=range]').fill("0.1")
    panel = at.show("compare")
    at.settle()
    now = list(at.widget.results.name)
    names = "(nodes) => nodes.map((node) => node.textContent)"
    left = panel.locator("[aria-label=Baseline] .mxp-lines-title").evaluate_all(names)
    right = panel.locator("[aria-label=Now] .mxp-lines-title").evaluate_all(names)
    assert (left, right) == (before, now)
    common = set(before) & set(now)
    assert panel.locator(".mxp-pair").count() == len(common)
    facts = dict(
        zip(*(panel.locator(each).all_inner_texts() for each in ("dt", "dd")), strict=True)
    )
    assert facts["Jaccard@10"] == f"{len(common) / len(set(before) | set(now)):.2f}"
    panel.locator("[data-action=load]").click()
    at.settle()
    assert list(at.widget.results.name) == before
    panel.locator("[data-action=unpin]").click()
    at.settle()
    assert at.widget.baseline == {}


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


def test_ctrl_enter_on_a_new_query_searches_first(at):
    at.page.locator(".mxp-query").fill("calendar month")
    at.page.locator(".mxp-query").press("Control+Enter")
    at.settle()
    assert (at.widget.query, at.widget.baseline["strategy"]) == ("calendar month", "rrf")
    at.widget.baseline = {}
    at.push()


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


def test_judging_by_keys_fills_qrels_and_the_strip(at, tmp_path):
    at.widget.qrels = {}
    at.push()
    at.page.locator(".mxp-query").press("ArrowDown")
    ids = at.ids()
    for key in "30k12":  # the third key goes back to the second result, which gets 1
        at.page.keyboard.press(key)
    assert at.page.evaluate("() => document.activeElement.closest('.mxp-hit').dataset.id") == ids[3]
    at.page.wait_for_selector(".mxp-strip .mxp-measure:has-text('nDCG@10')")
    assert at.widget.qrels == {"q1": {ids[0]: 3, ids[1]: 1, ids[2]: 2}}
    pressed = at.page.locator('.mxp-grade[aria-pressed="true"]').all_inner_texts()
    assert pressed == ["3", "1", "2"]
    assert "unjudged@1070%" in at.page.locator(".mxp-strip").inner_text().replace("\n", "")
    at.page.keyboard.press("u")
    at.page.wait_for_timeout(100)
    assert at.widget.qrels == {"q1": {ids[0]: 3, ids[1]: 1}}
    panel = at.show("judge")
    at.page.locator(".mxp-save input").fill(str(tmp_path / "mine"))
    panel.get_by_text("Save judgements").click()
    panel.get_by_text("Saved:").wait_for()
    assert (tmp_path / "mine" / "qrels" / "test.tsv").read_text().count("\n") == 3
    at.widget.qrels = {}
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


def test_wins_and_losses_against_the_baseline(at):
    names = {"json": "json.loads", "zip": "zipfile.is_zipfile", "gzip": "gzip.open"}
    at.widget.qrels = (
        {key: {name: 1} for key, name in names.items()},
        {"json": "parse a json string", "zip": "zip archive file", "gzip": "compress a file"},
    )
    at.widget.pin()
    at.push()
    at.page.locator('.mxp-leg[data-leg="trigrams"] input[type=range]').fill("0.1")
    panel = at.show("judge")
    panel.locator("tbody tr").first.wait_for()
    at.page.wait_for_timeout(700)
    heads = panel.locator(".mxp-measures thead th").all_inner_texts()
    cells = panel.locator(".mxp-measures tbody tr").first.locator("th, td").all_inner_texts()
    row = dict(zip(heads, cells, strict=True))
    assert int(row["won"]) + int(row["lost"]) + int(row["tied"]) == 3
    assert row["measure"] == "nDCG@10"
    panel.locator(".mxp-link", has_text="zip archive").click()
    at.settle()
    assert at.widget.query == "zip archive file"
    at.widget.qrels, at.widget.baseline = {}, {}
    at.push()


def test_a_filter_is_built_from_the_fields_and_tells_how_many_pass(at):
    page = at.page
    page.locator("[data-action=add-condition]").click()
    page.get_by_label("Field of condition 1").wait_for()
    page.get_by_label("Value of condition 1").select_option("json")
    at.settle()
    assert at.widget.filters == {"field": "package", "operator": "eq", "value": "json"}
    assert set(at.widget.results.package) == {"json"}
    told = page.locator(".mxp-selectivity").inner_text()
    passing = int(told.split()[0])
    assert 0 < passing < 10
    assert "documents pass" in told
    assert "Fewer than the 10 that are shown." in told
    page.locator("[data-action=add-condition]").click()
    page.get_by_label("Field of condition 2").select_option("kind")
    page.get_by_label("Value of condition 2").select_option("class")
    at.settle()
    assert at.widget.filters["AND"][1]["value"] == "class"
    page.get_by_label("Remove condition 1").click()
    at.settle()
    assert at.widget.filters == {"field": "kind", "operator": "eq", "value": "class"}
    page.locator("[data-action=clear-filter]").click()
    at.settle()
    assert at.widget.filters is None


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


def test_more_like_this_asks_with_the_document_until_words_are_typed(at):
    at.page.locator(".mxp-toggle").nth(1).click()
    at.page.locator("[data-action=like]").first.click()
    at.settle()
    asked = at.widget.like
    assert asked
    assert "Like " in at.page.locator(".mxp-asked").inner_text()
    at.ask("zip archive")
    assert (at.widget.like, at.page.locator(".mxp-asked").is_visible()) == (None, False)


def test_the_lineage_drawer_goes_to_the_code(at):
    at.page.locator(".mxp-toggle").first.click()
    at.page.locator("[data-action=lineage]").first.click()
    drawer = at.page.locator(".mxp-drawer").first
    drawer.locator("[data-step=code]").wait_for()
    kinds = drawer.locator("li").evaluate_all("(nodes) => nodes.map((n) => n.dataset.step)")
    assert kinds == ["document", "object", "code"]
    drawer.locator("summary").click()
    assert "def process(batch)" in drawer.locator("pre").inner_text()


def test_a_sweep_shows_both_halves_and_a_click_loads_a_cell(at):
    names = {
        "json.loads": "parse a json string",
        "zipfile.is_zipfile": "zip archive file",
        "gzip.open": "compress a file",
        "csv.reader": "read csv rows",
        "shutil.copytree": "copy a directory tree",
        "bisect.insort": "insert into sorted list",
    }
    ids = {fields["name"]: key for key, fields in sample_search.DOCUMENTS.items()}
    at.widget.qrels = (
        {name: {ids[name]: 1} for name in names if name in ids}, dict(names),
    )  # fmt: skip
    at.push()
    at.page.wait_for_timeout(900)
    panel = at.show("sweep")
    panel.locator("[data-action=sweep]").click()
    panel.locator("[data-action=load-best]").wait_for(timeout=15_000)
    grids = panel.get_by_role("grid")
    assert grids.count() == 2
    frame = at.widget.sweep("k", "trigrams")
    best = panel.locator(".mxp-map .mxp-cell.is-best").first
    assert f"{frame.train[0]:.4f}" in best.get_attribute("aria-label")
    now = grids.first.locator(".mxp-cell.is-now")
    now.focus()
    at.page.keyboard.press("ArrowUp")
    at.page.keyboard.press("Enter")
    at.settle()
    assert at.widget.weights["trigrams"] == 0.75
    panel.locator("[data-action=load-best]").click()
    at.settle()
    assert at.widget.k in set(frame[frame.train == frame.train[0]].k)
    at.widget.qrels = {}
    at.push()


NAMELESS = """() => [...document.querySelectorAll('.mxp button, .mxp input, .mxp select')]
  .filter((node) => node.offsetParent && !node.getAttribute('aria-label') && !node.labels?.length
    && !node.textContent.trim())
  .map((node) => node.outerHTML.slice(0, 120))"""
TWICE = """() => {
  const ids = [...document.querySelectorAll('.mxp [id]')].map((node) => node.id);
  const wanted = [...document.querySelectorAll('.mxp [aria-controls], .mxp [aria-labelledby]')]
    .flatMap((node) => [node.getAttribute('aria-controls'), node.getAttribute('aria-labelledby')]);
  return [...ids.filter((id, at) => ids.indexOf(id) !== at),
    ...wanted.filter((id) => id && !document.getElementById(id))];
}"""
# WCAG's contrast of every visible text against the first opaque background behind it.
CONTRAST = """() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const over = (front, back) => {
    for (const colour of [back, front]) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (rgb) => rgb.map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const found = [];
  for (const node of document.querySelectorAll('.mxp *')) {
    const text = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!text || !node.offsetParent || node.closest('[disabled], .mx-visually-hidden')) continue;
    let behind = [];
    for (let each = node; each; each = each.parentElement) behind.unshift(getComputedStyle(each));
    let back = 'rgb(255, 255, 255)';
    for (const style of behind) back = `rgb(${over(style.backgroundColor, back)})`;
    const front = over(getComputedStyle(node).color, back);
    const [a, b] = [light(front), light(over(back, back))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push([node.className, node.textContent.slice(0, 30), ratio.toFixed(2)]);
  }
  return found;
}"""


TABS = ("results", "ranks", "compare", "judge", "sweep", "code")


@pytest.fixture(scope="module", params=["light", "dark"])
def dressed(request, chromium):
    """A page with all that can be open: a baseline, a filter, an explanation, a drawer, grades."""
    search = SampleSearch()
    made = WidgetPage(
        chromium,
        Playground(search, "docs", "json", support=support(search, body=BODY)),
        dark=request.param == "dark",
    )
    made.theme = request.param
    made.widget.pin()
    made.widget.config = {
        "filters": {"field": "kind", "value": "function"}, "weights": {"words": 0.3}, "limit": 5,
    }  # fmt: skip
    made.push()
    made.page.locator("[data-action=add-condition]").click()
    made.page.get_by_label("Value of condition 2").wait_for()
    made.page.locator(".mxp-toggle").first.click()
    made.page.locator("[data-action=lineage]").first.click()
    made.page.locator(".mxp-file summary").first.click()
    made.page.locator(".mxp-toggle").nth(1).focus()
    made.page.keyboard.press("2")
    made.page.locator(".mxp-strip .mxp-measure b").first.wait_for()
    made.settle()
    panel = made.show("sweep")
    panel.locator("[data-action=sweep]").click()
    panel.locator("[data-action=load-best]").wait_for(timeout=30_000)
    panel = made.show("ranks")
    panel.get_by_role("combobox").fill("a")
    panel.get_by_role("option").first.wait_for()
    yield made
    assert made.errors == []
    made.page.close()


def test_every_control_has_a_name_and_every_text_contrast(dressed, artifacts):
    page = dressed.page
    for tab in TABS:
        dressed.show(tab)
        page.wait_for_timeout(200)  # the cards glide
        picture = artifacts / f"playground_{tab}_{dressed.theme}.png"
        page.screenshot(path=picture, full_page=True)
        assert page.evaluate(NAMELESS) == [], tab
        assert page.evaluate(TWICE) == [], tab
        assert page.evaluate(CONTRAST) == [], tab
        assert page.evaluate("() => document.body.scrollWidth <= innerWidth"), tab


def test_axe_finds_no_fault_on_any_tab(dressed, axe):
    found = {}
    for tab in TABS:
        dressed.show(tab)
        found[tab] = axe(dressed.page, ".mxp")
    assert found == {tab: [] for tab in TABS}


def test_no_script_fails(opened):
    assert opened.errors == []
