"""The playground's map in Chromium, over a real widget and a real collection's vectors."""

from __future__ import annotations

import time

import numpy as np
import pytest
from packages import HASH_EMBEDDER
from playground_page import MAP_SETTLED, drag
from sample_search import DOCUMENTS, SampleSearch, support
from widget_page import WidgetPage

from mixpeek_lab.magics import retrievers
from mixpeek_lab.projections import Projection
from mixpeek_lab.widgets.playground import MapSupport, Playground
from mixpeek_lab.workbench import Lab

pytestmark = pytest.mark.browser

BODY = {
    "collection": "docs",
    "searches": [
        {"feature": "hash_embedding", "name": "dense", "top_k": 60},
        {"lexical": True, "name": "words", "top_k": 60},
    ],
}
MAP = "document.querySelector('.mxp-map').mixpeek"
# Every disc that is drawn: its place on the canvas, its ink.
PIXELS = """() => {
  const map = document.querySelector('.mxp-map').mixpeek;
  const box = document.querySelector('.mxm-over').getBoundingClientRect();
  const unit = Math.min(map.size.width, map.size.height) / 2 / 1.06 * map.view.zoom;
  const places = [];
  for (let i = 0; i < map.xy.length / 2; i += 1) places.push([
    box.left + box.width / 2 + (map.xy[2 * i] - map.view.x) * unit,
    box.top + box.height / 2 - (map.xy[2 * i + 1] - map.view.y) * unit]);
  return { places, box: [box.left, box.top, box.width, box.height] };
}"""
INK = """([x, y]) => {
  const canvas = document.querySelector('.mxm-over');
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const at = [(x - box.left) * ratio - 4, (y - box.top) * ratio - 4];
  const { data } = canvas.getContext('2d').getImageData(...at, 8, 8);
  return data.filter((value, at) => at % 4 === 3 && value > 200).length;
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("pgmap") / "home", engine="kernel")
    made.load(HASH_EMBEDDER)
    made.bucket("b", [
        {"_id": key, "text": f["data"], "name": f["name"], "package": f["package"]}
        for key, f in DOCUMENTS.items()
    ])  # fmt: skip
    made.process("b", "hash_embedder", "docs", engine="kernel")
    made.retriever("find", BODY)
    return made


def open_page(chromium, lab, monkeypatch, *, query="parse a json string", dark=False, width=1200):
    monkeypatch.setattr(retrievers, "current_lab", lambda: lab)
    widget = retrievers._open_playground(retrievers._card("find"), query, 10)
    return WidgetPage(chromium, widget, dark=dark, width=width)


def until(page, is_so, push=True):
    """Wait for what a thread of the kernel does."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, page.widget.map_status
        if push:
            page.push()
        page.page.wait_for_timeout(50)
    page.push()


@pytest.fixture(scope="module")
def opened(chromium, lab):
    with pytest.MonkeyPatch.context() as monkeypatch:
        page = open_page(chromium, lab, monkeypatch)
        page.show("map")
        page.page.locator("[data-action=make-map]").click()
        ready(page)
        yield page
        page.page.close()


def ready(page, method="pca"):
    until(page, lambda: page.widget.map_status.get("shown") == method)
    page.page.wait_for_selector(f'.mxp-map[data-method="{method}"]')
    page.page.wait_for_function(f"() => {MAP} && {MAP}.xy.length > 0")


@pytest.fixture
def at(opened):
    """The map of the first query, all of it in sight; no filter."""
    opened.show("map")
    opened.widget.config = {
        "query": "parse a json string", "filters": None, "limit": 10,
        "weights": {"dense": 1, "words": 1},
    }  # fmt: skip
    opened.push()
    opened.page.locator('[data-tool="pan"]').click()
    opened.page.locator('[data-tool="fit"]').click()
    settle(opened)
    return opened


def settle(page):
    """Until hits, star and filter are drawn: nothing is asked for several frames."""
    page.settle()
    page.page.evaluate(MAP_SETTLED)


def lit(page):
    """The documents of the discs, best first."""
    return page.page.locator(".mxp-map-hit").evaluate_all("(n) => n.map((x) => x.dataset.at)")


def point_of(page, document_id):
    answers = page.widget._answers.map
    found, _ = answers._opened().known.find([document_id])
    return answers._opened().known.drawn(found)[0]


def pixel_of(page, document_id):
    return page.page.evaluate(PIXELS)["places"][point_of(page, document_id)]


