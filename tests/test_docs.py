"""What the documents say exists: commands, linked files, and Python that is Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import rules_page
from IPython.core.inputtransformer2 import TransformerManager

import mixpeek_lab

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("notebooks/*.md"), *ROOT.glob("notebooks/how_to/*.md")]
)
FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:^[ $]*|`)make +([a-z]+)", re.MULTILINE)
LINK = re.compile(
    r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)|<(?:img|a)\b[^>]*?(?:src|href|srcset)=\"([^\"]+)\""
)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _name(path):
    return str(path.relative_to(ROOT))


def _without_fences(text):
    return FENCE.sub("", text)


def _headings(text):
    """The anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ +(.+?)\s*$", _without_fences(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


def test_the_documents_are_there():
    assert {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= set(
        map(_name, DOCUMENTS)
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_make_command_is_a_target(path):
    assert set(COMMAND.findall(path.read_text())) <= TARGETS


def test_the_readme_names_the_commands_that_matter():
    assert {"demo", "test", "lab"} <= set(COMMAND.findall((ROOT / "README.md").read_text()))


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_to_files_and_headings_resolve(path):
    text = path.read_text()
    for groups in LINK.findall(_without_fences(text)):
        target, _, anchor = next(filter(None, groups)).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = path.parent / unquote(target) if target else path
        assert file.exists(), f"{_name(path)} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in _headings(file.read_text()), f"{_name(path)} links to #{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_python_in_the_documents_is_python(path):
    for fence in FENCE.finditer(path.read_text()):
        if fence["language"] in ("python", "py"):
            line = path.read_text()[: fence.start()].count("\n") + 1
            _compile(fence["body"], f"{_name(path)}:{line}")


def _compile(cell, where):
    """Compile a cell as IPython would; an `%%extractor` cell's body is Python too."""
    body = cell.lstrip("\n")
    if body.startswith("%%extractor"):
        body = body.partition("\n")[2]
    source = TransformerManager().transform_cell(body)
    compile(source, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_a_broken_cell_would_be_found():
    with pytest.raises(SyntaxError):
        _compile("%%extractor x\ndef oops(:\n", "here")
    _compile("%load_ext mixpeek_lab\nx = await y()\n", "here")


def test_no_document_names_a_place_on_a_machine():
    for path in DOCUMENTS:
        assert not re.search(r"(?<![\w.])/(?:home|root|work|Users|opt)/", path.read_text()), path


def test_the_page_of_rules_is_made_of_the_rules():
    assert rules_page.PATH.read_text() == rules_page.page(), "run: python tests/rules_page.py"
    prefixes = {rule.rstrip("0123456789") for rule in rules_page.ALL}
    assert prefixes == set(rules_page.FAMILIES)


def test_every_finding_in_the_code_has_a_rule_on_the_page():
    found = set()
    for path in Path(mixpeek_lab.__file__).parent.rglob("*.py"):
        found |= set(re.findall(r"""Finding\(\s*"([A-Z]+\d*)",""", path.read_text()))
    assert {"LAB001", "UPLOAD002", "ARCHIVE"} <= found <= set(rules_page.ALL)
