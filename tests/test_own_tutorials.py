"""`make lab` opens copies of the tutorials: a reader's work leaves the clone as it was."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
FIRST = "01_quickstart.ipynb"


def script():
    spec = importlib.util.spec_from_file_location("tutorials", ROOT / ".ci/tutorials.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bring = script().bring


@pytest.fixture
def places(tmp_path):
    shipped = tmp_path / "notebooks"
    # Running the pages here leaves `saved` and the like behind.
    left = shutil.ignore_patterns("saved", "__pycache__", ".*")
    shutil.copytree(ROOT / "notebooks", shipped, ignore=left)
    return shipped, tmp_path / "tutorials"


def run(path):
    """What running a cell leaves in a notebook."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].execution_count = 99
    nbformat.write(notebook, path)


def earlier(own):
    return [path.relative_to(own / "earlier").parts[1:] for path in own.glob("earlier/*/**/*.*")]


def test_every_page_comes_with_its_pictures_and_what_it_links_to(places):
    shipped, own = places
    assert bring(shipped, own) == []
    names = {p.relative_to(shipped) for p in shipped.rglob("*") if p.suffix != ".py"}
    left = {str(name) for name in names if not (own / name).exists()}
    assert {name for name in left if "__pycache__" not in name} == {"sanitize.cfg"}
    assert (own / FIRST).read_bytes() == (shipped / FIRST).read_bytes()


def test_what_the_reader_did_stays_and_what_is_missing_comes_back(places):
    shipped, own = places
    bring(shipped, own)
    run(own / FIRST)
    mine = (own / FIRST).read_bytes()
    (own / "02_look_around.ipynb").unlink()
    assert bring(shipped, own) == []
    assert (own / FIRST).read_bytes() == mine
    assert (own / "02_look_around.ipynb").exists()


def test_a_new_version_replaces_only_what_the_reader_left_alone(places):
    shipped, own = places
    bring(shipped, own)
    run(own / FIRST)
    for name in (FIRST, "rules.md"):
        (shipped / name).write_text((shipped / name).read_text() + " ")
    told = bring(shipped, own)
    assert (own / "rules.md").read_bytes() == (shipped / "rules.md").read_bytes()
    assert (own / FIRST).read_bytes() != (shipped / FIRST).read_bytes()
    assert [FIRST in line for line in told] == [True, False]
    assert "make fresh" in told[-1]


def test_fresh_ones_replace_all_and_keep_the_readers(places):
    shipped, own = places
    bring(shipped, own)
    (own / ".mixpeek_lab").mkdir()
    run(own / FIRST)
    mine = (own / FIRST).read_bytes()
    [told] = bring(shipped, own, is_fresh=True)
    assert (own / FIRST).read_bytes() == (shipped / FIRST).read_bytes()
    assert earlier(own) == [(FIRST,)]
    assert next(own.glob(f"earlier/*/{FIRST}")).read_bytes() == mine
    assert FIRST in told
    assert (own / ".mixpeek_lab").is_dir()
    assert bring(shipped, own, is_fresh=True) == []


def test_without_its_list_nothing_of_the_readers_is_lost(places):
    shipped, own = places
    bring(shipped, own)
    run(own / FIRST)
    mine = (own / FIRST).read_bytes()
    (own / ".copied.json").write_text("{")
    bring(shipped, own)
    assert (own / FIRST).read_bytes() == mine


def test_make_lab_opens_the_copy_which_git_ignores():
    told = subprocess.run(
        ["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    opened = next(line.split()[-1] for line in told if "jupyter-lab" in line)
    assert opened == f"tutorials/{FIRST}"
    assert any(".ci/tutorials.py" in line for line in told)
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/tutorials/" in ignored
