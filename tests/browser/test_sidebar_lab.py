"""The sidebar in a real JupyterLab: connected by itself, its actions, its looks, cells."""

from __future__ import annotations

import pytest
from conftest import REPOSITORY, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOAD = "%load_ext mixpeek_lab"
FILL = f"""
from mixpeek_lab import current_lab
lab = current_lab()
_ = lab.load({str(REPOSITORY / "tests" / "fixtures" / "hash_embedder")!r})
_ = lab.bucket("docs", ["hello world", "revenue grew", "FAIL here"])
_ = lab.process("docs", "hash_embedder", engine="kernel")
_ = lab.retriever("find", {{"collection": "docs_hash_embedder", "searches": [
    {{"feature": "hash_embedding"}}, {{"lexical": True}}]}})
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
SECTIONS = ("Extractors", "Buckets", "Collections", "Runs", "Retrievers", "Endpoints")
COLOURS = """(cell) => Object.fromEntries([...document.querySelectorAll('.jp-CodeCell')]
  .at(cell).querySelectorAll('.cm-line span').values().map(
    (span) => [span.textContent, getComputedStyle(span).color + getComputedStyle(span).fontWeight]
  ))"""


class SidebarPage:
    """The sidebar of a notebook's page."""

    def __init__(self, notebook: NotebookPage) -> None:
        self.notebook, self.page = notebook, notebook.page

    def show(self) -> None:
        tab = self.page.locator('li.lm-TabBar-tab[data-id="mixpeek-lab-sidebar"]')
        if not self.page.locator("#mixpeek-lab-sidebar").is_visible():
            tab.click()

    def open(self, *titles: str) -> None:
        for title in titles or SECTIONS:
            heading = self.page.locator(".mxl-heading", has_text=title)
            if heading.get_attribute("aria-expanded") == "false":
                heading.click()

    def item(self, section: str, name: str):
        return self.page.locator(f"#mxl-section-{section} .mxl-item", has_text=name).first

    def act(self, section: str, name: str, label: str) -> None:
        self.item(section, name).locator(".mxl-line").click(button="right")
        self.page.locator(".mxl-menu .lm-Menu-item", has_text=label).click()

    def cell(self) -> str:
        """The text of the active cell."""
        return "\n".join(self.page.locator(".jp-CodeCell.jp-mod-active .cm-line").all_inner_texts())


@pytest.fixture(scope="module")
def sidebar(jupyter, chromium, tmp_path_factory):
    path = jupyter.write_notebook("sidebar", LOAD, FILL, EXTRACTOR, RETRIEVER, SQL)
    page = chromium.new_page(viewport={"width": 1300, "height": 950})
    notebook = NotebookPage(page)
    notebook.open(jupyter, path)
    home = tmp_path_factory.mktemp("sidebar") / "home"
    notebook.run_code(
        0, f"%env MIXPEEK_LAB_HOME={home}\n%env MIXPEEK_LAB_AUTOSTART=0\nget_ipython()"
    )
    yield SidebarPage(notebook)
    page.close()


def test_it_says_what_to_do_where_nothing_is_loaded(sidebar):
    sidebar.show()
    sidebar.page.get_by_text("Not loaded in this notebook").wait_for()
    sidebar.page.get_by_role("button", name="Load Mixpeek Lab").click()
    sidebar.page.locator(".mxl-head").wait_for(timeout=60_000)
    assert sidebar.cell() == LOAD, "the button wrote the cell and ran it"
    assert sidebar.page.locator(".mxl-state-words").inner_text().startswith("Not started")


def test_empty_sections_say_what_to_do_and_begin_a_cell(sidebar):
    sidebar.open("Buckets")
    sidebar.page.get_by_role("button", name="Make a bucket").click()
    sidebar.page.wait_for_function("() => getSelection().toString() === 'docs'")
    assert sidebar.cell() == "%bucket docs frame_or_folder"
    sidebar.page.keyboard.press("Control+a")
    sidebar.page.keyboard.press("Delete")
    sidebar.page.keyboard.press("Escape")


def test_what_cells_make_appears_by_itself(sidebar):
    sidebar.notebook.start_code(1, FILL)
    sidebar.open()
    sidebar.item("retrievers", "find").wait_for(timeout=60_000)
    assert sidebar.item("extractors", "hash_embedder").is_visible()
    assert "3 objects" in sidebar.item("buckets", "docs").inner_text()
    assert "1 failed" in sidebar.item("runs", "docs_hash_embedder").inner_text()
    assert "2 docs" in sidebar.item("collections", "docs_hash_embedder").inner_text()


