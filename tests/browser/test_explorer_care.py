"""The data explorer for everybody and in hard times: axe, keys, reload of several, no kernel.

One notebook with three explorers; the last test takes its kernel away.
"""

from __future__ import annotations

import pytest
from conftest import REPOSITORY, NotebookPage

pytestmark = pytest.mark.browser

QUERY = '''
from mixpeek_lab.workbench import Lab
from mixpeek_lab.widgets import Explorer
lab = Lab()
QUERY = """
SELECT range AS id, ['amber', 'blue', 'coral', 'dune'][range % 7 % 4 + 1] AS colour,
       CASE WHEN range % 10 > 0 THEN round(sin(range / 1000.0) * 50, 3) END AS reading,
       DATE '2020-01-01' + (range % 1461)::INT AS day, range % 3 = 0 AS is_third,
       [sin(range + k)::FLOAT for k in range(16)]::FLOAT[16] AS embedding,
       {'n': range, 'tags': ['a', 'b']} AS details, 'obj_' || range AS object_id
FROM range(5000)"""
'''
SHOW = (
    "Explorer(lab.pages(QUERY), title='Number {}', code='%%explore --name ex\\n' + QUERY.strip())"
)
FIRST = ".mxe[data-first]"

# Whether so many explorers have rows and a summary.
READY = """(many) => {
  const views = [...document.querySelectorAll('.mxe')];
  views[0]?.setAttribute('data-first', '');
  return views.length === many && views.every((view) => {
    const rows = [...view.querySelectorAll('.mxe-row:not([hidden])')];
    const isThere = (row) => !row.classList.contains('is-waiting') && row.textContent.length > 9;
    return rows.length > 3 && rows.every(isThere) && view.querySelector('.mxe-bars');
  });
}"""
MANY = 3