def test_before_there_is_a_map_it_says_what_to_do_and_can_be_cancelled(
    chromium, lab, monkeypatch, artifacts, axe
):
    lab.bucket("few", [{"_id": str(n), "text": f"word {n}"} for n in range(40)])
    lab.process("few", "hash_embedder", "few_docs", engine="kernel")
    lab.retriever("few", {**BODY, "collection": "few_docs"})
    monkeypatch.setattr(retrievers, "current_lab", lambda: lab)
    page = WidgetPage(chromium, retrievers._open_playground(retrievers._card("few"), "word 1", 10))
    panel = page.show("map")
    panel.get_by_text("No map of hash_embedding yet").wait_for()
    assert "draws the 40 vectors of few_docs" in panel.inner_text()
    assert axe(page.page, "[data-panel=map]") == []
    page.page.locator(".mxp").screenshot(path=artifacts / "playground-map-empty.png")
    panel.get_by_label("t-SNE").check()
    panel.locator("[data-action=make-map]").click()
    panel.locator(".mxm-busy").wait_for(state="visible")
    page.widget.query = "word 2"  # searches go on meanwhile
    assert len(page.widget.results)
    panel.get_by_role("button", name="Cancel").click()
    until(page, lambda: not page.widget.map_status["phase"])
    assert page.widget.map_status["shown"] == ""
    panel.locator("[data-action=make-map]").click()
    ready(page)
    assert panel.locator(".mxm-stage").is_visible()
    assert page.errors == []
    page.page.close()


def test_hits_are_discs_by_rank_and_the_query_is_a_star_where_its_vector_is(at, lab):
    frame = at.widget.results
    assert lit(at) == list(frame.document_id)
    for document in frame.document_id:
        assert at.page.evaluate(INK, pixel_of(at, document)) > 10
    assert "exactly where PCA puts" in at.page.locator(".mxp-map-star").inner_text()
    shown = lab.maps.open("docs")
    vector, _ = shown.ask("parse a json string")
    star = shown.place(vector, shown.project("pca", {}, lambda *_: None))
    box = at.page.evaluate(PIXELS)["box"]
    unit = min(box[2:]) / 2 / 1.06
    middle = [box[0] + box[2] / 2 + star[0] * unit, box[1] + box[3] / 2 - star[1] * unit]
    assert at.page.evaluate(INK, middle) > 30


def test_weights_move_the_hits_without_the_kernel(at):
    before = lit(at)
    at.page.evaluate(
        "() => { window.asked = []; const own = window.kernel; "
        "window.kernel = (m) => { window.asked.push(m); return own(m); }; }"
    )
    slider = at.page.locator('.mxp-leg[data-leg="dense"] input[type=range]')
    slider.fill("0")
    after = lit(at)
    at.settle()
    asked = at.page.evaluate("window.asked.filter((m) => m.content).map((m) => m.content.type)")
    assert after == list(at.widget.results.document_id) != before
    assert asked == []
    for weight in range(1, 40):
        slider.fill(str(weight / 20))
    times = at.page.evaluate("document.querySelector('.mxp').mixpeek.mapTimes.slice(-39)")
    assert float(np.median(times)) <= 16, times


def test_a_lasso_is_a_filter_of_the_search_with_a_chip_to_take_it_off(at):
    found = at.page.evaluate(PIXELS)
    left, top, width, height = found["box"]
    x0, y0, x1, y1 = (
        left + width * 0.35,
        top + height * 0.3,
        left + width * 0.62,
        top + height * 0.8,
    )
    within = {n for n, (x, y) in enumerate(found["places"]) if x0 < x < x1 and y0 < y < y1}
    at.page.locator('[data-tool="lasso"]').click()
    drag(at.page, (x0, y0), (x1, y0), (x1, y1), (x0, y1))
    settle(at)
    ids = at.widget.filters["value"]
    known = at.widget._answers.map._opened().known
    assert {known.name_of_drawn(n) for n in within} == set(ids)
    assert set(at.widget.results.document_id) <= set(ids)
    assert lit(at) == list(at.widget.results.document_id)
    assert at.page.evaluate(f"{MAP}.marked") == len(ids)
    assert "document_id" in at.widget.cell
    assert at.widget.config["filters"] == {
        "field": "document_id", "operator": "in", "value": ids,
    }  # fmt: skip
    chip = at.page.locator(".mxp-map-chip")
    assert f"{len(ids)} documents of the map" in chip.inner_text()
    assert f"is one of {len(ids)} documents" in at.page.locator(".mxp-conditions").inner_text()
    # Beside another condition, which stays.
    other = {"field": "package", "operator": "eq", "value": "json"}
    at.widget.filters = {"AND": [other, at.widget.filters]}
    at.push()
    settle(at)
    at.page.locator("[data-action=unlasso]").click()
    settle(at)
    assert at.widget.filters == other
    assert "points pass the filter" in chip.inner_text()
    assert at.page.evaluate(f"{MAP}.marked") == len(
        [f for f in DOCUMENTS.values() if f["package"] == "json"]
    )


