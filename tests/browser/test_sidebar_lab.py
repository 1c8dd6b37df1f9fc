"""The sidebar in a real JupyterLab: connected by itself, its actions, its looks, cells."""

from __future__ import annotations

import pytest
from conftest import REPOSITORY, NotebookPage
from sidebar_page import CELL, LOAD, SidebarPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FILL = f"""
from mixpeek_lab import current_lab
lab = current_lab()
_ = lab.load({str(REPOSITORY / "tests" / "fixtures" / "hash_embedder")!r})
_ = lab.bucket("docs", ["hello world", "revenue grew", "FAIL here", "good news"])
_ = lab.process("docs", "hash_embedder")
_ = lab.retriever("find", {{"collection": "docs_hash_embedder", "searches": [
    {{"feature": "hash_embedding"}}, {{"lexical": True}}]}})
_ = lab.versions.commit("hash_embedder", "the first one")
_ = lab.versions.tag("hash_embedder", "good")
service = lab.extractor("hash_embedder").source.text("realtime.py")
_ = lab.define("hash_embedder", service + "# 2", "realtime.py")
_ = lab.versions.commit("hash_embedder", "the second one")
"""
EXTRACTOR = """%%extractor mine
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="mine",
    version="1.0.0",
    features=[Feature.embedding("lengths", dim="2")],
    inference_typ="embedding",
)


class Lengths(BatchProcessor):
    def process(self, batch):
        batch["lengths"] = [[float(len(text)), 1.0] for text in batch["data"]]
        return batch"""
RETRIEVER = "%%retriever found\ncollection: docs_hash_embedder\nsearches:\n  - lexical: true"
SQL = "%%inspect\nSELECT kind FROM failures"


@pytest.fixture(scope="module")
def opened(jupyter, chromium, tmp_path_factory):
    """The sidebar beside a notebook whose kernel has not loaded the extension."""
    path = jupyter.write_notebook("sidebar", "", "", EXTRACTOR, RETRIEVER, SQL)
    page = chromium.new_page(viewport={"width": 1300, "height": 950})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook = NotebookPage(page)
    notebook.open(jupyter, path)
    home = tmp_path_factory.mktemp("sidebar") / "home"
    notebook.run_code(0, f"%env MIXPEEK_LAB_HOME={home}\n%env MIXPEEK_LAB_ENGINE=kernel")
    sidebar = SidebarPage(notebook)
    sidebar.show()
    yield sidebar
    page.close()


@pytest.fixture(scope="module")
def begun(opened):
    """The same, once the extension is loaded by the sidebar's own button."""
    opened.page.get_by_text("Not loaded in this notebook").wait_for(timeout=30_000)
    opened.page.locator(".jp-CodeCell .cm-content").nth(1).click()
    opened.page.get_by_role("button", name="Load Mixpeek Lab").click()
    opened.page.locator(".mxl-head").wait_for(timeout=60_000)
    opened.wait_for_cell(LOAD)
    return opened


@pytest.fixture(scope="module")
def filled(begun):
    """The same, with something in each section that there can be without Ray."""
    begun.notebook.start_code(1, FILL)
    begun.open()
    begun.item("retrievers", "find").wait_for(timeout=60_000)
    begun.has("extractors", "hash_embedder", "1.0.1")
    return begun


@pytest.fixture
def sidebar(filled):
    """The same, with no dialog, no menu and no filter: as each test finds it."""
    page = filled.page
    filled.notebook.wait_for_kernel()
    page.keyboard.press("Escape")
    page.locator(".jp-Dialog, .mxl-menu").first.wait_for(state="detached")
    filled.show()
    page.get_by_label("Filter by name").fill("")
    filled.open()
    return filled


def test_where_the_kernel_answers_that_is_said(begun):
    words = begun.page.locator(".mxl-state-words")
    words.filter(has_text="Ready").wait_for(timeout=30_000)
    words.filter(has_text="this kernel answers, no HTTP endpoint").wait_for()
    begun.open("Endpoints")
    begun.page.get_by_text("The kernel answers here, and no HTTP endpoint runs").wait_for()
    begun.page.locator(".mxl-status", has_text="this kernel answers").wait_for()


def test_empty_sections_say_what_to_do_and_begin_a_cell(begun):
    begun.open("Extractors")
    begun.page.get_by_role("button", name="Write one").click()
    begun.page.wait_for_function("() => getSelection().toString() === 'my_extractor'")
    assert begun.cell().startswith("%%extractor my_extractor\nfrom shared.extractors.sdk import")
    begun.empty_cell()
    begun.page.keyboard.press("Escape")