AGAIN = f"""import os, sys
os.environ["MIXPEEK_LAB_ENGINE"] = "kernel"
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
from packages import HASH_EMBEDDER
from mixpeek_lab.widgets import Explorer
from mixpeek_lab.workbench import Lab
lab = Lab()
lab.load(HASH_EMBEDDER)
def run(*sizes):
    lab.bucket("notes", [dict(_id=str(n), text=str(n) + " text", size=n) for n in sizes])
    lab.process("notes", "hash_embedder", "again")
run(*range(40))
Explorer(lab.pages("SELECT document_id, size, data FROM again"))"""


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    """Its page wants little motion."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = NotebookPage(page)
    cells = [QUERY, *(SHOW.format(number) for number in range(MANY))]
    opened.open(jupyter, jupyter.write_notebook("explorer_care", *cells))
    for number in range(len(cells)):
        opened.run_cell(number)
    page.wait_for_function(READY, arg=MANY, timeout=90_000)
    yield opened
    page.close()


@pytest.fixture
def first(notebook):
    """The first explorer."""
    return notebook.page.locator(FIRST)


def test_axe_finds_no_fault_in_any_state(notebook, first, axe):
    page = notebook.page
    found = {"grid": axe(page, FIRST)}
    first.locator(".mxe-funnel[aria-label='Filter colour']").click()
    first.locator(".mxe-panel .mxe-choice").first.wait_for()
    found["values of a filter"] = axe(page, FIRST)
    page.keyboard.press("Escape")
    first.locator(".mxe-panel").wait_for(state="detached")
    first.locator(".mxe-funnel[aria-label='Filter reading']").click()
    first.get_by_label("Least of reading").fill("ten")
    first.locator(".mxe-panel").get_by_role("button", name="Apply").click()
    first.locator(".mxe-panel-error", has_text="no DOUBLE").wait_for()
    found["a refused filter"] = axe(page, FIRST)
    page.keyboard.press("Escape")
    first.locator(".mxe-panel").wait_for(state="detached")
    first.locator(".mxe-cell", has_text="amber").first.dblclick()
    first.locator(".mxe-detail .mxe-pre").wait_for()
    first.locator(".mxe-grid").focus()
    page.keyboard.press(" ")
    first.locator(".mxe-status", has_text="1 selected").wait_for()
    found["a whole value, a selected row"] = axe(page, FIRST)
    first.locator(".mxe-search").fill("no such thing")
    first.locator(".mxe-status", has_text="0 of 5,000 rows").wait_for()
    found["no rows"] = axe(page, FIRST)
    assert found == {state: [] for state in found}
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    first.locator(".mxe-status").get_by_text("5,000 rows", exact=True).wait_for()


def test_several_come_back_after_a_reload(notebook):
    notebook.reload()
    notebook.page.wait_for_function(READY, arg=MANY, timeout=90_000)
    assert notebook.errors == []


def test_a_cell_that_was_out_of_the_page_is_where_it_was(notebook, first):
    page = notebook.page
    first.locator(".mxe-grid").evaluate("(grid) => { grid.scrollTop = 60000; }")
    shown = first.locator(".mxe-row:not([hidden])", has_text="2,147")
    shown.get_by_text("amber").or_(shown.get_by_text("blue")).first.wait_for()
    page.evaluate("""async () => {
      const view = document.querySelector('.mxe[data-first]');
      const parent = view.parentElement;
      view.remove();
      await new Promise((done) => setTimeout(done, 300));
      parent.append(view);
    }""")
    page.wait_for_function(
        "() => document.querySelector('.mxe[data-first] .mxe-grid').scrollTop === 60000"
    )


def test_a_restart_leaves_the_rows_and_says_how_to_get_them_again(notebook, first, axe, artifacts):
    page = notebook.page
    first.locator(".mxe-grid").focus()
    page.keyboard.press("Control+Home")
    row = first.locator(".mxe-row:not([hidden])[data-row='0']")
    row.get_by_text("2020-01-01").wait_for()
    before = row.inner_text()
    notebook.restart_kernel()
    for number in range(MANY):
        page.locator(".mxe-gone").nth(number).wait_for(timeout=30_000)
    gone = first.locator(".mxe-gone")
    assert gone.locator("pre").inner_text().splitlines()[:2] == [
        "%%explore --name ex",
        "SELECT range AS id, ['amber', 'blue', 'coral', 'dune'][range % 7 % 4 + 1] AS colour,",
    ]
    assert row.inner_text() == before
    first.screenshot(path=artifacts / "explorer-gone.png")
    gone.get_by_role("button", name="Copy").click()
    gone.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("%%explore --name ex\nSELECT")
    first.locator(".mxe-grid").focus()
    page.keyboard.press("Control+End")
    first.locator(".mxe-row[data-row='4999']").get_by_text("not here").wait_for()
    first.locator(".mxe-funnel[aria-label='Filter reading']").click()
    first.locator(".mxe-panel").get_by_role("button", name="Clear").click()
    first.locator(".mxe-panel-error", has_text="Run the cell again").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('.mxe .is-waiting, .mxe.is-slow, .mxe [aria-busy=true]')"
    )
    assert axe(page, FIRST) == []
    assert notebook.errors == []


def test_a_collection_that_was_run_again_says_so_and_its_new_rows_are_shown(
    jupyter, chromium, axe, artifacts
):
    jupyter.use_theme("JupyterLab Dark")
    page = chromium.new_page(viewport={"width": 1100, "height": 900})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("explorer_again", AGAIN, "None"))
    jupyter.use_theme("JupyterLab Light")
    notebook.run_cell(0)
    status = page.locator(".mxe-status")
    status.get_by_text("40 rows", exact=True).wait_for(timeout=60_000)
    page.locator(".mxe-col", has_text="size").click()
    page.wait_for_selector(".mxe-col[aria-sort=ascending]")
    notebook.run_code(1, "run(*range(7, 60))")
    page.wait_for_timeout(1100)  # it looks no more often
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.locator(".mxe-newer", has_text="again was run again.").wait_for()
    assert axe(page, ".mxe") == []
    page.locator(".mxe").screenshot(path=artifacts / "explorer_newer_dark.png")
    page.get_by_role("button", name="Show the new rows").focus()
    page.keyboard.press("Enter")
    status.get_by_text("53 rows", exact=True).wait_for()
    page.locator(".mxe-row .mxe-cell", has_text="7 text").first.wait_for()
    page.wait_for_selector(".mxe-col[aria-sort=ascending]")
    page.wait_for_function("() => document.querySelector('.mxe-newer').innerText === ''")
    page.wait_for_function("() => document.activeElement.classList.contains('mxe-grid')")
    assert page.locator(".mxe").count() == 1
    notebook.run_code(1, "lab.delete.collection('again')")
    page.wait_for_timeout(1100)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.locator(".mxe-newer", has_text="again is no longer there").wait_for()
    assert page.get_by_role("button", name="Show the new rows").count() == 0
    assert notebook.errors == []
    page.close()
