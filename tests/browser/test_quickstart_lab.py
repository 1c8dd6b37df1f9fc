"""The first tutorial as a newcomer meets it: on a folder of their own, then on the sample.

What is timed is the shortest way that the page tells of: the own folder put in at once, all cells
run one by one, and a question of one's own.
With MIXPEEK_LAB_PICTURES=1 the playground's pictures in `notebooks/images/` are made anew.
"""

from __future__ import annotations

import re
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from conftest import REPOSITORY, NotebookPage
from pictures import keep_picture, show_pictures
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.ray, pytest.mark.timeout(420)]

QUICKSTART = REPOSITORY / "notebooks" / "01_quickstart.ipynb"
LARGEST_IMAGE = 150_000
SHOWN_HITS = 4

MINUTES = 5
WORDS_A_MINUTE = 200
"""Of somebody who reads to understand. Code counts a third: it is looked at."""
SECONDS_A_KEY, SECONDS_A_CLICK = 1, 3

FOLDER_CELL, PLAYGROUND_CELL = 1, 7
UNSEEN = re.compile(r"<img[^>]*>|(?<=\])\([^)]*\)")
"""What is in a cell's text, and not on the page: pictures' other words, and where links lead."""
SAMPLE = "from mixpeek_lab.corpora import sample_folder\n\nFOLDER = sample_folder()"
OWN_QUESTION = "how wide and long are the petals of flowers"

HEADINGS = "() => [...document.querySelectorAll('.mxp-heading')].map((node) => node.textContent)"
REQUESTS = "() => document.querySelector('.mxp').mixpeek.requests"
SEARCHED = "() => !document.querySelector('.mxp').classList.contains('is-searching')"
RAN = """(count) => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
  .slice(0, count).every((prompt) => /^\\[\\d+\\]:$/.test(prompt.innerText.trim()))"""
RAN_AGAIN = """([first, end, before]) =>
  [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].slice(first, end)
  .every((prompt) => Number(prompt.innerText.match(/\\d+/)?.[0] ?? 0) > before)"""
COUNT = """() => Math.max(...[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
  .map((prompt) => Number(prompt.innerText.match(/\\d+/)?.[0] ?? 0)))"""
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


def package(name: str) -> Path:
    return Path(find_spec(name).origin).parent


def somebodys_files(folder: Path) -> Path:
    """Files that others wrote, as a folder holds them: some for this search, some not."""
    for source in sorted((package("sklearn") / "datasets" / "descr").glob("*.rst")):
        place = folder / "data sets" / source.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
    shutil.copytree(package("skimage") / "data", folder / "pictures", ignore=_pictures_only)
    shutil.copy(package("numpy") / "random" / "LICENSE.md", folder)
    shutil.copy(package("sklearn") / "utils" / "_chunking.py", folder)
    Image.open(package("skimage") / "data" / "coins.png").save(folder / "scan.pdf")
    (folder / "unknown.bin").write_bytes(bytes(range(256)))
    (folder / "empty.txt").touch()
    return folder


def _pictures_only(_, names):
    return [name for name in names if name not in ("coins.png", "README.txt")]


def time_of_reading() -> float:
    """Seconds that the page takes to read: its prose, and its code at a glance."""
    cells = nbformat.read(QUICKSTART, as_version=4).cells
    words = {"markdown": 0, "code": 0}
    for cell in cells:
        words[cell.cell_type] += len(re.findall(r"\w[\w'’-]*", _seen(cell)))
    return (words["markdown"] + words["code"] / 3) / WORDS_A_MINUTE * 60


def _seen(cell) -> str:
    return UNSEEN.sub("", cell.source) if cell.cell_type == "markdown" else cell.source


class Newcomer:
    """The quickstart in a page that is tall enough for all of it, and a watch."""

    def __init__(self, jupyter, chromium) -> None:
        nbformat.write(without_outputs(QUICKSTART), jupyter.folder / QUICKSTART.name)
        show_pictures(jupyter)
        self.page = chromium.new_page(
            viewport={"width": 1280, "height": 6000}, device_scale_factor=1.5
        )
        self.notebook = NotebookPage(self.page)
        self.seconds: dict[str, float] = {}
        self.keys = self.clicks = 0
        with self.timed("JupyterLab's page"):
            self.notebook.open(jupyter, jupyter.folder / QUICKSTART.name)

    def timed(self, step):
        return _Watch(self.seconds, step)

    def run_all_by_hand(self) -> None:
        """Shift+Enter on each cell from the first, waiting for each."""
        page = self.page
        page.locator(".jp-Cell").first.click()
        ran = 0
        for place in range(page.locator(".jp-Cell").count()):
            is_code = "jp-CodeCell" in page.locator(".jp-Cell").nth(place).get_attribute("class")
            page.keyboard.press("Shift+Enter")
            self.keys += 1
            ran += is_code
            page.wait_for_function(RAN, arg=ran, timeout=120_000)
        page.locator(".mxp-hit").first.wait_for(timeout=30_000)

    def put_folder(self, code: str) -> None:
        """Other words into the cell FOLDER."""
        self.page.locator(".jp-CodeCell .jp-InputArea .cm-content").nth(FOLDER_CELL).click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.clicks += 2  # the cell, its new text

    def change_folder(self, code: str) -> None:
        """The cell FOLDER, and the menu's Run Selected Cell and All Below."""
        page = self.page
        before = page.evaluate(COUNT)
        self.put_folder(code)
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.locator(".lm-Menu-item", has_text="All Below").click()
        self.clicks += 2  # the menu, its line
        place = [FOLDER_CELL, PLAYGROUND_CELL + 1, before]
        page.wait_for_function(RAN_AGAIN, arg=place, timeout=180_000)
        page.locator(".mxp-hit").first.wait_for(timeout=30_000)

    def ask(self, query: str) -> None:
        box = self.page.locator(".mxp-query")
        box.fill(query)
        box.press("Enter")
        self.clicks += 2  # the box, the words
        self.page.wait_for_function(SEARCHED)
        self.page.wait_for_timeout(450)

    def output(self, cell: int) -> str:
        return self.page.locator(".jp-CodeCell").nth(cell).inner_text()