def test_what_cells_make_appears_by_itself(sidebar):
    sidebar.has("extractors", "hash_embedder", "1.0.1")
    sidebar.has("buckets", "docs", "4 objects")
    sidebar.has("runs", "docs_hash_embedder", "1 failed")
    sidebar.has("collections", "docs_hash_embedder", "3 docs")
    sidebar.expand("runs", "docs_hash_embedder")
    facts = sidebar.item("runs", "docs_hash_embedder").locator(".mxl-facts")
    facts.get_by_text("· ValueError").wait_for()
    facts.get_by_text("1: cannot embed").wait_for()


def test_versions_are_lines_below_their_extractor(sidebar):
    sidebar.expand("extractors", "hash_embedder")
    versions = sidebar.item("extractors", "hash_embedder").locator(".mxl-item .mxl-name")
    versions.nth(1).wait_for(timeout=20_000)
    assert versions.all_inner_texts() == ["1.0.1", "1.0.0"]
    sidebar.has("extractors", "1.0.0", "good")
    sidebar.press("extractors", "1.0.0", "Compare it with the working state")
    sidebar.wait_for_cell("%extractor diff hash_embedder 1.0.0")
    output = sidebar.page.locator(".jp-CodeCell.jp-mod-active .jp-OutputArea-output")
    output.get_by_text("# 2").first.wait_for(timeout=30_000)


def test_it_answers_while_a_cell_runs(sidebar):
    sidebar.notebook.start_code(
        1, "import time\nlab.bucket('during', ['x'])\ntime.sleep(3)\nlab.bucket('after', ['x']);"
    )
    sidebar.item("buckets", "during").wait_for(timeout=20_000)
    sidebar.item("buckets", "after").wait_for(timeout=20_000)


SLOW = """import time
_ = lab.bucket("many", [f"text {i}" for i in range(400)])
lab.process("many", "hash_embedder", "slow", on_progress=lambda p: time.sleep(1))"""


def test_a_run_says_how_far_it_is_and_is_stopped(sidebar):
    sidebar.notebook.start_code(1, SLOW)
    run = sidebar.item("runs", "slow")
    run.locator(".mxl-detail", has_text="of 400").wait_for(timeout=30_000)
    bar = run.get_by_role("progressbar")
    sidebar.page.wait_for_function(
        "(bar) => Number(bar.getAttribute('aria-valuenow')) > 0", arg=bar.element_handle()
    )
    sidebar.press("runs", "slow", "Stop it")
    run.locator(".mxl-dot[data-state=warning]").wait_for(timeout=30_000)
    sidebar.has("runs", "slow", "0 docs")
    bar.wait_for(state="detached")
    # What is asked before the cell has failed would be aborted with it.
    output = sidebar.page.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt")
    output.first.wait_for(timeout=30_000)
    sidebar.notebook.wait_for_kernel()
    sidebar.page.wait_for_timeout(1000)


def test_an_action_runs_its_cell(sidebar):
    sidebar.act("collections", "docs_hash_embedder", "Look at its first documents")
    output = sidebar.page.locator(".jp-CodeCell.jp-mod-active .jp-OutputArea-output")
    output.get_by_text("hello world").first.wait_for(timeout=30_000)
    assert sidebar.cell() == "%inspect docs_hash_embedder"


def test_with_alt_it_is_inserted_only(sidebar):
    sidebar.press("buckets", "docs", "Show it", modifiers=["Alt"])
    sidebar.wait_for_cell("%bucket docs")
    prompt = sidebar.page.locator(".jp-CodeCell.jp-mod-active .jp-InputPrompt").first
    assert prompt.inner_text().strip() == "[ ]:"
    sidebar.empty_cell()


def test_the_menu_inserts_complete_cells_as_well(sidebar):
    page = sidebar.page
    sidebar.line("buckets", "docs").click(button="right")
    page.locator(".mxl-menu .lm-Menu-itemLabel", has_text="Insert as a cell").click()
    page.locator(".mxl-menu").nth(1).locator(".lm-Menu-itemLabel").get_by_text("Show it").click()
    sidebar.wait_for_cell("%bucket docs")
    sidebar.empty_cell()


def test_deleting_says_what_is_lost_and_why_it_is_refused(sidebar):
    sidebar.act("buckets", "docs", "Delete…")
    told = sidebar.dialog("4 objects.")
    assert "Collection docs_hash_embedder needs it" in told.inner_text()
    sidebar.close_dialog()
    sidebar.act("buckets", "docs", "Delete…")
    sidebar.dialog("4 objects.").get_by_role("button", name="Delete").click()
    sidebar.dialog("is the source of docs_hash_embedder")
    sidebar.close_dialog()
    assert sidebar.item("buckets", "docs").is_visible()


