"""What browsers get: nothing from another machine, colours by token, motion only where wanted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mixpeek_lab.widgets import EmbeddingMap, Explorer, Playground, RunProgress

ROOT = Path(__file__).parents[1]
WIDGETS = ROOT / "mixpeek_lab" / "widgets"
EXTENSION = ROOT / "labextension"
STYLES = sorted([*WIDGETS.rglob("*.css"), *(EXTENSION / "style").rglob("*.css")])
SCRIPTS = sorted([*WIDGETS.rglob("*.js"), *(EXTENSION / "prebuilt").rglob("*.js")])
PYTHON = sorted([*WIDGETS.rglob("*.py"), ROOT / "mixpeek_lab" / "markup.py"])

ADDRESS = re.compile(r"https?://[^\s\"'`)]+")
NAMESPACES = "http://www.w3.org/"
LOADS = re.compile(
    r"@import|(?<!\w)url\(\s*['\"]?(?!data:)|<link|<script|src=[\"']?http", re.IGNORECASE
)
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|rgba|hsl|hsla|oklch)\(")
TOKEN = re.compile(r"--[\w-]+\s*:[^;]*;|var\(--[\w-]+,[^;]*;")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
MOVES = re.compile(r"\b(?:animation|transition)(?:-[a-z]+)?\s*:")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_files_to_look_at():
    assert len(STYLES) > 10
    assert len(SCRIPTS) > 40


@pytest.mark.parametrize("path", [*STYLES, *SCRIPTS], ids=named)
def test_nothing_is_asked_of_another_machine(path):
    text = path.read_text("utf-8")
    assert [each for each in ADDRESS.findall(text) if not each.startswith(NAMESPACES)] == []
    assert not [word for word in ("unpkg", "jsdelivr", "cdnjs", "googleapis") if word in text]
    if path.suffix == ".css":
        assert LOADS.findall(text) == []


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_html_of_cards_loads_nothing(path):
    assert LOADS.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", STYLES, ids=named)
def test_colours_are_tokens(path):
    """A colour is written out where a token gets its value, or in case a token has none."""
    rest = TOKEN.sub("", COMMENT.sub("", path.read_text("utf-8")))
    assert COLOUR.findall(rest) == [], "give it a name in widgets/theme.css"


@pytest.mark.parametrize("widget", [EmbeddingMap, Explorer, Playground, RunProgress])
def test_a_widget_moves_only_where_motion_is_wanted(widget):
    style = str(widget._css)
    assert "@media (prefers-reduced-motion: reduce)" in style
    assert "var(--vscode-editor-background" in style
    script = str(widget._esm)
    if ".animate(" in script or '"smooth"' in script:
        assert "prefers-reduced-motion" in script


def test_the_sidebar_moves_only_where_motion_is_wanted():
    text = COMMENT.sub("", (EXTENSION / "style" / "index.css").read_text("utf-8"))
    wanted, _, unwanted = text.partition("@media (prefers-reduced-motion: reduce)")
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", wanted)
    moving = [
        each for selector, body in rules if MOVES.search(body) for each in selector.split(",")
    ]
    assert [each for each in moving if re.findall(r"[.]\w[\w-]*", each)[-1] not in unwanted] == []
