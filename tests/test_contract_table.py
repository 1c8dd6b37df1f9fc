"""notebooks/contract.md has a row for each section and name of the page, with its tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from seed_snippets import lines, section, sections

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "notebooks" / "contract.md"


def rows(heading):
    """The rows of a table: name, what it says, the tests it names."""
    text = DOCUMENT.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in found[2:]]
    return [(name.strip("`"), says, re.findall(r"`([^`]+)`", tests)) for name, says, tests in cells]


ROWS = [*rows("Sections"), *rows("Functions and classes")]


def names():
    return [name for name, *_ in rows("Functions and classes")]


def test_every_section_has_its_row():
    assert [name for name, *_ in rows("Sections")] == sections()


def test_every_function_of_the_reference_has_its_row():
    described = [line for line in section("Extractor SDK Reference") if line][2:]
    assert len(described) == 12
    for line, name in zip(described, names(), strict=False):
        assert re.match(rf"{re.escape(name)}(\(|[A-Z])", line), (line, name)


def test_every_name_that_the_page_imports_has_its_row():
    page = "\n".join(lines())
    imported = re.findall(r"from (?:shared|engine)\S* import (\([^)]*\)|[^\n(]+)", page)
    wanted = {name.strip() for text in imported for name in text.strip("()").split(",")}
    wanted |= set(re.findall(r"container\.\w+", page)) | set(re.findall(r"load_\w+_model", page))
    listed = {name.partition(".")[0] for name in names()} | set(names())
    assert wanted - listed - {""} == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_says_what_is_here_and_names_tests_that_exist(row):
    _, says, tests = row
    assert says
    assert tests
    for name in tests:
        file, _, function = name.partition("::")
        tree = ast.parse((TESTS / file).read_text())
        assert function in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, name
