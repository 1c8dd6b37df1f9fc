"""The data explorer in JupyterLab, driven in headless Chromium: a million rows by DuckDB."""

from __future__ import annotations

import json
from statistics import median

import pytest
from conftest import NotebookPage

pytestmark = pytest.mark.browser

MAKE = '''
from mixpeek_lab.workbench import Lab
from mixpeek_lab.widgets import Explorer
lab = Lab()
QUERY = """
SELECT range AS id, range * 7919 % 1000003 AS shuffled,
       ['amber', 'blue', 'coral', 'dune'][range % 7 % 4 + 1] AS colour,
       CASE WHEN range % 10 > 0 THEN round(sin(range / 1000.0) * 50 + range % 17, 3) END AS reading,
       DATE '2020-01-01' + (range % 1461)::INT AS day,
       [sin(range + k)::FLOAT for k in range(16)]::FLOAT[16] AS embedding,
       {'n': range, 'tags': ['a', 'b']} AS details,
       'Row ' || range || E' is long.\\\\nIt goes on, ' || repeat('and on, ', range % 9) AS story,
       'obj_' || range AS object_id
FROM range(1000000)"""
ex = Explorer(lab.pages(QUERY), title="A million rows", code="%explore million")
ex
'''

READY = "() => document.querySelector('.mxe-row .mxe-cell')?.textContent.length > 0"
# Until all rows in sight are there, and nothing is asked for, once what was to be painted is.
SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const isSettled = () => {
    const rows = [...document.querySelectorAll('.mxe-row:not([hidden])')];
    const isIdle = document.querySelector('.mxe').mixpeek.rows.isIdle();
    return isIdle && rows.length > 3 && rows.every((row) => !row.classList.contains('is-waiting'));
  };
  const until = performance.now() + 60000;
  do {
    for (let frames = 0; frames < 3; frames += 1) await frame();
  } while (!isSettled() && performance.now() < until);
  return isSettled();
}"""
COLUMN = """(name) => {
  const nameOf = (head) => head.querySelector('.mxe-name').textContent;
  const heads = [...document.querySelectorAll('.mxe-col')];
  const at = heads.find((head) => nameOf(head) === name).ariaColIndex;
  const rows = [...document.querySelectorAll('.mxe-row:not([hidden])')];
  rows.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex);
  return rows.map((row) => row.querySelector(`.mxe-cell[aria-colindex="${at}"]`).textContent);
}"""

# Scrolls by the wheel for a while and gives the time between frames in milliseconds.
SCROLL = """async ({ ticks, delta }) => {
  const grid = document.querySelector('.mxe-grid');
  const times = [];
  let last = performance.now();
  for (let tick = 0; tick < ticks; tick += 1) {
    const wheel = { deltaY: delta, bubbles: true, cancelable: true };
    grid.dispatchEvent(new WheelEvent('wheel', wheel));
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return times.slice(2);
}"""

# Moves the scrollbar to a share of the height; gives the milliseconds until all rows are there.
JUMP = """async (share) => {
  const grid = document.querySelector('.mxe-grid');
  const started = performance.now();
  grid.scrollTop = share * (grid.scrollHeight - grid.clientHeight);
  const isThere = () => {
    const rows = [...document.querySelectorAll('.mxe-row:not([hidden])')];
    const isNear = Math.abs(rows[0].ariaRowIndex / 1e6 - share) < 0.001;
    return isNear && rows.every((row) => !row.classList.contains('is-waiting'));
  };
  do await new Promise(requestAnimationFrame);
  while (!isThere());
  return performance.now() - started;
}"""


# Whether the view has at most so many rows.
FEWER = "(most) => document.querySelector('.mxe-grid').ariaRowCount <= most"


# The milliseconds of a question that costs the kernel nothing: what this machine takes just now.
ROUND_TRIP = """async () => {
  const started = performance.now();
  await document.querySelector('.mxe').mixpeek.ask('state');
  await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""


SHARES = (0.5, 0.1, 0.9, 0.33, 0.77, 0.2, 0.6, 0.05, 0.95)


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = NotebookPage(page)
    opened.open(jupyter, jupyter.write_notebook("explorer", MAKE, "None"))
    opened.run_cell(0)
    page.wait_for_function(READY, timeout=60_000)
    yield opened
    page.close()


@pytest.fixture
def page(notebook):
    """The page with all rows in the query's own order, at the top."""
    page = notebook.page
    notebook.run_code(1, "ex.sort, ex.filters, ex.search = [], {}, ''")
    page.locator(".mxe-grid").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Escape")
    page.locator(".mxe-status").get_by_text("1,000,000 rows", exact=True).wait_for()
    page.wait_for_function("() => !document.querySelector('.mxe-chip')")
    settle(page)
    return page


def settle(page):
    page.wait_for_timeout(150)
    assert page.evaluate(SETTLED)


def jumps_are_quick(page, order):
    """Whether rows are there soon after the scrollbar was moved, on a machine of this speed.

    What the way to the kernel and back takes just now is measured beside it; a machine that is busy
    with other things may have three tries.
    """
    for _ in range(3):
        pairs = [(page.evaluate(JUMP, share), page.evaluate(ROUND_TRIP)) for share in SHARES]
        wait, trip = (median(each) for each in zip(*pairs, strict=True))
        print(
            f"scroll end to rows {order}: {wait:.0f} ms; an empty question {trip:.0f} ms (medians)"
        )
        if wait <= 2 * trip + 150:
            return True
    return False


def column(page, name):
    return page.evaluate(COLUMN, name)


def python(notebook, expression):
    return json.loads(notebook.run_code(1, f"import json\nprint(json.dumps({expression}))"))


@pytest.mark.alone
def test_a_million_rows_scroll_smoothly(notebook, page):
    page.wait_for_timeout(1000)  # summaries
    frames = page.evaluate(SCROLL, {"ticks": 120, "delta": 240})
    settle(page)
    frame, late = median(frames), sorted(frames)[int(len(frames) * 0.95)]
    print(f"\n1,000,000 rows: frame {frame:.1f} ms (median), {late:.1f} ms (95%) while scrolling")
    assert frame <= 34
    assert jumps_are_quick(page, "in the query's order")
    notebook.run_code(1, "ex.sort = [['shuffled', 'asc']]")
    page.wait_for_selector('.mxe-col[aria-sort="ascending"]')
    settle(page)
    assert jumps_are_quick(page, "in an order that scatters them")
    notebook.run_code(1, "ex.sort = []")
    page.wait_for_selector('.mxe-col[aria-sort="ascending"]', state="detached")
    settle(page)
    assert page.locator(".mxe-row").count() < 60
    page.locator(".mxe-grid").focus()
    page.keyboard.press("Control+End")
    page.keyboard.press("Home")
    settle(page)
    assert column(page, "id")[-1] == "999999"
    assert notebook.errors == []


def test_headers_sort_and_filters_choose_as_python_has_it(notebook, page):
    head = page.locator(".mxe-col", has_text="shuffled")
    head.click()
    page.wait_for_selector('.mxe-col[aria-sort="ascending"]')
    settle(page)
    assert column(page, "shuffled")[:3] == ["0", "1", "2"]
    page.locator(".mxe-col", has_text="colour").click(modifiers=["Shift"])
    page.locator(".mxe-chip", has_text="sorted by shuffled, colour").wait_for()
    page.locator(".mxe-funnel[aria-label='Filter reading']").click()
    panel = page.locator(".mxe-panel")
    panel.get_by_label("Least of reading").fill("ten")
    panel.get_by_role("button", name="Apply").click()
    panel.get_by_text("'ten' is no DOUBLE").wait_for()
    panel.get_by_label("Least of reading").fill("62")
    panel.get_by_label("Least of reading").press("Enter")
    panel.wait_for(state="detached")
    page.locator(".mxe-search").fill("ROW 9")
    page.locator(".mxe-search").press("Enter")
    page.wait_for_function(FEWER, arg=12_000)
    settle(page)
    wanted = python(
        notebook,
        "[ex.sort, ex.filters, ex.search, len(ex.frame()), [str(i) for i in ex.frame(5)['id']]]",
    )
    assert wanted[:3] == [
        [["shuffled", "asc"], ["colour", "asc"]], {"reading": {"min": "62"}}, "ROW 9"
    ]  # fmt: skip
    page.locator(".mxe-status", has_text=f"{wanted[3]:,} of ").wait_for()
    settle(page)
    assert column(page, "id")[:5] == wanted[4]
    assert page.locator(".mxe-grid").get_attribute("aria-rowcount") == str(wanted[3] + 1)


def test_rows_are_selected_by_mouse_and_keys_and_taken_along(notebook, page):
    page.get_by_role("rowheader", name="2", exact=True).click()
    page.get_by_role("rowheader", name="4", exact=True).click(modifiers=["Shift"])
    page.locator(".mxe-status", has_text="3 selected").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.locator(".mxe-status", has_text="4 selected").wait_for()
    picked = [1, 2, 3, 5]
    same = "lab.sql(ex.selection_sql).to_pandas()['id'].tolist()"
    assert python(notebook, f"[ex.selected['id'].tolist(), {same}]") == [picked, picked]
    page.get_by_role("button", name="Copy rows").click()
    page.locator(".mxe-status", has_text="4 rows copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").splitlines()[1].startswith("1\t7919\t")
    page.locator(".mxe-grid").focus()
    page.keyboard.press("Control+a")
    page.locator(".mxe-status", has_text="1,000,000 selected").wait_for()
    assert python(notebook, "[len(ex.selected), ex.selection_sql == ex.sql]") == [1_000_000, True]
    page.locator(".mxe-grid").focus()
    page.keyboard.press("Escape")
    page.locator(".mxe-status", has_text="selected").wait_for(state="detached")


def test_the_keyboard_reaches_everything(notebook, page):
    page.keyboard.press("ArrowUp")  # into the header
    active = "() => document.getElementById(document.activeElement.getAttribute('{}'))?.{}"
    role = active.format("aria-activedescendant", "role")
    page.wait_for_function(f"{role} === 'columnheader'")  # with the next frame
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector('.mxe-col[aria-sort="descending"]')
    settle(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    detail = page.locator(".mxe-detail .mxe-pre")
    detail.wait_for()
    assert detail.inner_text().startswith("Row 999999 is long.\nIt goes on, ")
    page.keyboard.press("Escape")
    page.locator(".mxe-detail").wait_for(state="hidden")
    page.keyboard.press("Shift+Enter")
    fields = page.locator(".mxe-fields dt")
    fields.nth(1).wait_for()
    assert {"id", "details", "story", "object_id"} <= set(fields.all_inner_texts())
    page.get_by_text("It goes on, ").first.wait_for()
    page.keyboard.press("Escape")
    page.locator(".mxe-detail").wait_for(state="hidden")
    page.keyboard.press("/")
    page.keyboard.type("42")
    page.locator(".mxe-status", has_text=" of 1,000,000 rows").wait_for()
    assert page.locator(".mxe-search").input_value() == "42"
    assert notebook.errors == []


def test_a_reload_of_the_page_shows_the_same_rows(notebook, page):
    notebook.run_code(1, "ex.sort, ex.search = [['shuffled', 'desc']], '7'")
    page.wait_for_selector('.mxe-col[aria-sort="descending"]')
    settle(page)
    before = column(page, "id")
    notebook.reload()
    page.wait_for_function(READY, timeout=30_000)
    page.wait_for_selector('.mxe-col[aria-sort="descending"]')
    settle(page)
    assert column(page, "id") == before
    assert page.locator(".mxe-search").input_value() == "7"
    assert notebook.errors == []


def test_it_looks_well_in_light_and_dark(jupyter, chromium, notebook, page, artifacts, axe):
    page.wait_for_function("() => document.querySelectorAll('.mxe-bars').length > 3")
    page.locator(".mxe").screenshot(path=artifacts / "explorer-light.png")
    page.keyboard.press("f")
    page.wait_for_selector(".mxe-panel")
    page.locator(".mxe").screenshot(path=artifacts / "explorer-filter.png")
    page.keyboard.press("Escape")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mxe-detail .mxe-pre")
    page.locator(".mxe").screenshot(path=artifacts / "explorer-vector.png")
    page.keyboard.press("Escape")
    jupyter.use_theme("JupyterLab Dark")
    try:
        dark = NotebookPage(chromium.new_page(viewport={"width": 1400, "height": 1000}))
        dark.open(jupyter, jupyter.folder / "explorer.ipynb")
        dark.run_cell(0)
        dark.run_code(1, "ex.filters = {'colour': {'in': ['amber', 'blue']}}")
        dark.page.wait_for_function(READY, timeout=60_000)
        dark.page.wait_for_function("() => document.querySelectorAll('.mxe-bars').length > 3")
        dark.page.locator(".mxe-grid").focus()
        dark.page.keyboard.press(" ")
        dark.page.locator(".mxe-status", has_text="1 selected").wait_for()
        dark.page.keyboard.press("f")
        dark.page.wait_for_selector(".mxe-panel")
        dark.page.locator(".mxe").screenshot(path=artifacts / "explorer-dark.png")
        assert axe(dark.page, ".mxe") == []
        dark.page.close()
    finally:
        jupyter.use_theme("JupyterLab Light")