def test_a_click_on_a_hit_selects_it_in_the_results_and_back(at):
    frame = at.widget.results
    first = frame.document_id[0]
    at.page.mouse.click(*pixel_of(at, first))
    at.page.locator(f'.mxp-map-hit[data-at="{first}"][aria-current="true"]').wait_for()
    at.page.locator("[data-action=open-hit]").click()
    at.page.locator(f'.mxp-hit.is-open[data-id="{first}"]').wait_for()
    assert at.page.evaluate("document.activeElement.closest('.mxp-hit').dataset.id") == first
    # The other way round: what is opened in the results is the selected one on the map.
    at.page.locator(".mxp-hit").nth(3).locator(".mxp-toggle").click()
    at.show("map")
    current = at.page.locator('.mxp-map-hit[aria-current="true"]').get_attribute("data-at")
    assert current == frame.document_id[3]
    chosen = at.page.evaluate("document.querySelector('.mxp').mixpeek.mapLights().chosen")
    assert chosen == point_of(at, current)


def test_hovering_tells_the_document_and_its_rank(at):
    document = at.widget.results.document_id[0]
    at.page.mouse.move(*pixel_of(at, document))
    card = at.page.locator(".mxm-card")
    card.wait_for(state="visible")
    assert at.widget.results.name[0] in card.inner_text()
    assert "Hit 1. Click selects it." in card.inner_text()
    at.page.mouse.move(5, 5)
    card.wait_for(state="hidden")


def test_keys_alone_go_through_the_hits_and_filter(at):
    names = list(at.widget.results.name)
    at.page.locator(".mxp-map-hit").first.focus()
    at.page.keyboard.press("ArrowDown")
    assert names[1] in at.page.evaluate("document.activeElement.innerText")
    lights = "document.querySelector('.mxp').mixpeek.mapLights().chosen"
    assert at.page.evaluate(lights) == point_of(at, at.widget.results.document_id[1])
    at.page.locator(".mxm-over").focus()
    live = at.page.locator(".mxp > [role=status]")
    at.page.keyboard.press("j")
    at.page.wait_for_function(
        "(name) => document.querySelector('.mxp > [role=status]').innerText.startsWith(name)",
        arg=at.page.locator('.mxp-map-hit[aria-current="true"]').get_attribute("title"),
    )
    at.page.keyboard.press("Escape")
    at.page.keyboard.press("s")
    at.page.keyboard.press("Enter")
    settle(at)
    assert at.widget.filters["operator"] == "in"
    assert live.inner_text()
    at.page.locator(".mxm-over").focus()
    at.page.keyboard.press("Escape")
    settle(at)
    assert at.widget.filters is None


def test_a_document_as_the_query_is_the_star(at):
    document = at.widget.results.document_id[2]
    place = pixel_of(at, document)
    at.widget.like = document
    at.push()
    settle(at)
    assert "is the document that is asked with" in at.page.locator(".mxp-map-star").inner_text()
    assert at.page.evaluate(INK, place) > 30
    assert document not in lit(at)


def test_another_method_and_colours(at):
    at.page.get_by_label("Method of the map").select_option("tsne")
    ready(at, "tsne")
    settle(at)
    assert "t-SNE cannot place a new vector" in at.page.locator(".mxp-map-star").inner_text()
    at.page.get_by_label("Colour points by").select_option("package")
    at.page.locator(".mxp-map .mxm-entry").first.wait_for()
    assert at.page.locator(".mxp-map .mxm-entry").count() == 8
    at.page.get_by_label("Colour points by").select_option("")
    at.page.get_by_label("Method of the map").select_option("pca")
    ready(at)