def test_it_answers_while_a_cell_runs(sidebar):
    sidebar.notebook.start_code(
        1, "import time\nlab.bucket('during', ['x'])\ntime.sleep(3)\nlab.bucket('after', ['x']);"
    )
    sidebar.item("buckets", "during").wait_for(timeout=5000)
    assert not sidebar.item("buckets", "after").is_visible()
    sidebar.item("buckets", "after").wait_for(timeout=20_000)


def test_stopping_a_run_interrupts_the_kernel(sidebar):
    sidebar.notebook.start_code(
        1,
        "import time\nlab.process('docs', 'hash_embedder', 'slow', engine='kernel',\n"
        "            on_progress=lambda _: time.sleep(60))",
    )
    run = sidebar.item("runs", "slow")
    run.wait_for(timeout=20_000)
    run.hover()
    sidebar.page.get_by_label("Stop it: slow").click()
    run.locator(".mxl-dot[data-state=warning]").wait_for(timeout=20_000)
    assert "interrupted" in run.inner_text()
    # What is asked before the cell has failed would be aborted with it.
    sidebar.page.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").wait_for()


def test_an_action_runs_its_cell(sidebar):
    sidebar.item("collections", "docs_hash_embedder").hover()
    sidebar.page.get_by_label("Look at its documents: docs_hash_embedder").click()
    output = sidebar.page.locator(".jp-CodeCell.jp-mod-active .jp-OutputArea-output")
    output.get_by_text("hello world").first.wait_for(timeout=30_000)
    assert sidebar.cell() == "%inspect docs_hash_embedder"


def test_with_alt_it_is_inserted_only(sidebar):
    sidebar.item("buckets", "docs").hover()
    sidebar.page.get_by_label("Show it: docs").click(modifiers=["Alt"])
    sidebar.page.wait_for_timeout(300)
    assert sidebar.cell() == "%bucket docs"
    prompt = sidebar.page.locator(".jp-CodeCell.jp-mod-active .jp-InputPrompt").first
    assert prompt.inner_text().strip() == "[ ]:"


def test_an_extractor_can_be_written_into_a_cell(sidebar):
    sidebar.act("extractors", "hash_embedder", "Write it into a cell")
    sidebar.page.wait_for_function(
        "() => document.querySelector('.jp-mod-active .cm-content')?.innerText"
        ".startsWith('%%extractor hash_embedder')"
    )
    assert "feature_extractor_name" in sidebar.cell()


def test_deleting_asks_first_and_tells_why_it_is_refused(sidebar):
    sidebar.act("buckets", "docs", "Delete")
    dialog = sidebar.page.locator(".jp-Dialog")
    dialog.wait_for()
    assert "docs" in dialog.inner_text()
    sidebar.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    sidebar.act("buckets", "docs", "Delete")
    dialog.get_by_role("button", name="Delete").click()
    told = dialog.filter(has_text="is the source of docs_hash_embedder")
    told.wait_for(timeout=10_000)
    sidebar.page.keyboard.press("Enter")
    told.wait_for(state="detached")
    assert sidebar.item("buckets", "docs").is_visible()
    sidebar.act("retrievers", "find", "Delete")
    dialog.get_by_role("button", name="Delete").click()
    sidebar.item("retrievers", "find").wait_for(state="detached", timeout=10_000)


def test_the_keyboard_reaches_everything(sidebar):
    page = sidebar.page
    page.locator(".mxl-heading").first.focus()
    page.keyboard.press("ArrowDown")
    line = sidebar.item("extractors", "hash_embedder").locator(".mxl-line")
    assert line.evaluate("(node) => node === document.activeElement")
    page.keyboard.press("Enter")
    facts = sidebar.item("extractors", "hash_embedder").locator(".mxl-facts")
    assert "hash_embedding (16)" in facts.inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".mxl-menu").wait_for()
    page.keyboard.press("Escape")
    page.locator(".mxl-menu").wait_for(state="detached")
    page.locator(".mxl-heading").first.focus()
    page.keyboard.press("End")
    assert page.evaluate("() => document.activeElement.textContent").startswith("Deploy an")


def test_the_filter_narrows_every_section(sidebar):
    box = sidebar.page.get_by_label("Filter by name")
    box.fill("during")
    sidebar.item("buckets", "docs").wait_for(state="detached")
    assert sidebar.item("buckets", "during").is_visible()
    assert (
        "No extractor's name holds" in sidebar.page.locator("#mxl-section-extractors").inner_text()
    )
    box.fill("")
    sidebar.item("buckets", "docs").wait_for()


def cell_with(sidebar, text):
    return sidebar.page.locator(".jp-CodeCell", has_text=text).first


