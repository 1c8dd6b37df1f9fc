"""Every widget in JupyterLab and Notebook 7: alive, after a reload, and when its kernel is gone."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from conftest import NotebookPage
from everywhere import CELLS, EveryPage
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WIDGETS = "../@jupyter-widgets/jupyterlab-manager"


@pytest.fixture(scope="module")
def settings(jupyter):
    """Cells out of sight are drawn, too; the state of widgets is kept in the notebook."""
    jupyter.change("tracker", {"windowingMode": "none"}, "notebook-extension")
    jupyter.change("plugin", {"saveState": True}, WIDGETS)
    yield
    jupyter.change("tracker", {}, "notebook-extension")
    jupyter.change("plugin", {}, WIDGETS)


@pytest.fixture(scope="module")
def lab(jupyter, chromium, artifacts, settings):
    """JupyterLab's page of the notebook, where every widget lived; its kernel was restarted."""
    lab = EveryPage(chromium.new_page(viewport={"width": 1180, "height": 1400}), jupyter)
    path = jupyter.write_notebook("every", *CELLS.values())
    lab.load(path)
    lab.run_all()
    assert lab.page.locator(".mixpeek-lab-saved").count() == 0
    lab.picture(artifacts / "every_lab_live_light.png")
    lab.save()
    shutil.copy(path, path.with_name("stateful.ipynb"))
    lab.restart()
    lab.save()
    assert lab.ours() == []
    yield lab
    lab.page.close()


@pytest.fixture
def in_dark(jupyter):
    jupyter.use_theme("JupyterLab Dark")
    yield
    jupyter.use_theme("JupyterLab Light")


def test_after_a_restart_and_a_reload_saved_results_stand_in(lab, axe, artifacts):
    lab.again()
    lab.wait_for_saved()
    assert lab.page.locator(".mixpeek-lab-saved").count() == 4
    lab.picture(artifacts / "every_lab_saved_light.png")
    assert axe(lab.page, ".mixpeek-lab-saved") == []
    assert lab.ours() == []


def test_a_saved_notebook_opened_afresh_shows_them_in_dark(lab, jupyter, axe, artifacts, in_dark):
    lab.end_kernels()
    lab.load(jupyter.folder / "every.ipynb")
    lab.wait_for_saved()
    lab.picture(artifacts / "every_lab_saved_dark.png")
    assert axe(lab.page, ".mixpeek-lab-saved") == []
    assert not lab.page.locator(".jp-Document.jp-mod-dirty").count()


def test_state_that_is_kept_in_the_notebook_makes_no_empty_views(lab, jupyter):
    path = jupyter.folder / "stateful.ipynb"
    assert "_esm" in path.read_text("utf-8")
    lab.load(path)
    lab.wait_for_saved()
    assert lab.page.locator(".mixpeek-lab-saved").count() == 4


def test_a_notebook_that_is_not_trusted_shows_results_without_our_help(lab, jupyter):
    notebook = nbformat.read(jupyter.folder / "every.ipynb", 4)
    notebook.cells[0].outputs.append(nbformat.v4.new_output("stream", text="changed by hand"))
    path = jupyter.folder / "stranger.ipynb"
    nbformat.write(notebook, path)
    lab.load(path)
    lab.wait_for_saved()
    assert lab.page.locator(".mixpeek-lab-saved").count() == 0


def test_nbconvert_takes_the_results_of_what_jupyterlab_saved(lab, jupyter):
    notebook = nbformat.read(jupyter.folder / "every.ipynb", 4)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert '<script type="application/vnd.jupyter.widget-view+json">' not in page
    for words in (
        "10 of 60 results",
        "60 rows, 17 columns",
        "60 points, pca",
        "watched: completed",
    ):
        assert words in page


def test_notebook_7_has_every_widget_live_and_saved(lab, jupyter, chromium, artifacts):
    pytest.importorskip("notebook")
    page = chromium.new_page(viewport={"width": 1180, "height": 1400})
    seven = EveryPage(page, jupyter, lab=False)
    seven.load(jupyter.folder / "every.ipynb")
    seven.wait_for_saved()
    seven.run_all()
    assert page.locator(".mixpeek-lab-saved").count() == 0
    use_each(page)
    seven.picture(artifacts / "every_notebook7_live_light.png")
    seven.save()
    seven.again()
    page.locator(".mxp-hit").first.wait_for(timeout=60_000)
    page.wait_for_function("() => document.querySelectorAll('.mixpeek-lab-saved').length === 0")
    jupyter.use_theme("JupyterLab Dark")
    seven.restart()
    seven.save()
    seven.again()
    jupyter.use_theme("JupyterLab Light")
    seven.wait_for_saved()
    seven.picture(artifacts / "every_notebook7_saved_dark.png")
    assert page.locator(".mxs").count() == 0
    assert seven.ours() == []
    page.goto(f"{jupyter.url}/tree", wait_until="domcontentloaded")
    page.get_by_text("every.ipynb").first.wait_for(timeout=60_000)
    assert seven.ours() == []
    page.close()


def use_each(page) -> None:
    """One thing that each live widget is for."""
    page.locator(".mxp-query").fill("garden window")
    page.locator(".mxp-query").press("Enter")
    page.locator(".mxp-hit").first.get_by_text("garden").first.wait_for(timeout=30_000)
    page.locator(".mxe-col", has_text="size").first.click()
    page.wait_for_selector(".mxe-col[aria-sort=ascending]", timeout=30_000)
    page.locator(".mxm-entry").first.click()
    page.wait_for_selector(".mxm-entry[aria-pressed=false]", timeout=30_000)
    assert "completed" in page.locator(".mxr").inner_text()


DOLLARS = """
from IPython.display import HTML, display
from mixpeek_lab.markup import framed
from mixpeek_lab.widgets.static import table_html
display(HTML(table_html(["text"], [["revenue of $418 million, costs of $71 million"]])))
display(HTML(framed("A costs $5 and B $6", "", "")))
display(HTML("<p>Typeset: $x_1$</p>"))
"""


def test_dollars_in_texts_are_no_formulas(jupyter, chromium):
    page = chromium.new_page(viewport={"width": 1100, "height": 800})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("dollars", DOLLARS))
    notebook.run_cell(0)
    page.locator("mjx-container").first.wait_for(state="attached", timeout=60_000)
    shown = page.locator(".jp-OutputArea-output")
    assert "revenue of $418 million, costs of $71 million" in shown.nth(0).inner_text()
    assert "A costs $5 and B $6" in shown.nth(1).inner_text()
    assert page.locator("mjx-container").count() == 1
    page.close()
