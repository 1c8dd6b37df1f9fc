"""The tutorials as one story: each says where it stands, leads on, and shows what is there."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mixpeek_lab.cells import split_cell
from mixpeek_lab.corpora import sample_folder, sample_judgements
from mixpeek_lab.examples import FILE_EMBEDDER
from mixpeek_lab.source import read_source

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TUTORIALS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
PICTURE = re.compile(
    r'<span class="mixpeek-light"><img src="images/(?P<name>\w+)-light\.png"'
    r'(?P<words> width="\d+" alt="([^"]+)")></span>\n'
    r'<span class="mixpeek-dark" hidden><img src="images/(?P=name)-dark\.png"(?P=words)></span>'
)
"""Twice: JupyterLab shows the one that fits its theme, other pages the light one."""
READERS = re.compile(
    r"""['"]passages["']|bucket\W+files\b|process\W+files\b|(?:--into|FROM|collection\W+|\[)\W*passages\b|my_search\b"""
)
"""What the first page makes of the reader's folder; commands that would take its names."""
KEEPS = re.compile(
    r"%env|%load_ext|mkdtemp|%bucket|%process|%%retriever|lab\.(load|define)|"
    r"%extractor (commit|tag|checkout)"
)
"""What leaves something in the home, for the next page and the next time."""
WORD = re.compile(r"\w[\w'’-]*")
MOST_WORDS, WORDS_A_MINUTE = 320, 200
"""Before the first result; code counts a third."""
LARGEST, ALL_TOGETHER = 150_000, 1_500_000


def cells(path, kind):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def prose(path):
    return "\n".join(cell.source for cell in cells(path, "markdown"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_it_says_where_it_stands_and_leads_on(path):
    number = int(path.stem[:2])
    first = " ".join(cells(path, "markdown")[0].source.split())
    assert first.startswith(f"# {number}. ")
    assert f"*Tutorial {number} of {len(TUTORIALS)}" in first
    assert "At the end of this page" in first or number == len(TUTORIALS)
    if number < len(TUTORIALS):
        assert TUTORIALS[number].name in cells(path, "markdown")[-1].source


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_links_and_pictures_are_there(path):
    for mark, text, target in LINK.findall(prose(path)):
        if "://" in target:
            continue
        assert (NOTEBOOKS / target.partition("#")[0]).exists(), target
        assert not mark, f"{text}: a picture is an <img> with a width, smaller than a live widget"


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_pictures_say_that_they_are_pictures(path):
    text = prose(path)
    found = list(PICTURE.finditer(text))
    assert 2 * len(found) == text.count("<img")
    for picture in found:
        name = picture["name"]
        for theme in ("light", "dark"):
            assert (NOTEBOOKS / "images" / f"{name}-{theme}.png").exists(), name
        assert len(picture[3]) > 40, f"{name} needs words that stand for it"
        above = text[: picture.start()].strip().splitlines()[-1]
        assert above.startswith("*Picture: "), name


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_result_comes_soon_and_the_time_of_reading_is_told(path):
    words = before = 0.0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            words += len(WORD.findall(re.sub(r"<img[^>]*>", "", cell.source)))
        else:
            words += len(WORD.findall(cell.source)) / 3  # code is looked at
            before = before or (words if any("data" in each for each in cell.outputs) else 0)
    assert 0 < before <= MOST_WORDS
    said = re.search(r"(\w+) minutes(?:\*|, reading| of reading)", prose(path))[1].lower()
    told = ("one", "two", "three", "four", "five", "six").index(said) + 1
    assert abs(words / WORDS_A_MINUTE - told) <= (3 if path == TUTORIALS[0] else 1)


@pytest.mark.parametrize("path", TUTORIALS[1:], ids=lambda path: path.stem)
def test_later_pages_make_nothing_under_the_names_of_the_readers_own(path):
    taken = [READERS.findall(cell.source) for cell in cells(path, "code")]
    assert [names for names in taken if names] == []


def test_pictures_are_small_and_each_is_shown():
    pictures = sorted((NOTEBOOKS / "images").iterdir())
    sizes = {picture.name: picture.stat().st_size for picture in pictures}
    assert max(sizes.values()) <= LARGEST, sizes
    assert sum(sizes.values()) <= ALL_TOGETHER
    shown = "".join(map(prose, TUTORIALS)) + (NOTEBOOKS.parent / "README.md").read_text("utf-8")
    assert [name for name in sizes if name not in shown] == []


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_every_cell_was_run_and_is_compared(path):
    for cell in cells(path, "code"):
        assert cell.execution_count, cell.source
        if "nbval-ignore-output" in cell.metadata.get("tags", ()):
            assert cell.metadata.get("why"), f"say why it is not compared: {cell.source}"


def test_the_quickstarts_cell_is_the_package_that_later_tutorials_load():
    head = "%%extractor file_embedder\n"
    (cell,) = [c.source for c in cells(TUTORIALS[0], "code") if c.source.startswith(head)]
    made = split_cell("file_embedder", cell.removeprefix(head) + "\n")
    assert made.source.files == read_source(FILE_EMBEDDER).files


def test_judgements_name_files_of_the_sample():
    queries, qrels = sample_judgements()
    assert len(queries) == len(qrels) == 48
    assert queries.keys() == qrels.keys()
    for answers in qrels.values():
        assert set(answers.values()) <= {1, 2}
        assert all((sample_folder() / path).is_file() for path in answers)


@pytest.mark.model
@pytest.mark.timeout(400)
def test_pages_run_one_after_another_and_again_on_one_home(tmp_path, monkeypatch):
    """Pages 2 to 4, which need no Ray; of their cells those that keep something."""
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(tmp_path / "home"))
    sources = [cell.source for path in TUTORIALS[1:4] for cell in cells(path, "code")]
    again = [source for source in sources if KEEPS.search(source)] * 2
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, again)])
    NotebookClient(notebook, timeout=200).execute()
    assert all(cell.execution_count for cell in notebook.cells)
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.outputs)
    assert said.count("Committed file_embedder 1.0.1") == 1
