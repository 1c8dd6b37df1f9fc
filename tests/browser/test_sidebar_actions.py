"""Each action of each item of the sidebar, in one JupyterLab with a kernel, Ray and a model."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import NotebookPage
from sidebar_drives import DRIVES, FILL, Drive
from sidebar_page import CELL, LOAD, SidebarPage

from mixpeek_lab.sidebar.actions import ACTIONS, Action

BY_ID = {(section, action.id): action for section, every in ACTIONS.items() for action in every}


def test_each_action_has_its_drive():
    assert {(drive.section, drive.action) for drive in DRIVES} == set(BY_ID)


@pytest.fixture(scope="module")
def opened(jupyter, chromium, tmp_path_factory):
    """The sidebar of a notebook whose lab holds something of everything, on Ray."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1100})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("actions", "", ""))
    home = tmp_path_factory.mktemp("actions") / "home"
    notebook.run_code(
        0,
        f"%env MIXPEEK_LAB_HOME={home}\n%env MIXPEEK_LAB_ENGINE=ray\n"
        f"%env MIXPEEK_LAB_AUTOSTART=0\n{LOAD}\nfrom mixpeek_lab import current_lab\n"
        f"import os\nfrom pathlib import Path\nos.chdir({str(home.parent)!r})",
    )
    sidebar = SidebarPage(notebook)
    sidebar.show()
    words = page.locator(".mxl-state-words")
    words.filter(has_text="Not started").wait_for(timeout=60_000)
    cell(sidebar).locator(".cm-content").click()
    page.get_by_role("button", name="Start", exact=True).click()
    cell(sidebar).get_by_text("waits for Ray").wait_for(timeout=60_000)
    notebook.start_code(0, FILL)
    words.filter(has_text="Ready").filter(has_text="127.0.0.1").wait_for(timeout=180_000)
    page.locator(".mxl-status", has_text="Lab: ready").wait_for()
    sidebar.open()
    sidebar.item("buckets", "old name").wait_for(timeout=180_000)
    for name in ("hash_embedder", "gone"):
        sidebar.expand("extractors", name)
    yield sidebar
    page.close()


@pytest.fixture
def sidebar(opened):
    """The same, its second cell empty and active, with no dialog and no menu open."""
    page = opened.page
    page.keyboard.press("Escape")
    page.locator(".jp-Dialog, .mxl-menu").first.wait_for(state="detached")
    return opened


@pytest.mark.browser
@pytest.mark.ray
@pytest.mark.model
@pytest.mark.timeout(420)
@pytest.mark.parametrize("drive", DRIVES, ids=[f"{d.section}-{d.action}" for d in DRIVES])
def test_an_action_does_what_it_says(sidebar, drive):
    action, item = BY_ID[drive.section, drive.action], find(sidebar, drive)
    if drive.first:
        sidebar.notebook.start_code(0, drive.first)
    if drive.when:
        item.locator(f".mxl-dot[data-state={drive.when}]").first.wait_for(timeout=60_000)
    begin_cell(sidebar)
    before = prompt(sidebar)
    choose(sidebar.page, item, action)
    if action.confirm:
        accept(sidebar.page)
    elif action.ask:
        sidebar.dialog(action.ask).locator("input").fill(drive.typed)
        sidebar.page.keyboard.press("Enter")
    if action.code or action.cell:
        run(sidebar, action, drive, before)
    check(sidebar, item, drive)


def cell(sidebar: SidebarPage) -> Any:
    """The cell that the actions write into."""
    return sidebar.page.locator(".jp-CodeCell").nth(1)


def begin_cell(sidebar: SidebarPage) -> None:
    cell(sidebar).locator(".cm-content").click()
    sidebar.empty_cell()


def prompt(sidebar: SidebarPage) -> str:
    return cell(sidebar).locator(".jp-InputArea-prompt").inner_text()