def test_a_narrow_page_without_webgl_works_and_does_not_overflow(
    chromium, lab, monkeypatch, artifacts, opened
):
    page = open_page(chromium, lab, monkeypatch, width=430)
    page.page.evaluate("""() => {
      const own = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith('webgl') ? null : own.call(this, kind, ...rest);
      };
    }""")
    page.show("map")
    ready(page)
    settle(page)
    assert (
        page.page.locator(".mxp-map .mxp-banner")
        .inner_text()
        .startswith("This browser has no WebGL: the points are drawn on a plain canvas")
    )
    assert page.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    stage, side = (page.page.locator(n).bounding_box() for n in (".mxm-stage", ".mxp-map-side"))
    assert side["y"] >= stage["y"] + stage["height"] - 1
    page.page.locator(".mxp").screenshot(path=artifacts / "playground-map-narrow.png")
    page.page.close()


def test_without_vectors_there_is_no_map_to_draw(chromium, lab, monkeypatch):
    lab.retriever("lexical", {"collection": "docs", "searches": [{"lexical": True}]})
    monkeypatch.setattr(retrievers, "current_lab", lambda: lab)
    page = WidgetPage(chromium, retrievers._open_playground(retrievers._card("lexical"), "zip", 10))
    panel = page.show("map")
    panel.get_by_text("This retriever looks for words only").wait_for()
    page.page.close()


class Cloud:
    """A map of `count` points, some of which are the sample search's documents."""

    state, fields = object(), ()

    def __init__(self, count):
        chance = np.random.default_rng(0)
        self.ids = [*DOCUMENTS, *(f"other_{n}" for n in range(count - len(DOCUMENTS)))]
        spread = chance.normal(0, 0.3, (count, 2)).astype(np.float32)
        self.projection = Projection(spread, "Drawn at random.")

    def project(self, *_):
        return self.projection

    def is_kept(self, method, _parameters):
        return method == "pca"

    def place(self, *_):
        return (0.0, 0.0)

    def place_finely(self, *_):
        return None


def test_one_goes_from_map_to_map(chromium):
    drawn, undrawn = Cloud(300), Cloud(400)
    undrawn.state, undrawn.is_kept = object(), lambda *_: False
    offers = [{"id": f"{n}/c", "leg": n, "collection": "c", "feature": n} for n in ("a", "b")]
    maps = MapSupport(
        offers=lambda: offers, open=lambda key: drawn if key == "a/c" else undrawn,
        vector=lambda *_: [0.0], passing=lambda *_: None,
    )  # fmt: skip
    given = support(SampleSearch(), maps=maps)
    page = WidgetPage(chromium, Playground(SampleSearch(), "docs", "read a file", support=given))
    panel = page.show("map")
    panel.locator(".mxm-stage").wait_for()
    which = panel.get_by_label("Vectors of the map")
    which.select_option("b")
    panel.get_by_text("No map of b yet").wait_for()
    assert not panel.locator(".mxm-stage").is_visible()
    which.select_option("a")
    panel.locator(".mxm-stage").wait_for()
    page.page.wait_for_function(f"() => {MAP}.drawn === 300")
    assert not panel.get_by_text("No map of b yet").is_visible()
    assert page.errors == []
    page.page.close()


OPEN = """async () => {
  const began = performance.now();
  document.querySelector('.mxp-tab[data-tab=map]').click();
  const map = () => document.querySelector('.mxp-map')?.mixpeek;
  while (!map()?.drawn) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


@pytest.mark.alone
def test_ten_thousand_points_open_at_once_and_hits_move_within_a_frame(chromium):
    cloud, taken = Cloud(10_000), []
    maps = MapSupport(
        offers=lambda: [{"id": "dense/c", "leg": "dense", "collection": "c", "feature": "v"}],
        open=lambda _: cloud, vector=lambda *_: [0.0], passing=lambda *_: None,
    )  # fmt: skip
    for _ in range(3):  # the best of three: others use the machine too
        search = SampleSearch(top_k=200)
        given = support(search, maps=maps)
        page = WidgetPage(chromium, Playground(search, "docs", "read a file", support=given))
        page.widget.limit = 100
        page.push()
        taken.append(page.page.evaluate(OPEN))
        assert page.page.evaluate(f"{MAP}.drawn") == 10_000
        slider = page.page.locator('.mxp-leg[data-leg="trigrams"] input[type=range]')
        page.page.locator(".mxp-map-hit").nth(99).wait_for()
        for weight in range(1, 30):
            slider.fill(str(weight / 15))
        times = sorted(page.page.evaluate("document.querySelector('.mxp').mixpeek.mapTimes"))
        median = times[len(times) // 2]
        page.page.close()
        if taken[-1] < 1000 and median <= 16:
            break
    print(f"\n10,000 points: open in {taken[-1]:.0f} ms; 100 hits repainted in {median:.1f} ms")
    assert min(taken) < 1000
    assert median <= 16
