"""The embedding map in JupyterLab, driven in headless Chromium."""

from __future__ import annotations

import json

import pytest
from conftest import REPOSITORY, NotebookPage

pytestmark = pytest.mark.browser

MAKE = f"""
import os, sys
os.environ["MIXPEEK_LAB_AUTOSTART"] = "0"
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
%load_ext mixpeek_lab
from packages import HASH_EMBEDDER
from sample_search import DOCUMENTS
from mixpeek_lab.magics.session import current_lab
lab = current_lab()
lab.load(HASH_EMBEDDER)
rows = [
    {{"_id": key, "text": f["data"], "name": f["name"], "package": f["package"],
      "size": len(f["data"])}}
    for key, f in DOCUMENTS.items()
]
lab.bucket("pydocs", rows)
lab.process("pydocs", "hash_embedder", "docs", engine="kernel");
m = %embedding_map docs --color package
m
"""

READY = ".mxm.is-ready"
MAP = "() => document.querySelector('.mxm').mixpeek"


def open_map(jupyter, chromium, name, *cells, width=1300, height=1100):
    page = chromium.new_page(viewport={"width": width, "height": height})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook(name, *cells))
    notebook.run_cell(0)
    page.wait_for_selector(READY, timeout=60_000)
    return notebook


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    opened = open_map(jupyter, chromium, "map", MAKE, "None")
    yield opened
    opened.page.close()


def python(notebook, expression):
    return json.loads(notebook.run_code(1, f"import json\nprint(json.dumps({expression}))"))


@pytest.fixture
def page(notebook):
    """The page with all of the map in sight, nothing selected, nothing hidden or lit."""
    notebook.run_code(
        1,
        "m.clear(); m.query = ''; m.highlight(); m.hidden = []\n"
        "m.color, m.method = 'package', 'pca'; m.view = {'x': 0, 'y': 0, 'zoom': 1}",
    )
    notebook.page.locator('[data-tool="pan"]').click()
    notebook.page.wait_for_timeout(300)
    return notebook.page


def pixels(notebook):
    """Where each point is on the page, in the order of drawing, and where the stage is."""
    return notebook.evaluate("""() => {
      const map = document.querySelector('.mxm').mixpeek;
      const box = document.querySelector('.mxm-over').getBoundingClientRect();
      const unit = Math.min(map.size.width, map.size.height) / 2 / 1.06 * map.view.zoom;
      const places = [];
      for (let i = 0; i < map.xy.length / 2; i += 1) places.push([
        box.left + box.width / 2 + (map.xy[2 * i] - map.view.x) * unit,
        box.top + box.height / 2 - (map.xy[2 * i + 1] - map.view.y) * unit]);
      return { places, box: [box.left, box.top, box.width, box.height] };
    }""")


LIGHT = """
result = lab.search(
    {"collection": "docs", "searches": [{"feature": "hash_embedding"}]}, "sort a list", limit=6)
first = result.hits[0].document_id
found = lab.sql(f"SELECT hash_embedding FROM docs WHERE document_id = '{first}'").table.to_pylist()
m.highlight(result, query_vector=found[0]["hash_embedding"])
"""


def drag(page, *path):
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)


def test_it_shows_every_document_as_a_point_in_binary(notebook, page):
    assert notebook.evaluate(f"({MAP})().xy.length / 2") == python(notebook, "len(m.positions)")
    label = page.locator(".mxm-over").get_attribute("aria-label")
    assert label.startswith("Map of ")
    assert "by pca, coloured by package" in label
    assert page.locator(".mxm-entry").count() == 8
    assert notebook.evaluate(f"({MAP})().drawn") == python(notebook, "len(m.positions)")
    assert notebook.errors == []


def test_hovering_shows_the_document(notebook, page):
    place = pixels(notebook)["places"][5]
    page.mouse.move(*place)
    page.locator(".mxm-card").wait_for(state="visible")
    near = notebook.evaluate(f"({MAP})().near")
    name = python(notebook, f"m._documents([m._known.name_of_drawn({near})])"
                  f"[m._known.name_of_drawn({near})]['fields']['name']")  # fmt: skip
    assert page.locator(".mxm-card-heading").inner_text() == name
    page.mouse.move(5, 5)
    page.locator(".mxm-card").wait_for(state="hidden")


