"""The pictures in the tutorials, made anew with MIXPEEK_LAB_PICTURES=1; skipped otherwise.

Two tutorials run in JupyterLab, and what they show is photographed. What the widgets do is tested
elsewhere.
"""

from __future__ import annotations

import nbformat
import pytest
from conftest import REPOSITORY, NotebookPage
from pictures import ARE_ASKED_FOR, keep_picture, show_pictures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.ray,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not ARE_ASKED_FOR, reason="MIXPEEK_LAB_PICTURES=1 makes them"),
]

WITH_JUDGEMENTS = 12
"""Cells of the fourth tutorial, up to those that give the playground its judgements."""
RAN = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
  .every((prompt) => /^\\[\\d+\\]:$/.test(prompt.innerText.trim()))"""
SLOW = """
%env MIXPEEK_LAB_ENGINE=ray
%load_ext mixpeek_lab
import shutil, tempfile
from pathlib import Path
from PIL import Image
from mixpeek_lab import current_lab
from mixpeek_lab.corpora import sample_folder
from mixpeek_lab.examples import FILE_EMBEDDER
lab = current_lab()
lab.load(FILE_EMBEDDER)
source = lab.extractor("file_embedder").source
core = source.text("processors/core.py").replace(
    '        batch = batch.explode("data")',
    '        import time; time.sleep(1.5)\\n        batch = batch.explode("data")')
manifest = source.text("manifest.py").replace(
    'inference_type="embedding",\\n)',
    'inference_type="embedding",\\n    '
    'compute_profile={"batch_size": 2, "max_concurrency": 1},\\n)')
lab.define("file_embedder", manifest, "manifest.py")
lab.define("file_embedder", core, "processors/core.py")
folder = Path(tempfile.mkdtemp()) / "with_a_scan"
shutil.copytree(sample_folder(), folder)
Image.open(folder / "pictures/husum-storm-surge.png").convert("RGB").save(folder / "a-scan.pdf")
lab.bucket("shelf", folder)
None
"""


def opened(jupyter, chromium, name, theme, height, count=None):
    """A tutorial in JupyterLab, all of its cells run, or the first `count` alone."""
    source = REPOSITORY / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    notebook.cells = notebook.cells[:count]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # Each in a home of its own, so that the pictures show what the page makes.
    notebook.cells[1].source = (
        f"%env MIXPEEK_LAB_HOME=home_{name}_{theme}\n" + notebook.cells[1].source
    )
    path = jupyter.folder / source.name
    nbformat.write(notebook, path)
    show_pictures(jupyter)
    page = chromium.new_page(viewport={"width": 1280, "height": height}, device_scale_factor=1.25)
    shown = NotebookPage(page)
    shown.open(jupyter, path)
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
    page.wait_for_function(RAN, timeout=400_000)
    return shown


def shoot(page, selector, artifacts, name, height=None):
    """One element, or the upper part of it."""
    element = page.locator(selector).first
    element.scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    page.mouse.move(5, 5)
    box = element.bounding_box()
    clip = {**box, "height": min(box["height"], height or box["height"])}
    assert len(keep_picture(page.screenshot(clip=clip), name, artifacts)) <= 150_000


@pytest.fixture(params=["light", "dark"])
def theme(request, jupyter):
    jupyter.use_theme(f"JupyterLab {request.param.title()}")
    yield request.param
    jupyter.use_theme("JupyterLab Light")


def test_look_around(jupyter, chromium, artifacts, theme):
    shown = opened(jupyter, chromium, "02_look_around", theme, 6500)
    page = shown.page
    page.wait_for_selector(".mxe-row .mxe-cell")
    page.wait_for_selector(".mxm.is-ready")
    page.wait_for_timeout(1500)
    page.screenshot(path=artifacts / f"look_around_{theme}.png")
    shoot(page, ".mxe", artifacts, f"explorer-{theme}", 420)
    shoot(page, ".mxm", artifacts, f"map-{theme}", 560)
    page.set_viewport_size({"width": 1280, "height": 660})
    page.locator('li.lm-TabBar-tab[data-id="mixpeek-lab-sidebar"]').click()
    page.locator(".mxl-head").wait_for()
    for heading in page.locator(".mxl-heading").all():
        if heading.get_attribute("aria-expanded") == "false":
            heading.click()
    page.locator(".jp-Cell").nth(7).evaluate("(cell) => cell.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(1500)
    keep_picture(page.screenshot(), f"sidebar-{theme}", artifacts)
    page.close()


def test_a_run(jupyter, chromium, artifacts, theme):
    page = chromium.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=1.25)
    shown = NotebookPage(page)
    shown.open(jupyter, jupyter.write_notebook("slow_run", "None"))
    shown.run_code(0, f"%env MIXPEEK_LAB_HOME=home_run_{theme}\n" + SLOW)
    shown.start_code(0, "%process shelf file_embedder")
    page.wait_for_selector(".mxl-failures summary", timeout=90_000)
    page.wait_for_timeout(4000)
    page.locator(".mxl-failures summary").first.click()
    shoot(page, ".mxr", artifacts, f"run-{theme}")
    page.locator(".mxl-stop").click()
    page.wait_for_selector(".ansi-red-fg", timeout=30_000)
    shown.run_code(0, "%lab stop")
    page.close()


def test_does_it_retrieve_well(jupyter, chromium, artifacts, theme):
    shown = opened(jupyter, chromium, "04_does_it_retrieve_well", theme, 4000, WITH_JUDGEMENTS)
    page = shown.page
    page.wait_for_timeout(1000)
    page.screenshot(path=artifacts / f"retrieve_well_{theme}.png")
    play = page.locator(".mxp").first
    tabs = {name: play.locator(f".mxp-tab[data-tab={name}]") for name in
            ("ranks", "compare", "judge", "sweep", "code")}  # fmt: skip
    tabs["ranks"].click()
    shoot(page, ".mxp", artifacts, f"ranks-{theme}", 560)
    tabs["compare"].click()
    play.locator(".mxp-panel[data-panel=compare] button", has_text="Pin these").first.click()
    weight = play.locator('.mxp-leg[data-leg="bm25"] input[type=number]:not(.mxp-depth)')
    weight.fill("0.1")
    weight.press("Tab")
    page.wait_for_timeout(600)
    shoot(page, ".mxp", artifacts, f"compare-{theme}", 560)
    tabs["judge"].click()
    page.wait_for_selector("[data-panel=judge] table", timeout=60_000)
    page.wait_for_timeout(3000)
    shoot(page, ".mxp", artifacts, f"judge-{theme}", 640)
    tabs["sweep"].click()
    play.locator("[data-action=sweep]").click()
    page.wait_for_selector("[data-action=load-best]", timeout=60_000)
    shoot(page, ".mxp", artifacts, f"sweep-{theme}", 700)
    page.close()