class _Watch:
    def __init__(self, seconds, step) -> None:
        self._seconds, self._step = seconds, step

    def __enter__(self):
        self._begun = time.perf_counter()

    def __exit__(self, *_):
        self._seconds[self._step] = time.perf_counter() - self._begun


@pytest.fixture(scope="module")
def on_own_files(jupyter, chromium, tmp_path_factory):
    """After the whole page with the newcomer's own folder in it, and an own question."""
    folder = somebodys_files(tmp_path_factory.mktemp("own") / "my files")
    newcomer = Newcomer(jupyter, chromium)
    with newcomer.timed("the page, own folder"):
        newcomer.put_folder(f'FOLDER = "{folder}"')
        newcomer.run_all_by_hand()
    with newcomer.timed("the own question"):
        newcomer.ask(OWN_QUESTION)
    newcomer.told = {cell: newcomer.output(cell) for cell in (2, 4)}
    newcomer.found = newcomer.page.evaluate(HEADINGS)[:3]
    newcomer.parts = {
        **newcomer.seconds,
        "reading": time_of_reading(),
        f"{newcomer.keys} keys": newcomer.keys * SECONDS_A_KEY,
        f"{newcomer.clicks} clicks and words": newcomer.clicks * SECONDS_A_CLICK,
    }
    newcomer.errors = errors(newcomer)
    yield newcomer
    newcomer.page.close()


@pytest.fixture(scope="module")
def newcomer(on_own_files):
    """After the sample, by the way that the page tells at its end."""
    on_own_files.change_folder(SAMPLE)
    return on_own_files


def errors(newcomer):
    return [text for kind, text in newcomer.page.evaluate(OUTPUTS) if kind in (ERROR, STDERR)]


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


def test_an_own_folder_is_searched_and_what_cannot_be_is_told(on_own_files):
    assert on_own_files.errors == []
    bucket, run = on_own_files.told[2], on_own_files.told[4]
    assert "1 file was left out" in bucket
    assert "unknown.bin" in bucket
    assert "1 image" in run
    assert "this PDF holds no text" in run
    found = on_own_files.found
    assert any("iris.rst" in heading for heading in found), found


def test_it_takes_five_minutes_from_the_page_to_an_own_answer(on_own_files):
    parts = on_own_files.parts
    print("\nnewcomer's path, s")
    for step, seconds in parts.items():
        print(f"  {step:24} {seconds:6.1f}")
    print(f"  {'together':24} {sum(parts.values()):6.1f} of {MINUTES * 60}")
    assert sum(parts.values()) <= MINUTES * 60


def test_it_runs_to_the_end_and_leaves_clean_cells(newcomer):
    assert errors(newcomer) == []
    page = newcomer.page
    assert page.locator(".jupyter-widgets", has_text="Deploying").count() == 0
    assert page.locator(".mxr").count() == 0, "the bars of finished runs are gone"


def test_dragging_a_weight_reorders_the_hits_without_asking_the_kernel(newcomer):
    """What the page says: less weight on the words, and the right passage rises."""
    page = newcomer.page
    before, requests = page.evaluate(HEADINGS), page.evaluate(REQUESTS)
    leg = page.locator('.mxp-leg[data-leg="bm25"] input[type=range]')
    leg.scroll_into_view_if_needed()
    drag(page, leg, 0)
    after = page.evaluate(HEADINGS)
    assert float(leg.input_value()) == 0
    assert after != before
    first = page.locator(".mxp-hit").first.inner_text()
    assert "Requests. If somebody asks" in first
    assert page.evaluate(REQUESTS) == requests
    drag(page, leg, 0.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_like_this(newcomer, jupyter, artifacts, theme):
    page = newcomer.page
    jupyter.use_theme(f"JupyterLab {theme.title()}")
    try:
        save(page, jupyter.folder / QUICKSTART.name)
        newcomer.notebook.reload()
        page.locator(".mxp-hit").first.wait_for(timeout=60_000)
        if page.locator(".mxp-reset").is_visible():
            page.locator(".mxp-reset").click()
        newcomer.ask("how do I get access to the GPUs")
        page.wait_for_timeout(500)
        page.screenshot(path=artifacts / f"quickstart_{theme}.png")
        picture = keep_picture(take_picture(page), f"playground-{theme}", artifacts)
    finally:
        jupyter.use_theme("JupyterLab Light")
    assert len(picture) <= LARGEST_IMAGE


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
