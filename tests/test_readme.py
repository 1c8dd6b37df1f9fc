"""The README's cells, as they stand, in a real kernel."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from how_to_parts import magics
from nbclient import NotebookClient

from mixpeek_lab.settings import SETTINGS

README = Path(__file__).resolve().parent.parent / "README.md"
CELL = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def cells():
    found = [cell for cell in CELL.findall(README.read_text()) if "with Lab()" not in cell]
    assert len(found) >= 5
    return found


def table(head):
    """The first cells of the table with this head."""
    text = README.read_text().partition(f"| {head} |")[2].partition("\n\n")[0]
    return [line.split("|")[1] for line in text.splitlines() if line.startswith("|")][1:]


def test_its_tables_have_every_magic_and_only_settings_that_there_are():
    shown = {name for cell in table("magic") for name in re.findall(r"%%?([a-z_]+)", cell)}
    assert shown == set(magics())
    settings = set(re.findall(r"MIXPEEK_\w+", " ".join(table("setting"))))
    assert settings <= {setting.name for setting in SETTINGS}


@pytest.mark.ray
@pytest.mark.model
def test_the_cells_lead_from_source_to_search(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(tmp_path / "home"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells()])
    notebook.cells.append(nbformat.v4.new_code_cell("%search animals pets that make a sound"))
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute(env={**os.environ, "HF_HUB_OFFLINE": "1"})
    *_, playground, search = notebook.cells
    assert any("cats purr" in str(output) for output in playground.outputs)
    (found,) = [output.data["text/plain"] for output in search.outputs if "data" in output]
    lines = found.splitlines()
    best = lines[next(i for i, line in enumerate(lines) if line.startswith("rank")) + 1]
    assert "cats purr" in best or "dogs bark" in best
