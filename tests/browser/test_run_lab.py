"""The progress of a run in JupyterLab, driven in headless Chromium."""

from __future__ import annotations

import pytest
from conftest import NotebookPage

pytestmark = pytest.mark.browser

RUN = """
from mixpeek_lab.models import Failure, Progress, RunReport
from mixpeek_lab.widgets import RunProgress
bar = RunProgress("docs")
bar.show()
bar.update(Progress(1200, 420, failed=3, documents=417, seconds=12.0, phase="embedding"))
"""
FINISH = """
failures = (Failure("obj_17", "doc_17", "embed", "ValueError", "<b>no</b> text", "core.py:14"),)
bar.finish(RunReport("run_1", "docs", "completed_with_errors", rows_in=1200, reused=0,
    processed=1200, documents=1199, failed=1, failures=failures, vectors={"embedding": 1199},
    seconds=34.2, rows_per_second=35.1, setup_seconds=4.0,
    notes=("Ran on the CPU: there is no GPU here.",)))
"""


def test_a_run_shows_its_progress_and_then_its_report(jupyter, chromium, artifacts):
    page = chromium.new_page(viewport={"width": 1400, "height": 800})
    notebook = NotebookPage(page)
    notebook.open(jupyter, jupyter.write_notebook("run", RUN, FINISH))
    notebook.run_cell(0)
    page.wait_for_selector(".mxr [role=progressbar]", timeout=30_000)
    page.wait_for_selector('.mxr [aria-valuenow="420"]')
    assert "22 s left" in page.locator(".mxr").inner_text()
    page.screenshot(path=artifacts / "run_progress.png")
    notebook.run_cell(1)
    page.wait_for_selector(".mxr-state")
    text = page.locator(".mxr").inner_text()
    assert "completed with errors" in text
    assert "<b>no</b> text" in text
    page.wait_for_timeout(500)
    page.screenshot(path=artifacts / "run_report.png")
    assert notebook.errors == []
    page.close()