def test_keys_alone_move_read_and_select(notebook, page):
    page.locator(".mxm-over").focus()
    page.keyboard.press("Enter")
    page.locator(".mxm-card").wait_for(state="visible")
    first = page.locator(".mxm-card-heading").inner_text()
    live = page.locator(".mxm > [role=status]")
    assert live.inner_text().startswith(first)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert page.locator(".mxm-card-heading").inner_text() != first
    page.keyboard.press("Escape")
    page.locator(".mxm-card").wait_for(state="hidden")
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    assert notebook.evaluate("document.activeElement.className") == "mxm-over"
    page.keyboard.press("s")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    selected = live.inner_text()
    assert selected.endswith("selected.")
    state = python(notebook, "[m.view, len(m.selected), m.selected_count]")
    assert state[0]["zoom"] == pytest.approx(1.5)
    assert state[0]["x"] < 0
    assert state[1] == state[2] == int(selected.split()[0]) > 0
    page.locator(".mxm-over").focus()
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert python(notebook, "m.selected_count") == 0


def test_a_box_and_a_lasso_select_what_they_hold(notebook, page):
    found = pixels(notebook)
    left, top, width, height = found["box"]
    x0, y0, x1, y1 = left + width * 0.3, top + height * 0.3, left + width * 0.6, top + height * 0.7
    within = [i for i, (x, y) in enumerate(found["places"]) if x0 < x < x1 and y0 < y < y1]
    page.locator('[data-tool="box"]').click()
    drag(page, (x0, y0), (x1, y1))
    names = python(notebook, f"sorted(m._known.name_of_drawn(p) for p in {within})")
    assert python(notebook, "sorted(m.selected.document_id)") == names
    assert f"{len(within)} of " in page.locator(".mxm-count").inner_text()
    page.locator('[data-tool="lasso"]').click()
    page.keyboard.down("Shift")  # adds
    drag(page, (left + 4, y0), (x0, y0), (x0, y1), (left + 4, y1))
    page.keyboard.up("Shift")
    more = python(notebook, "sorted(m.selected.document_id)")
    assert set(names) < set(more)
    rows = python(notebook, "lab.sql(m.selection_sql).table.num_rows")
    assert rows == len(more)
    hits = python(notebook, "[h.document_id for h in lab.search({'collection': 'docs', 'searches':"
                  " [{'lexical': True}]}, 'return a list', filters=m.filter).hits]")  # fmt: skip
    assert hits
    assert set(hits) <= set(more)
    page.get_by_role("button", name="Clear").click()
    page.wait_for_timeout(300)
    assert python(notebook, "m.filter") is None


def test_dragging_and_the_wheel_move_the_view_and_leave_the_page_its_wheel(notebook, page):
    left, top, width, height = pixels(notebook)["box"]
    middle = (left + width / 2, top + height / 2)
    drag(page, middle, (middle[0] + 90, middle[1]))
    page.wait_for_timeout(400)
    assert python(notebook, "m.view")["x"] < -0.2
    page.locator(".mxm-over").focus()
    page.mouse.move(*middle)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(400)
    zoom = python(notebook, "m.view")["zoom"]  # which takes the focus away
    assert zoom > 1.2
    page.mouse.move(*middle)
    page.mouse.wheel(0, 1)
    page.locator(".mxm-hint").wait_for(state="visible")
    assert python(notebook, "m.view")["zoom"] == zoom


def test_the_legend_hides_and_what_is_hidden_is_not_selected(notebook, page):
    entry = page.locator(".mxm-entry").first
    label = entry.locator(".mxm-entry-label").inner_text()
    entry.click()
    page.wait_for_timeout(200)
    assert python(notebook, "m.hidden") == [label]
    assert page.locator(".mxm-entry").first.get_attribute("aria-pressed") == "false"
    left, top, width, height = pixels(notebook)["box"]
    page.locator('[data-tool="box"]').click()
    drag(page, (left + 1, top + 60), (left + width - 1, top + height - 1))
    assert label not in python(notebook, "sorted(set(m.selected.package))")
    assert python(notebook, "m.selected_count") > 50


def test_traits_and_highlight_from_python_show(notebook, page):
    notebook.run_code(1, 'm.color = "size"; m.view = {"x": 0.2, "y": 0.1, "zoom": 2.5}' + LIGHT)
    page.locator(".mxm-ramp").wait_for()
    assert page.locator(".mxm-hits").inner_text().split() == ["6", "hits", "★", "query"]
    state = notebook.evaluate(f"({MAP})().view")
    assert state == {"x": 0.2, "y": 0.1, "zoom": 2.5}
    assert page.locator(".mxm-row select").last.input_value() == "size"


