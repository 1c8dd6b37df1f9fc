"""The pictures in the tutorials, in JupyterLab: of each pair the one that fits the theme."""

from __future__ import annotations

import nbformat
import pytest
from conftest import REPOSITORY, NotebookPage
from pictures import show_pictures

pytestmark = pytest.mark.browser

SHOWN = """() => [...document.querySelectorAll('.jp-MarkdownCell img')]
  .filter((image) => image.checkVisibility() && image.naturalWidth > 0)
  .map((image) => image.alt && image.src.match(/images\\/(\\w+-\\w+)\\.png/)[1])"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_follow_the_theme(jupyter, chromium, artifacts, theme):
    notebook = nbformat.read(REPOSITORY / "notebooks" / "04_does_it_retrieve_well.ipynb", 4)
    pictured = [cell for cell in notebook.cells if "<img" in cell.source]
    notebook.cells = [*pictured[:2], nbformat.v4.new_code_cell("None")]
    path = jupyter.folder / f"pictures_{theme}.ipynb"
    nbformat.write(notebook, path)
    show_pictures(jupyter)
    jupyter.use_theme(f"JupyterLab {theme.title()}")
    try:
        page = chromium.new_page(viewport={"width": 1100, "height": 2600})
        NotebookPage(page).open(jupyter, path)
        wanted = [f"{name}-{theme}" for name in ("ranks", "compare", "judge")]
        try:
            page.wait_for_function(
                f"(wanted) => ({SHOWN})().join() === wanted.join()", arg=wanted, timeout=60_000
            )
        finally:
            page.screenshot(path=artifacts / f"tutorial_pictures_{theme}.png")
        assert page.evaluate(SHOWN) == wanted
        page.close()
    finally:
        jupyter.use_theme("JupyterLab Light")