def test_the_keyboard_reaches_everything(sidebar):
    page = sidebar.page
    focus = "(node) => node === document.activeElement"
    for opened in page.locator(".mxl-item[aria-expanded=true] > .mxl-row .mxl-line").all()[::-1]:
        opened.click()
    tree = page.get_by_role("tree")
    assert tree.locator("[data-mxl-row][tabindex='0']").count() == 1, "one stop of Tab"
    page.get_by_label("Filter by name").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    page.wait_for_function(focus, arg=page.locator("#mxl-section-extractors").element_handle())
    page.keyboard.press("ArrowRight")
    item = sidebar.item("extractors", "hash_embedder").element_handle()
    page.wait_for_function(focus, arg=item)
    page.keyboard.press("Enter")
    facts = sidebar.item("extractors", "hash_embedder").locator(".mxl-facts").first
    facts.filter(has_text="hash_embedding (16)").wait_for()
    sidebar.item("extractors", "1.0.1").wait_for()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(focus, arg=sidebar.item("extractors", "1.0.1").element_handle())
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(focus, arg=item)
    page.keyboard.press("ArrowLeft")
    facts.wait_for(state="detached")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.activeElement.title === 'Show its card'")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.title === 'Test it'")
    page.keyboard.press("Escape")
    page.wait_for_function(focus, arg=item)
    page.keyboard.press("Shift+F10")
    page.locator(".mxl-menu").wait_for()
    page.keyboard.press("Escape")
    page.locator(".mxl-menu").wait_for(state="detached")
    page.wait_for_function(focus, arg=item)
    page.keyboard.press("Delete")
    sidebar.dialog("The extractor is deleted")
    sidebar.close_dialog()
    page.locator("#mxl-section-extractors").focus()
    page.keyboard.press("r")
    page.wait_for_function(focus, arg=page.locator("#mxl-section-runs").element_handle())
    page.keyboard.press("ArrowLeft")
    page.locator("#mxl-section-runs[aria-expanded=false]").wait_for()


def test_the_filter_narrows_every_section(sidebar):
    box = sidebar.page.get_by_label("Filter by name")
    box.fill("find")
    sidebar.item("buckets", "docs").wait_for(state="detached")
    sidebar.item("retrievers", "find").wait_for()
    sidebar.page.get_by_text("No extractor's name holds").wait_for()
    box.fill("")
    sidebar.item("buckets", "docs").wait_for()


def cell_with(sidebar, text):
    cell = sidebar.page.locator(".jp-CodeCell", has_text=text).first
    cell.scroll_into_view_if_needed()
    return cell


def mend(page, marked, wrong, right):
    """Take a quick fix. What is checked again meanwhile takes its tooltip away: hover again."""
    button = page.get_by_role("button", name=f"Write {right}")
    for _ in range(10):
        page.mouse.move(1, 1)
        marked.get_by_text(wrong, exact=True).hover()
        try:
            button.click(timeout=3000)
            break
        except Exception as error:
            if type(error).__name__ != "TimeoutError":
                raise
    marked.get_by_text(wrong, exact=True).wait_for(state="detached", timeout=20_000)


def test_a_collection_is_underlined_only_until_it_is_there(sidebar):
    cell = cell_with(sidebar, "%%retriever found")
    cell.get_by_text("docs_hash_embedder").dblclick()
    sidebar.page.keyboard.type("docs_later")
    marked = cell.locator(".cm-lintRange-error")
    marked.first.wait_for(state="attached", timeout=15_000)
    sidebar.notebook.run_code(1, '_ = lab.process("docs", "hash_embedder", "docs_later")')
    marked.first.wait_for(state="detached", timeout=15_000)


def test_names_in_the_sidebar_take_the_room(sidebar):
    name = sidebar.item("extractors", "hash_embedder").locator(".mxl-name").first
    assert name.evaluate("(node) => getComputedStyle(node).textOverflow") == "ellipsis"
    assert name.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    title = sidebar.line("extractors", "hash_embedder").get_attribute("title")
    assert title.startswith("hash_embedder · ")


