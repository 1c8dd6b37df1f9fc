"""The widgets of the how-to pages: their public names, and the keys that they listen to."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import traitlets

ROOT = Path(__file__).resolve().parents[1]
WIDGETS = {
    "playground": "mixpeek_lab.widgets.playground:Playground",
    "explorer": "mixpeek_lab.widgets.explorer:Explorer",
    "embedding_map": "mixpeek_lab.widgets.embedding_map:EmbeddingMap",
    "run": "mixpeek_lab.widgets.progress:RunProgress",
    "report": "mixpeek_lab.models:RunReport",
    "card": "mixpeek_lab.widgets.cards.sheets:ExtractorSheet",
    "results": "mixpeek_lab.widgets.cards:Results",
    "result": "mixpeek_lab.models:SearchResult",
    "hit": "mixpeek_lab.models:Hit",
    "table": "mixpeek_lab.widgets.cards:TablePage",
}
SCRIPTS = {
    "playground": "mixpeek_lab/widgets/playground/*.js",
    "explore": "mixpeek_lab/widgets/explorer/*.js",
    "embedding_map": "mixpeek_lab/widgets/embedding_map*.js",
    "sidebar": "labextension/src/focus.ts",
}
"""Page → the sources that listen to its widget's keys."""
MACHINERY = ("open", "set_state", "notify_change")
"""What the widget's base calls, and nobody else."""


# ---------------------------------------------------------------- widgets


def widget_class(name: str) -> type:
    """The class of a widget."""
    module, _, called = WIDGETS[name].partition(":")
    return getattr(importlib.import_module(module), called)


class Field:
    """Stands for the value of a dataclass's field."""


def members(owner: type) -> dict[str, tuple[str, str, str]]:
    """Public name → (how it is written, kind, what it is), in the order of the code."""
    found: dict[str, tuple[str, str, str]] = {}
    notes: dict[str, str] = {}
    for each in owner.__mro__:
        if each.__module__.startswith("mixpeek_lab."):
            notes = {**trait_notes(each), **notes}
            fields = {name: Field() for name in inspect.get_annotations(each)}
            for name, value in {**fields, **vars(each), **fields}.items():
                if not name.startswith("_") and name not in (*found, *MACHINERY):
                    entry = _member(name, value, notes)
                    found.update({name: entry} if entry else {})
    return found


def _member(name: str, value: object, notes: dict[str, str]) -> tuple[str, str, str] | None:
    if isinstance(value, traitlets.TraitType):
        return name, "trait", notes.get(name, "")
    if isinstance(value, Field):
        return name, "field", notes.get(name, "")
    if isinstance(value, property):
        kind = "attribute, can be set" if value.fset else "attribute"
        return name, kind, first_paragraph(value.__doc__)
    if inspect.isfunction(value):
        given = list(inspect.signature(value).parameters.values())[1:]
        written = ", ".join(str(each.replace(annotation=each.empty)) for each in given)
        return f"{name}({written})", "method", first_paragraph(value.__doc__)
    return None


def trait_notes(owner: type) -> dict[str, str]:
    """Attribute → the text that follows it, or what the class's docstring says of it."""
    body = ast.parse(inspect.getsource(importlib.import_module(owner.__module__))).body
    told = inspect.cleandoc(owner.__doc__ or "").partition("Attributes:\n")[2]
    found = {
        name: f"{text[:1].upper()}{text[1:]}"
        for name, text in re.findall(r"^ {4}(\w+): ([^\n]+(?:\n {5,}[^\n]+)*)", told, re.MULTILINE)
    }
    for node in (each for each in body if isinstance(each, ast.ClassDef)):
        if node.name == owner.__name__:
            for at, note in zip(node.body, node.body[1:], strict=False):
                is_note = isinstance(note, ast.Expr) and isinstance(note.value, ast.Constant)
                target = (
                    at.targets[0] if isinstance(at, ast.Assign) else getattr(at, "target", None)
                )
                if is_note and isinstance(target, ast.Name):
                    found[target.id] = str(note.value.value)
    return found


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring."""
    return inspect.cleandoc(text or "").partition("\n\n")[0]


# ---------------------------------------------------------------- keys

_NAMED = "Arrow(?:Up|Down|Left|Right)|Enter|Escape|Page(?:Up|Down)|Home|End"
_KEYS = re.compile(
    rf"""["'](?P<quoted>{_NAMED})["']|\b(?P<key>{_NAMED})\s*:"""
    r"""|(?:key(?:\.toLowerCase\(\))?|pressed) === ["'](?P<same>.)["']"""
    r"""|["'](?P<mark>[^\w\s])["']: (?:\(\) =>|1)|\b(?P<letter>[a-z_]): (?:\(\) => results|1 / )"""
    r"""|\^\[(?P<range>\d-\d)\]\$"""
)
_SIGNS = {"↑": "ArrowUp", "↓": "ArrowDown", "←": "ArrowLeft", "→": "ArrowRight", "Esc": "Escape",
          "Space": " "}  # fmt: skip


def keys_in_code(page: str) -> set[str]:
    """The keys that a page's widget listens to."""
    found = set()
    for path in ROOT.glob(SCRIPTS[page]):
        text = re.sub(r"^\s*(?://|\*|/\*).*$", "", path.read_text(), flags=re.MULTILINE)
        for match in () if ".test." in path.name else _KEYS.finditer(text):
            first, _, last = (match["range"] or "").partition("-")
            found |= {str(n) for n in range(int(first or 1), int(last or 0) + 1)}
            named = ("quoted", "key", "same", "mark", "letter")
            found |= {match[each].lower() if len(match[each]) == 1 else match[each]
                      for each in named if match[each]}  # fmt: skip
    return found


def keys_told(text: str) -> set[str]:
    """The keys in a page's table of keys, without Shift and Ctrl."""
    below = text.partition("## Keyboard\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in below.splitlines() if line.startswith("|")][2:]
    written = [each for cell in cells for each in re.findall(r"`([^`]+)`", cell)]
    return {_SIGNS.get(each.rpartition("+")[2] or "+", each.rpartition("+")[2] or "+")
            for each in written}  # fmt: skip
