"""The playground's map in JupyterLab: a real kernel and a real model; reloads and restarts."""

from __future__ import annotations

import json

import pytest
from conftest import REPOSITORY, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(420)]

MAKE = f"""
import os, sys
os.environ["MIXPEEK_LAB_AUTOSTART"], os.environ["MIXPEEK_LAB_ENGINE"] = "0", "kernel"
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
%load_ext mixpeek_lab
from sample_search import DOCUMENTS
from mixpeek_lab.examples import TEXT_EMBEDDER
from mixpeek_lab.magics.session import current_lab
lab = current_lab()
lab.load(TEXT_EMBEDDER)
chosen = [k for k, f in DOCUMENTS.items() if f["package"] in ("json", "zipfile", "calendar", "csv")]
lab.bucket("few", [
    {{"_id": k, "text": DOCUMENTS[k]["data"][:300], "name": DOCUMENTS[k]["name"],
      "package": DOCUMENTS[k]["package"]}} for k in chosen])
lab.process("few", "text_embedder", "few_docs", engine="kernel")
lab.retriever("few_find", {{"collection": "few_docs", "limit": 5, "searches": [
    {{"feature": "text_embedding", "name": "dense"}}, {{"lexical": True, "name": "words"}}]}})
pg = %playground few_find read a zip archive
pg
"""
READY = '.mxp-map[data-method="pca"]'
SHOWN = f"""() => document.querySelector('{READY}')?.mixpeek?.xy.length > 0
  && document.querySelector('.mxp-map-star').textContent.length > 0"""


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    page = chromium.new_page(viewport={"width": 1400, "height": 1900})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("playground_map", MAKE, "None"))
    notebook.run_cell(0)
    page.wait_for_selector(".mxp-hit", timeout=180_000)
    yield notebook
    page.close()


def python(notebook, expression):
    return json.loads(notebook.run_code(1, f"import json\nprint(json.dumps({expression}))"))


def show_map(page):
    page.locator(".mxp-tab[data-tab=map]").click()
    page.wait_for_function(SHOWN, timeout=60_000)


def drag(page, *path):
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_a_map_is_drawn_there_and_a_models_query_stands_among_its_hits(notebook):
    page = notebook.page
    page.locator(".mxp-tab[data-tab=map]").click()
    page.get_by_text("No map of text_embedding yet").wait_for()
    page.locator("[data-action=make-map]").click()
    page.wait_for_function(SHOWN, timeout=60_000)
    names = page.locator(".mxp-map-hit").evaluate_all("(n) => n.map((x) => x.title)")
    assert names == python(notebook, "list(pg.results.name)")
    assert names[0].startswith("zipfile.")
    assert "exactly where PCA puts" in page.locator(".mxp-map-star").inner_text()
    assert notebook.errors == []


def test_a_lasso_filters_the_search_and_python_has_the_filter(notebook, artifacts, axe):
    page = notebook.page
    box = page.locator(".mxp-map .mxm-over").bounding_box()
    x, y, width, height = (box[name] for name in ("x", "y", "width", "height"))
    page.locator('[data-tool="lasso"]').click()
    drag(page, (x + 150, y + 60), (x + width / 2, y + 60), (x + width / 2, y + height - 10),
         (x + 150, y + height - 10))  # fmt: skip
    page.locator("[data-action=unlasso]").wait_for()
    page.wait_for_function("() => !document.querySelector('.mxp.is-searching')")
    page.wait_for_timeout(500)
    ids, found = python(notebook, "[pg.filters['value'], list(pg.results.document_id)]")
    assert found
    assert set(found) <= set(ids)
    assert python(notebook, "pg.config['filters'] == pg.filters and 'document_id' in pg.cell")
    again = python(notebook, "[h.document_id for h in lab.search('few_find', pg.query, "
                   "filters=pg.filters, limit=10).hits]")  # fmt: skip
    assert set(again) <= set(ids)
    page.locator(".mxp").screenshot(path=artifacts / "playground-map-lab-light.png")
    assert axe(page, "[data-panel=map]") == []


def test_after_a_reload_map_and_filter_are_there_in_the_dark_too(notebook, jupyter, artifacts, axe):
    jupyter.use_theme("JupyterLab Dark")
    try:
        notebook.reload()
        page = notebook.page
        page.locator(".mxp-tab[data-tab=map]").wait_for(timeout=60_000)
        show_map(page)
        page.locator("[data-action=unlasso]").wait_for()
        page.wait_for_function("() => document.querySelector('.mxp-map').mixpeek.marked > 0")
        page.locator(".mxp").screenshot(path=artifacts / "playground-map-lab-dark.png")
        assert axe(page, "[data-panel=map]") == []
    finally:
        jupyter.use_theme("JupyterLab Light")


def test_when_the_kernel_is_gone_the_picture_stays_and_says_how_to_get_it_back(notebook, artifacts):
    page = notebook.page
    notebook.restart_kernel()
    told = page.locator(".mxp-map .mxp-banner")
    told.wait_for(state="visible", timeout=30_000)
    assert told.inner_text().startswith("The kernel is gone: the picture stays")
    assert "%playground few_find read a zip archive" in told.inner_text()
    assert notebook.evaluate(SHOWN)
    page.locator('[data-tool="in"]').click()  # it can still be looked at
    page.wait_for_function("() => document.querySelector('.mxp-map').mixpeek.view.zoom > 1")
    page.locator(".mxp").screenshot(path=artifacts / "playground-map-gone.png")