def test_a_query_in_the_box_is_a_star_with_its_nearest_documents(notebook, page):
    page.locator(".mxm-query").fill("sort a list")
    page.locator(".mxm-query").press("Enter")
    page.locator(".mxm-near").nth(9).wait_for()
    assert "exactly where PCA puts" in page.locator(".mxm-star-note").inner_text()
    names = page.locator(".mxm-near span").all_inner_texts()
    body = "{'collection': 'docs', 'searches': [{'feature': 'hash_embedding'}], 'limit': 10}"
    assert names == python(
        notebook, f"[h.fields['name'] for h in lab.search({body}, m.query).hits]"
    )
    page.locator(".mxm-near").nth(2).click()
    page.locator(".mxm-card").wait_for(state="visible")
    assert page.locator(".mxm-card-heading").inner_text() == names[2]
    notebook.run_code(1, "m.query = 'read a file'")
    page.wait_for_function("() => document.querySelector('.mxm-query').value === 'read a file'")
    page.locator(".mxm-query").fill("")
    page.locator(".mxm-query").press("Enter")
    page.locator(".mxm-nearest").wait_for(state="hidden")
    assert python(notebook, "m.query") == ""


def test_another_method_is_chosen_on_the_page(notebook, page):
    page.locator(".mxm-row select").first.select_option("tsne")
    page.wait_for_selector('.mxm[data-method="tsne"]', timeout=90_000)
    assert python(notebook, "[m.method, m.status['shown']]") == ["tsne", "tsne"]
    assert "trust neighbourhoods" in page.locator(".mxm-foot").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_in_both_themes(notebook, page, artifacts, axe, theme):
    if theme == "dark":
        notebook.page.locator(".lm-MenuBar-item", has_text="Settings").click()
        notebook.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        notebook.page.locator(".lm-Menu-item", has_text="JupyterLab Dark").first.click()
        notebook.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
        notebook.page.wait_for_timeout(600)
    notebook.run_code(1, LIGHT)
    found = pixels(notebook)
    left, top, *_ = found["box"]
    page.mouse.move(*found["places"][5])
    page.locator(".mxm-card").wait_for(state="visible")
    page.locator(".mxm").screenshot(path=artifacts / f"map-{theme}.png")
    assert axe(page, ".mxm") == []
    page.locator('[data-tool="lasso"]').click()
    drag(page, (left + 200, top + 150), (left + 420, top + 140), (left + 400, top + 350),
         (left + 220, top + 330))  # fmt: skip
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    page.locator(".mxm").screenshot(path=artifacts / f"map-{theme}-selected.png")
    notebook.run_code(1, "m.clear(); m.query = 'parse a json string'")
    page.locator(".mxm-near").first.wait_for()
    page.locator(".mxm").screenshot(path=artifacts / f"map-{theme}-query.png")
    assert axe(page, ".mxm") == []
    ink = notebook.evaluate("getComputedStyle(document.querySelector('.mxm')).backgroundColor")
    assert (int(ink.split("(")[1].split(",")[0]) < 128) is (theme == "dark")


def test_after_a_reload_the_state_is_there(notebook, page):
    notebook.run_code(1, "m.color = 'package'; m.select(m.positions.document_id[:7])\n"
                      "m.view = {'x': 0.1, 'y': 0.0, 'zoom': 2}")  # fmt: skip
    notebook.reload()
    notebook.page.wait_for_selector(READY, timeout=60_000)
    assert notebook.page.locator(".mxm-count").inner_text().startswith("7 of ")
    assert notebook.evaluate(f"({MAP})().view.zoom") == 2
    assert notebook.evaluate(f"({MAP})().marked") == 7


def test_when_the_kernel_is_gone_the_picture_stays_with_the_code_for_another(notebook, artifacts):
    notebook.restart_kernel()
    told = notebook.page.locator(".mxm-banner")
    told.wait_for(state="visible", timeout=30_000)
    assert told.inner_text().startswith("The kernel of this map is gone: the picture stays")
    assert "%embedding_map docs --color package" in told.inner_text()
    drawn = notebook.evaluate(f"({MAP})().drawn")
    assert drawn == notebook.evaluate(f"({MAP})().xy.length / 2") > 100
    zoom = notebook.evaluate(f"({MAP})().view.zoom")
    notebook.page.locator('[data-tool="in"]').click()
    notebook.page.wait_for_function(f"(zoom) => ({MAP})().view.zoom > zoom", arg=zoom)
    assert notebook.page.locator(".mxm-query").is_disabled()
    notebook.page.locator(".mxm").screenshot(path=artifacts / "map-gone.png")
