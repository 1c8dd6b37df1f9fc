"""The first tutorial as a newcomer meets it: opened in JupyterLab, run from top to bottom, used.

With MIXPEEK_LAB_PICTURES=1 the pictures in `notebooks/images/` are made anew.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import nbformat
import pytest
from conftest import REPOSITORY, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.ray, pytest.mark.timeout(420)]

QUICKSTART = REPOSITORY / "notebooks" / "01_quickstart.ipynb"
IMAGES = QUICKSTART.parent / "images"
LARGEST_IMAGE = 300_000
SHOWN_HITS = 4

HEADINGS = "() => [...document.querySelectorAll('.mxp-heading')].map((node) => node.textContent)"
REQUESTS = "() => document.querySelector('.mxp').mixpeek.requests"
SEARCHED = "() => !document.querySelector('.mxp').classList.contains('is-searching')"
ALL_RAN = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
  .every((prompt) => /^\\[\\d+\\]:$/.test(prompt.innerText.trim()))"""
OUTPUTS = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
  .map((node) => [node.dataset.mimeType, node.innerText])"""
ERROR = "application/vnd.jupyter.error"
VIEW = "application/vnd.jupyter.widget-view+json"
STDERR = "application/vnd.jupyter.stderr"


def without_outputs(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def run_all(notebook: NotebookPage) -> None:
    """The menu's Run All Cells, to the end."""
    page = notebook.page
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
    page.wait_for_function(ALL_RAN, timeout=300_000)
    page.locator(".mxp-hit").first.wait_for(timeout=30_000)


@pytest.fixture(scope="module")
def quickstart(jupyter, chromium):
    """The quickstart in a page that is tall enough for all of it, after Run All Cells."""
    nbformat.write(without_outputs(QUICKSTART), jupyter.folder / QUICKSTART.name)
    page = chromium.new_page(viewport={"width": 1280, "height": 7000}, device_scale_factor=1.5)
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.folder / QUICKSTART.name)
    run_all(notebook)
    yield notebook
    page.close()


def ask(notebook, query):
    box = notebook.page.locator(".mxp-query")
    box.fill(query)
    box.press("Enter")
    notebook.page.wait_for_function(SEARCHED)
    notebook.page.wait_for_timeout(450)


def drag(page, slider, share):
    """Take the slider's thumb with the mouse and put it at a share of its length."""
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    at = float(slider.input_value()) / float(slider.get_attribute("max"))
    page.mouse.move(box["x"] + 8 + at * (box["width"] - 16), middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), middle, steps=12)
    page.mouse.up()
    page.wait_for_timeout(300)


def save(page, path: Path) -> None:
    """Save by the toolbar's button, wherever the focus is, and wait until the file has it."""
    deadline = time.monotonic() + 30
    while VIEW not in path.read_text("utf-8"):
        assert time.monotonic() < deadline, "the notebook was not saved"
        page.locator(".jp-NotebookPanel-toolbar [data-command='docmanager:save']").click()
        page.wait_for_timeout(500)


def test_it_runs_to_the_end_and_leaves_clean_cells(quickstart):
    outputs = quickstart.evaluate(OUTPUTS)
    errors = [text for kind, text in outputs if kind in (ERROR, STDERR)]
    assert len(errors) == 1, errors
    assert errors[0].startswith("ManifestError: Extractor 'wrong_keys' is not defined")
    assert quickstart.page.locator(".jupyter-widgets", has_text="Deploying").count() == 0
    assert quickstart.page.locator(".mxr").count() == 0, "the bars of finished runs are gone"


def test_a_typed_query_is_answered(quickstart):
    ask(quickstart, "middle value of a list of numbers")
    assert any("median" in heading for heading in quickstart.evaluate(HEADINGS)[:3])


def test_dragging_a_weight_reorders_the_hits_without_asking_the_kernel(quickstart):
    ask(quickstart, "how many days are there between two dates")
    before, requests = quickstart.evaluate(HEADINGS), quickstart.evaluate(REQUESTS)
    leg = quickstart.page.locator('.mxp-leg[data-leg="minilm_embedding"] input[type=range]')
    leg.scroll_into_view_if_needed()
    drag(quickstart.page, leg, 0.02)
    after = quickstart.evaluate(HEADINGS)
    assert float(leg.input_value()) < 0.3
    assert after != before
    assert quickstart.evaluate(REQUESTS) == requests
    drag(quickstart.page, leg, 0.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_like_this(quickstart, jupyter, artifacts, theme):
    page = quickstart.page
    jupyter.use_theme(f"JupyterLab {theme.title()}")
    try:
        save(page, jupyter.folder / QUICKSTART.name)
        quickstart.reload()
        page.locator(".mxp-hit").first.wait_for(timeout=60_000)
        ask(quickstart, "middle value of a list of numbers")
        if page.locator(".mxp-reset").is_visible():
            page.locator(".mxp-reset").click()
        page.wait_for_timeout(500)
        page.screenshot(path=artifacts / f"quickstart_{theme}.png")
        picture = take_picture(page)
    finally:
        jupyter.use_theme("JupyterLab Light")
    (artifacts / f"quickstart_playground_{theme}.png").write_bytes(picture)
    assert len(picture) <= LARGEST_IMAGE
    if os.environ.get("MIXPEEK_LAB_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"playground-{theme}.png").write_bytes(picture)


def take_picture(page) -> bytes:
    """The playground alone: its controls and the first hits, the best one opened."""
    first = page.locator(".mxp-hit").first
    if not first.locator(".mxp-detail").is_visible():
        first.locator(".mxp-toggle").click()
        page.wait_for_timeout(400)
    page.mouse.move(5, 5)
    page.evaluate("() => document.activeElement?.blur()")
    box = page.locator(".mxp").bounding_box()
    last = page.locator(".mxp-hit").nth(SHOWN_HITS - 1).bounding_box()
    clip = {**box, "height": last["y"] + last["height"] - box["y"]}
    return page.screenshot(clip=clip)