def test_findings_are_underlined_and_mended(sidebar):
    cell = cell_with(sidebar, "%%extractor mine")
    cell.scroll_into_view_if_needed()
    marked = cell.locator(".cm-lintRange-error")
    marked.first.wait_for(timeout=20_000)
    assert marked.all_text_contents() == ['"2"', "inference_typ"]
    for wrong, right in (('"2"', "2"), ("inference_typ", "inference_type")):
        sidebar.page.wait_for_timeout(1500)  # what is checked again takes its tooltip away
        marked.get_by_text(wrong, exact=True).hover()
        sidebar.page.get_by_role("button", name=f"Write {right}").click()
        marked.get_by_text(wrong, exact=True).wait_for(state="detached", timeout=20_000)
    assert "dim=2)]," in cell.locator(".cm-content").inner_text()


def test_tab_completes_a_manifest(sidebar):
    cell = cell_with(sidebar, "%%extractor mine")
    cell.get_by_text("inference_type", exact=True).last.dblclick()
    sidebar.page.keyboard.type("inference_ty")
    sidebar.page.keyboard.press("Tab")
    cell.get_by_text("inference_type", exact=True).or_(
        sidebar.page.locator(".jp-Completer-match", has_text="inference_type")
    ).first.wait_for(timeout=20_000)
    if sidebar.page.locator(".jp-Completer-match").count():
        sidebar.page.keyboard.press("Enter")
    cell.get_by_text("inference_type", exact=True).last.wait_for(timeout=10_000)
    sidebar.page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("text", "keyword", "plain"),
    [("%%extractor mine", "class", "batch"), ("%%inspect", "SELECT", "failures")],
)
def test_bodies_are_highlighted_in_their_language(sidebar, text, keyword, plain):
    cell = cell_with(sidebar, text)
    weight = "(node) => getComputedStyle(node).fontWeight"
    bold = cell.locator(".cm-line span", has_text=keyword).first
    bold.wait_for(timeout=10_000)
    assert int(bold.evaluate(weight)) >= 600
    magic = cell.locator(".cm-line span").first
    assert magic.inner_text().startswith("%%")
    assert plain in cell.locator(".cm-content").inner_text()


def test_a_body_indents_as_its_language_does(sidebar):
    sidebar.notebook.page.locator(".jp-CodeCell .cm-content").last.click()
    page = sidebar.page
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("%%extractor indented")
    page.keyboard.press("Enter")
    page.keyboard.type("class A:")
    page.keyboard.press("Enter")
    page.keyboard.type("def f(self):")
    page.keyboard.press("Enter")
    page.keyboard.type("pass")
    assert sidebar.cell() == "%%extractor indented\nclass A:\n    def f(self):\n        pass"
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(SQL)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_like_this(sidebar, jupyter, artifacts, theme):
    jupyter.use_theme(f"JupyterLab {theme.title()}")
    try:
        sidebar.notebook.reload()
        sidebar.show()
        sidebar.item("buckets", "docs").wait_for(timeout=30_000)  # open, as it was
        sidebar.open()
        sidebar.item("runs", "docs_hash_embedder").locator(".mxl-line").click()
        sidebar.page.wait_for_timeout(500)
        sidebar.page.screenshot(path=artifacts / f"sidebar_{theme}.png")
    finally:
        jupyter.use_theme("JupyterLab Light")
    faint = sidebar.notebook.evaluate(CONTRAST)
    assert faint == [], "text that is hard to read"


def test_axe_finds_nothing(sidebar, axe):
    assert axe(sidebar.page, "#mixpeek-lab-sidebar, .mxl-status") == []


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


def test_after_a_restart_it_asks_to_load_again_and_is_back(sidebar):
    page = sidebar.page
    page.locator('[data-command="notebook:restart-kernel"], [data-command="kernelmenu:restart"]')
    page.evaluate("() => window.jupyterapp?.commands.execute('kernelmenu:restart')")
    button = page.locator(".jp-Dialog .jp-mod-accept")
    if not button.is_visible():
        page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='restart']").click()
    button.click()
    page.get_by_text("Not loaded in this notebook").wait_for(timeout=30_000)
    sidebar.notebook.wait_for_kernel()
    page.get_by_role("button", name="Load Mixpeek Lab").click()
    page.locator(".mxl-head").wait_for(timeout=60_000)


def test_the_status_bar_and_the_palette_know_the_lab(sidebar):
    page = sidebar.page
    assert "Lab: " in page.locator("#jp-main-statusbar").inner_text()
    page.keyboard.press("Control+Shift+c")
    box = page.locator(".lm-CommandPalette-input")
    box.fill("mixpeek")
    listed = page.locator(".lm-CommandPalette-itemLabel").all_inner_texts()
    assert {"Show the Sidebar", "Insert an Extractor Cell", "Load in This Notebook"} <= set(listed)
    page.keyboard.press("Escape")


def test_nothing_went_wrong_in_the_page(sidebar):
    ours = [text for text in sidebar.notebook.errors if "mixpeek" in text.lower()]
    assert ours == []
