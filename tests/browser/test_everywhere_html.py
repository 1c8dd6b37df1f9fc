"""Every widget and card in the HTML that nbconvert makes: no kernel, no network, no scripts.

The notebook is run by a program, as `nbconvert --execute` does: no live view goes into it.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import nbformat
import pytest
from conftest import server_environment
from everywhere import CELLS, lacking
from nbclient import NotebookClient
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TEMPLATES = {
    "lab_light": {},
    "lab_dark": {"theme": "dark"},
    "classic": {"template_name": "classic"},
    "basic": {"template_name": "basic"},
}
"""`basic` is what nbviewer puts into a page of its own."""
OUTPUT = {
    "lab_light": ".jp-Cell-outputWrapper",
    "lab_dark": ".jp-Cell-outputWrapper",
    "classic": ".output_wrapper",
    "basic": ".output_wrapper",
}
RESULT = ".jp-RenderedHTMLCommon, .output_html"
ADDRESS = re.compile(r"""https?://[^\s"'<>)]+""")
WIDGETS = re.compile("/@?jupyter-(js-)?widgets")
"""What nbconvert itself writes into each page of a notebook that has a widget; nothing needs it."""
TEXTS = """(where) => [...document.querySelectorAll(where)].map((n) =>
  n.innerText.replace(/\\s+/g, ' '))"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory, monkeypatch_module):
    """The notebook, run to its end without a front end."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS.values()]
    root = tmp_path_factory.mktemp("everywhere")
    for name, value in server_environment(root).items():
        monkeypatch_module.setenv(name, value)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def pages(notebook, tmp_path_factory):
    """Template → the HTML file that nbconvert makes with it."""
    folder = tmp_path_factory.mktemp("html")
    found = {}
    for name, options in TEMPLATES.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(convert(notebook, options), "utf-8")
    return found


def convert(notebook, options) -> str:
    return HTMLExporter(**options).from_notebook_node(notebook)[0]


def open_offline(chromium, path, *, scripts: bool):
    """The page, and the list of what it asks of other machines; nothing gets through."""
    page = chromium.new_page(viewport={"width": 1000, "height": 900}, java_script_enabled=scripts)
    asked = []

    def answer(route):
        if route.request.url.startswith(("file:", "data:")):
            return route.continue_()
        asked.append(route.request.url)
        return route.abort()

    page.route("**/*", answer)
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    return page, asked


def test_a_program_that_runs_the_cells_gets_results_and_no_live_views(notebook):
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    data = [output.data for output in outputs if "data" in output]
    assert not [kind for each in data for kind in each if "widget-view" in kind]
    assert sum("text/html" in each for each in data) == 8
    assert len(json.dumps(notebook.metadata)) < 20_000


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_result_is_there_without_scripts_and_network(
    chromium, pages, axe, artifacts, template
):
    page, asked = open_offline(chromium, pages[template], scripts=False)
    page.screenshot(path=artifacts / f"every_nbconvert_{template}.png", full_page=True)
    assert lacking(page.evaluate(TEXTS, OUTPUT[template])) == []
    assert asked == []
    page.close()
    if template in ("lab_light", "lab_dark"):
        page, _ = open_offline(chromium, pages[template], scripts=True)
        assert axe(page, RESULT) == []
        page.close()


@pytest.mark.parametrize("template", TEMPLATES)
def test_results_name_no_other_machine(pages, template):
    empty = convert(nbformat.v4.new_notebook(), TEMPLATES[template])
    ours = set(ADDRESS.findall(pages[template].read_text("utf-8"))) - set(ADDRESS.findall(empty))
    assert [each for each in ours if not WIDGETS.search(each)] == []


class Bare(HTMLParser):
    """HTML as a strict site leaves it: no styles, scripts, classes or embedded pictures."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._dropped = 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self._dropped += tag in ("style", "script")
        if not self._dropped:
            kept = [f' {k}="{v}"' for k, v in attributes if k in ("alt", "colspan", "open")]
            self.parts.append(f"<{tag}{''.join(kept)}>")

    def handle_endtag(self, tag):
        if not self._dropped:
            self.parts.append(f"</{tag}>")
        self._dropped -= tag in ("style", "script")

    def handle_data(self, text):
        if not self._dropped:
            self.parts.append(text)

    def handle_entityref(self, name):
        self.handle_data(f"&{name};")

    def handle_charref(self, name):
        self.handle_data(f"&#{name};")


def test_what_a_strict_site_leaves_is_readable(chromium, notebook, artifacts):
    """GitHub takes away style sheets, classes, `style` and pictures in the page."""
    outputs = [[o.data for o in cell.outputs if "data" in o] for cell in notebook.cells]
    sections = [
        "".join("".join(Bare(data.get("text/html", "")).parts) for data in found)
        for found in outputs
    ]
    page = chromium.new_page(viewport={"width": 1000, "height": 900})
    page.set_content("".join(f"<section>{each}</section><hr>" for each in sections))
    assert lacking(page.evaluate(TEXTS, "section")) == []
    page.screenshot(path=artifacts / "every_bare.png", full_page=True)
    page.close()