def test_findings_are_underlined_and_mended(sidebar):
    cell = cell_with(sidebar, "%%extractor mine")
    marked = cell.locator(".cm-lintRange-error")
    marked.nth(1).wait_for(timeout=30_000)
    assert marked.all_text_contents() == ['"2"', "inference_typ"]
    mend(sidebar.page, marked, '"2"', "2")
    mend(sidebar.page, marked, "inference_typ", "inference_type")
    assert "dim=2)]," in cell.locator(".cm-content").inner_text()


WHOLE = f"""() => /feature_extractor_name/.test(({CELL})()
  + document.querySelector('.jp-Completer')?.textContent)"""


def test_tab_completes_a_manifest(sidebar):
    page = sidebar.page
    cell_with(sidebar, "SELECT kind").locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('%%extractor another\nmetadata = {"feature_extractor_na')
    for _ in range(10):  # JupyterLab waits a second for a kernel, and no longer
        page.keyboard.press("Tab")
        page.wait_for_timeout(1500)
        if page.evaluate(WHOLE):
            break
    if page.locator(".jp-Completer-match").count():
        page.keyboard.press("Enter")
    page.wait_for_function(f"() => /feature_extractor_name/.test(({CELL})())")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(SQL)
    page.keyboard.press("Escape")


BODIES = [
    ("%%extractor bold\nclass A:\n    pass", "class"),
    ("%%inspect\nSELECT kind FROM failures", "SELECT"),
    ("%%explore --name ex\nSELECT kind FROM failures", "SELECT"),
    ('%%retriever bold\n{"collection": true}', "true"),
    ("%%retriever bold\ncollection: true", "collection"),
]
STYLED = """([cell, word]) => [...cell.querySelectorAll('.cm-line span')].some((span) =>
  span.textContent === word && getComputedStyle(span).color !== getComputedStyle(
    span.closest('.cm-content')).color)"""


@pytest.mark.parametrize(("text", "word"), BODIES, ids=[body[:12] + word for body, word in BODIES])
def test_bodies_are_highlighted_in_their_language(sidebar, text, word):
    page = sidebar.page
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    cell = page.locator(".jp-CodeCell").nth(1).element_handle()
    page.wait_for_function(STYLED, arg=[cell, word], timeout=20_000)
    sidebar.empty_cell()
    page.keyboard.press("Escape")


def test_a_body_indents_as_its_language_does(sidebar):
    page = sidebar.page
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("%%extractor indented")
    page.keyboard.press("Enter")
    page.keyboard.type("class A:")
    page.keyboard.press("Enter")
    page.keyboard.type("def f(self):")
    page.keyboard.press("Enter")
    page.keyboard.type("pass")
    sidebar.wait_for_cell("%%extractor indented\nclass A:\n    def f(self):\n        pass")
    sidebar.empty_cell()
    page.keyboard.press("Escape")


def change_setting(page, label, value):
    """Change one in the settings editor."""
    field = page.locator(f"#jp-SettingsEditor-mixpeek-lab\\:lab_{label}")
    if isinstance(value, bool):
        field.set_checked(value)
    elif isinstance(value, int):
        field.fill(str(value))
    else:
        field.select_option(label=value)


@pytest.fixture
def own_settings(sidebar, jupyter):
    """Settings that are the defaults again for the pages that open after the test."""
    yield
    file = jupyter.folder.parent / "settings" / "mixpeek-lab" / "lab.jupyterlab-settings"
    file.unlink(missing_ok=True)
    sidebar.notebook.reload()