def find(sidebar: SidebarPage, drive: Drive) -> Any:
    """The item; a version below its extractor."""
    if drive.section != "versions":
        return sidebar.item(drive.section, f"{drive.item},")
    name, _, number = drive.item.partition("@")
    below = sidebar.item("extractors", f"{name},")
    return below.locator(f".mxl-item[aria-label^='{number},']").first


def choose(page: Any, item: Any, action: Action) -> None:
    """By the mouse, where it has a button; else in its menu, by the keyboard."""
    if action.icon:
        row = item.locator(".mxl-row").first
        row.hover()
        row.get_by_label(f"{action.label}: ").click()
        return
    for _ in range(20):  # a run that has just begun has other actions for a moment
        item.focus()
        page.keyboard.press("Shift+F10")
        page.locator(".mxl-menu").first.wait_for()
        if chosen(page, action.label):
            page.keyboard.press("Enter")
            page.locator(".mxl-menu").wait_for(state="detached")
            return
        page.keyboard.press("Escape")
        page.locator(".mxl-menu").wait_for(state="detached")
        page.wait_for_timeout(1000)
    raise AssertionError(f"no {action.label!r} in the menu")


def chosen(page: Any, label: str) -> bool:
    """Go down in the menu to this item; whether it is there."""
    active = page.locator(".mxl-menu .lm-Menu-item.lm-mod-active .lm-Menu-itemLabel")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
        if active.inner_text() == label:
            return True
    return False


def accept(page: Any) -> None:
    """Say yes, by the keyboard: it is Cancel that has the focus."""
    page.locator(".jp-Dialog .jp-mod-reject:focus").wait_for(timeout=20_000)
    page.keyboard.press("Tab")
    page.locator(".jp-Dialog .jp-mod-warn:focus").wait_for()
    page.keyboard.press("Enter")
    page.locator(".jp-Dialog").wait_for(state="detached")


FAILED = ".jp-OutputArea-output[data-mime-type$='error'], .ansi-red-fg"
RAN = """([cell, before]) => {
  const prompt = cell.querySelector('.jp-InputArea-prompt').innerText;
  return prompt !== before && /\\d/.test(prompt);
}"""


def run(sidebar: SidebarPage, action: Action, drive: Drive, before: str) -> None:
    """Wait for its cell, fill it in and run it where that is the user's, and see what it says."""
    page, output = sidebar.page, cell(sidebar).locator(".jp-Cell-outputArea")
    page.wait_for_function(f"() => ({CELL})() !== ''", timeout=20_000)
    if "«" in action.code or action.cell:
        if drive.typed:
            page.keyboard.type(drive.typed)
        page.keyboard.press("Control+Enter")
    page.wait_for_function(RAN, arg=[cell(sidebar).element_handle(), before], timeout=90_000)
    if drive.says:
        output.filter(has_text=drive.says).or_(output.locator(FAILED)).first.wait_for(
            timeout=30_000
        )
    assert output.locator(FAILED).all_inner_texts() == [], sidebar.cell()


def check(sidebar: SidebarPage, item: Any, drive: Drive) -> None:
    """What is seen of it in the tree, in the kernel, and in the clipboard."""
    if drive.shows != ("", ""):
        sidebar.item(*drive.shows).wait_for(timeout=60_000)
    if drive.gone:
        item.wait_for(state="detached", timeout=60_000)
    if drive.copied:
        sidebar.page.wait_for_function(
            "async (text) => (await navigator.clipboard.readText()).startsWith(text)",
            arg=drive.copied,
        )
    if drive.then != ("", ""):
        expression, value = drive.then
        first = sidebar.page.locator(".jp-CodeCell").first.element_handle()
        sidebar.page.wait_for_function(RAN, arg=[first, "[*]:"], timeout=60_000)
        if drive.first:  # what is asked before a cell has failed would be aborted with it
            sidebar.page.wait_for_timeout(1000)
        assert sidebar.notebook.run_code(0, f"print({expression})") == value
