"""The sidebar over several notebooks, pages and kernels: what it shows is the lab in front."""

from __future__ import annotations

import shutil

import pytest
from conftest import NotebookPage
from sidebar_page import LOAD, SidebarPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def begin(jupyter, page, name, home, *more):
    """Open a notebook whose kernel has a lab of its own with one bucket, called as the notebook."""
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook(name, "", "", *more))
    notebook.run_code(
        0,
        f"%env MIXPEEK_LAB_HOME={home}\n%env MIXPEEK_LAB_ENGINE=kernel\n{LOAD}\n"
        f"from mixpeek_lab import current_lab\n_ = current_lab().bucket('{name}', ['x'])",
    )
    sidebar = SidebarPage(notebook)
    sidebar.show()
    return sidebar


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={"width": 1300, "height": 950})
    yield page
    page.close()


def bring_to_front(page, name):
    page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text=f"{name}.ipynb").click()


def open_beside(page, jupyter, name, *cells):
    """Open another notebook in the same page."""
    jupyter.write_notebook(name, *cells)
    page.keyboard.press("Control+Shift+c")
    page.locator('li.lm-TabBar-tab[data-id="filebrowser"]').click()
    page.locator("[data-command='filebrowser:refresh']").first.click()
    page.locator(".jp-DirListing-item", has_text=f"{name}.ipynb").dblclick()
    page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current", has_text=name).wait_for()
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").first.wait_for()


def test_it_shows_the_lab_of_the_notebook_in_front(jupyter, page, tmp_path):
    first = begin(jupyter, page, "first", tmp_path / "first")
    first.item("buckets", "first").wait_for(timeout=60_000)
    open_beside(page, jupyter, "second", "")
    first.show()
    page.get_by_text("Not loaded in this notebook").wait_for(timeout=60_000)
    assert page.locator(".mxl-item").count() == 0, "nothing of the other lab"
    bring_to_front(page, "first")
    first.item("buckets", "first").wait_for(timeout=20_000)
    # A kernel that is busy holds up its own notebook alone.
    first.notebook.start_code(1, "import time; time.sleep(60)")
    bring_to_front(page, "second")
    page.get_by_role("button", name="Load Mixpeek Lab").wait_for()
    bring_to_front(page, "first")
    first.item("buckets", "first").wait_for(timeout=20_000)


def test_two_pages_show_the_same_lab(jupyter, chromium, page, tmp_path):
    one = begin(jupyter, page, "shared", tmp_path / "home")
    one.item("buckets", "shared").wait_for(timeout=60_000)
    one.notebook.page.keyboard.press("Control+s")
    other_page = chromium.new_page(viewport={"width": 1300, "height": 950})
    try:
        other = SidebarPage(NotebookPage(other_page))
        other.notebook.open(jupyter, jupyter.folder / "shared.ipynb")
        other.show()
        other.item("buckets", "shared").wait_for(timeout=60_000)
        one.notebook.start_code(1, "_ = current_lab().bucket('late', ['x'])")
        for each in (one, other):
            each.item("buckets", "late").wait_for(timeout=20_000)
    finally:
        other_page.close()


def test_a_home_that_was_removed_and_a_kernel_that_died_leave_nothing_stale(
    jupyter, page, tmp_path
):
    sidebar = begin(jupyter, page, "removed", tmp_path / "home")
    sidebar.item("buckets", "removed").wait_for(timeout=60_000)
    shutil.rmtree(tmp_path / "home")
    page.get_by_text("The lab did not answer").wait_for(timeout=20_000)
    page.get_by_text("the folder is not there any more").wait_for()
    assert page.locator(".mxl-item").count() == 0
    sidebar.notebook.start_code(1, "import os; os._exit(1)")
    page.get_by_text("Not loaded in this notebook").or_(
        page.get_by_text("The kernel died")
    ).first.wait_for(timeout=60_000)
    assert page.locator(".mxl-item").count() == 0


def test_the_launchers_card_makes_a_notebook_whose_cells_run(jupyter, page, tmp_path):
    startup = jupyter.folder.parent / "ipython" / "profile_default" / "startup" / "lab.py"
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(
        "import os\nos.environ.update(MIXPEEK_LAB_ENGINE='kernel', "
        f"MIXPEEK_LAB_HOME={str(tmp_path / 'home')!r})\n"
    )
    try:
        page.goto(f"{jupyter.url}/lab?reset", wait_until="domcontentloaded")
        page.locator(".jp-LauncherCard", has_text="Lab notebook").click(timeout=90_000)
        page.locator(".mxl-head").wait_for(timeout=90_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
        sidebar = SidebarPage(NotebookPage(page))
        sidebar.item("retrievers", "starter_search").wait_for(timeout=60_000)
        outputs = page.locator(".jp-OutputArea-output")
        page.locator(".jp-Notebook").hover()
        outputs.get_by_text("the new ships pay").first.wait_for(timeout=60_000)
        errors = page.locator(".jp-OutputArea-output[data-mime-type$='error'], .ansi-red-fg")
        assert errors.all_inner_texts() == []
        sidebar.act("retrievers", "starter_search", "Show it")
        sidebar.wait_for_cell("%retriever starter_search")
    finally:
        startup.unlink()