@pytest.mark.usefixtures("own_settings")
def test_each_setting_works_at_once(sidebar):
    page = sidebar.page
    page.keyboard.press("Control+,")
    page.locator(".jp-PluginList .jp-FilterBox input").fill("Mixpeek")
    page.locator(".jp-PluginList-entry", has_text="Mixpeek Lab").click()
    page.locator("#jp-SettingsEditor-mixpeek-lab\\:lab_statusBar").wait_for(timeout=20_000)
    status = page.locator(".mxl-status-button")
    status.wait_for()
    change_setting(page, "statusBar", False)
    status.wait_for(state="hidden")
    change_setting(page, "statusBar", True)
    status.wait_for()
    for name, value in (("actions", "insert"), ("languages", False), ("findings", False)):
        change_setting(page, name, value)
    page.wait_for_timeout(1500)  # the editor saves a moment after the last change
    page.locator(".lm-TabBar-tab", has_text="sidebar.ipynb").first.click()
    cell = cell_with(sidebar, "%%retriever found")
    keyword = page.locator(".jp-CodeCell", has_text="%%extractor mine").first.element_handle()
    page.wait_for_function(f"(argument) => !({STYLED})(argument)", arg=[keyword, "%%extractor"])
    sidebar.press("buckets", "docs", "Show it")
    sidebar.wait_for_cell("%bucket docs")
    sidebar.empty_cell()
    assert cell.locator(".cm-lintRange-error").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_like_this(sidebar, jupyter, artifacts, axe, theme):
    jupyter.use_theme(f"JupyterLab {theme.title()}")
    try:
        sidebar.notebook.reload()
        sidebar.show()
        sidebar.item("buckets", "docs").wait_for(timeout=30_000)  # open, as it was
        sidebar.open()
        sidebar.expand("extractors", "hash_embedder")
        sidebar.expand("extractors", "1.0.0")
        sidebar.expand("runs", "docs_hash_embedder")
        sidebar.item("runs", "docs_hash_embedder").locator(".mxl-facts").wait_for()
        sidebar.page.screenshot(path=artifacts / f"sidebar_{theme}.png")
        assert sidebar.notebook.evaluate(CONTRAST) == [], "text that is hard to read"
        assert axe(sidebar.page, "#mixpeek-lab-sidebar") == []
        assert axe(sidebar.page, ".mxl-status") == []
        sidebar.line("buckets", "docs").click(button="right")
        sidebar.page.locator(".mxl-menu", has_text="Insert as a cell").get_by_text(
            "Insert as a cell"
        ).hover()
        sidebar.page.locator(".mxl-menu").nth(1).wait_for()
        assert axe(sidebar.page, ".mxl-menu") == []
        for _ in range(2):
            sidebar.page.keyboard.press("Escape")
        sidebar.page.locator(".mxl-menu").first.wait_for(state="detached")
        sidebar.act("buckets", "docs", "Delete…")
        sidebar.dialog("4 objects")
        assert axe(sidebar.page, ".jp-Dialog") == []
        sidebar.page.screenshot(path=artifacts / f"sidebar_delete_{theme}.png")
        sidebar.close_dialog()
    finally:
        jupyter.use_theme("JupyterLab Light")


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = ([r, g, b, a], below) =>
    [r, g, b].map((value, i) => (value * a + below[i] * (255 - a)) / 255);
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    const found = rgb(getComputedStyle(node).backgroundColor);
    return found[3] === 255 ? found.slice(0, 3) : over(found, ground(node.parentElement));
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => value / 255).map(
      (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll('.mxl *')].filter((node) => node.offsetParent
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())
  ).map((node) => {
    const below = ground(node);
    const text = over(rgb(getComputedStyle(node).color), below);
    const [light, dark] = [luminance(text), luminance(below)].sort((a, b) => b - a);
    return [node.className || node.tagName, node.textContent.slice(0, 30),
            (light + 0.05) / (dark + 0.05)];
  }).filter(([, , ratio]) => ratio < 4.5);
}"""


def test_motion_can_be_turned_off(sidebar):
    sidebar.page.emulate_media(reduced_motion="reduce")
    try:
        shown = sidebar.page.evaluate(
            """() => {
              const dot = document.querySelector('.mxl-dot').cloneNode();
              dot.dataset.state = 'busy';
              document.querySelector('.mxl').append(dot);
              const name = getComputedStyle(dot).animationName;
              dot.remove();
              return name;
            }"""
        )
        assert shown == "none"
    finally:
        sidebar.page.emulate_media(reduced_motion="no-preference")


def test_the_palette_has_its_commands(sidebar):
    page = sidebar.page
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill("mixpeek")
    item = page.locator(".lm-CommandPalette-item")
    for label in ("Show the Sidebar", "Insert an Extractor Cell", "Load in This Notebook",
                  "New Notebook with the Lab", "Show What Runs"):  # fmt: skip
        item.filter(has_text=label).first.wait_for()
    item.filter(has_text="Insert an SQL Cell").first.click()
    sidebar.wait_for_cell("%%inspect\nSELECT * FROM collections LIMIT 20")
    sidebar.empty_cell()
    page.keyboard.press("Escape")


def test_after_a_restart_it_asks_to_load_again_and_is_back(sidebar):
    sidebar.notebook.restart_kernel()
    sidebar.page.get_by_text("Not loaded in this notebook").wait_for(timeout=30_000)
    sidebar.page.get_by_role("button", name="Load Mixpeek Lab").click()
    sidebar.page.locator(".mxl-head").wait_for(timeout=60_000)


def test_nothing_went_wrong_in_the_page(opened):
    ours = [text for text in opened.notebook.errors if "mixpeek" in text.lower()]
    assert ours == []
