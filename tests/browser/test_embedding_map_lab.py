"""The embedding map in JupyterLab, driven in headless Chromium."""

from __future__ import annotations

import json

import pytest
from conftest import REPOSITORY, NotebookPage

pytestmark = pytest.mark.browser

MAKE = f"""
import os, sys
os.environ["MIXPEEK_LAB_AUTOSTART"] = "0"
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
%load_ext mixpeek_lab
from packages import HASH_EMBEDDER
from sample_search import DOCUMENTS
from mixpeek_lab.magics.session import current_lab
lab = current_lab()
lab.load(HASH_EMBEDDER)
rows = [{{**f, "_id": key, "text": f["data"], "size": len(f["data"])}} for key, f in DOCUMENTS.items()]
for row in rows: del row["data"]
lab.bucket("pydocs", rows)
lab.process("pydocs", "hash_embedder", "docs", engine="kernel");
m = %embedding_map docs --color package
m
"""

READY = ".mxm.is-ready"
MAP = "() => document.querySelector('.mxm').mixpeek"


def open_map(jupyter, chromium, name, *cells, width=1300, height=1100):
    page = chromium.new_page(viewport={"width": width, "height": height})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook(name, *cells))
    notebook.run_cell(0)
    page.wait_for_selector(READY, timeout=60_000)
    return notebook


@pytest.fixture(scope="module")
def notebook(jupyter, chromium):
    opened = open_map(jupyter, chromium, "map", MAKE, "None")
    yield opened
    opened.page.close()


def test_shot(notebook, artifacts):
    notebook.page.wait_for_timeout(500)
    notebook.page.locator(".mxm").screenshot(path=artifacts / "map-first.png")
    print(notebook.errors)
