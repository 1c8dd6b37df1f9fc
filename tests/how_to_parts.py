"""The generated parts of notebooks/how_to: each a function that gives Markdown, from the code."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterable

from how_to_widgets import ROOT, first_paragraph, members, widget_class

from mixpeek_lab import errors
from mixpeek_lab.cli import COMMANDS, _parser
from mixpeek_lab.fusion import DIALECTS, STRATEGIES
from mixpeek_lab.inspection import TABLES
from mixpeek_lab.retrievers import stage_definitions
from mixpeek_lab.settings import SETTINGS
from mixpeek_lab.sidebar.actions import ACTIONS
from mixpeek_lab.sidebar.requests import SECTIONS
from mixpeek_lab.workbench import Lab

ALIASES = re.compile(r"/plugins|^/v1/namespaces/\{namespace\}/(?!extractors)")
"""Paths that lead to the same functions as others."""
_EXAMPLE = re.compile(r"(?P<line>(?:\w+ = )?%%?\w+(?: \S+)*)(?: {2,}(?P<told>.*))?$")
_DEFAULT = re.compile(r"(?P<told>.*?)\s*\(default: (?P<default>.*?)\)(?P<more>.*)$", re.DOTALL)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


# ---------------------------------------------------------------- magics


def magics() -> dict[str, Callable]:
    """Each magic of ours by name, as IPython calls it."""
    found = {}
    for path in (ROOT / "mixpeek_lab" / "magics").glob("*.py"):
        module = importlib.import_module(f"mixpeek_lab.magics.{path.stem}")
        for _, owner in inspect.getmembers(module, inspect.isclass):
            if owner.__module__ == module.__name__ and getattr(owner, "registered", False):
                names = {name for kind in owner.magics.values() for name in kind}
                found.update({name: getattr(owner, owner_of(owner, name)) for name in names})
    return found


def owner_of(owner: type, magic: str) -> str:
    """The method's name."""
    return next(kind[magic] for kind in owner.magics.values() if magic in kind)


def examples(about: str) -> list[tuple[str, str]]:
    """The lines of a magic's docstring that begin with `%`, and what each does."""
    found: list[list[str]] = []
    is_open = False
    for line in about.splitlines():
        if match := _EXAMPLE.match(line):
            found.append([match["line"], match["told"] or ""])
        elif is_open and line.startswith(" " * 20):
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        is_open = bool(match) or (is_open and line.startswith(" " * 20))
    return [(line, told.rstrip(":")) for line, told in found]


def magic(name: str) -> str:
    """Lines, arguments and options of a magic."""
    function = magics()[name]
    rows = [[f"`{line}`", told] for line, told in examples(function.about)]
    parts = [f"### Lines of `%{name}`\n", table(["line", "what it does"], rows)]
    return "\n".join([*parts, *arguments(function.parser, "###")])


def arguments(parser: argparse.ArgumentParser, level: str) -> list[str]:
    """Tables of a parser's arguments and options, each below a heading."""
    actions = [each for each in parser._actions if each.dest != "help"]
    given = [each for each in actions if not each.option_strings]
    options = [each for each in actions if each.option_strings]
    parts = []
    if given:
        rows = [[f"`{_called(each)}`", *told_of(each)] for each in given]
        parts += [f"{level} Arguments\n", table(["argument", "what it is", "default"], rows)]
    if options:
        rows = [[_written(each), *told_of(each)] for each in options]
        parts += [f"{level} Options\n", table(["option", "what it does", "default"], rows)]
    return parts


def told_of(action: argparse.Action) -> tuple[str, str]:
    """An action's help without its default, and the default."""
    told = (action.help or "").replace("%%", "%")
    found = _DEFAULT.match(told)
    return (found["told"] + found["more"], found["default"]) if found else (told, "")


def _called(action: argparse.Action) -> str:
    return str(action.metavar or action.dest)


def _written(action: argparse.Action) -> str:
    names = "`, `".join(action.option_strings)
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    if action.choices and not action.metavar:
        value = f" {{{','.join(map(str, action.choices))}}}"
    return f"`{names}{value}`"


# ---------------------------------------------------------------- the others


def widget(name: str) -> str:
    """Attributes, traits and methods."""
    rows = [[f"`{w}`", kind, told] for w, kind, told in members(widget_class(name)).values()]
    title = f"### Names of a `{widget_class(name).__name__}`\n"
    return f"{title}\n{table(['name', 'kind', 'what it is'], rows)}"


def settings(_: str) -> str:
    """The environment variables."""
    rows = [[f"`{each.name}`", each.about, each.default] for each in SETTINGS]
    return table(["setting", "what it does", "default"], rows)


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """Each command, and each action of a command that has parsers of its own."""

    def below(parser: argparse.ArgumentParser, name: str) -> Iterable[tuple[str, Callable]]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, inner in action.choices.items():
                    yield f"{name} {word}", inner
                    yield from below(inner, f"{name} {word}")

    return dict(below(_parser(), "mixpeek-lab"))


def commands(_: str) -> str:
    """Each command with its arguments and options."""
    parts = []
    for name, parser in command_parsers().items():
        about = inspect.cleandoc(parser.description or "").partition("\n\n")[0]
        parts.append(f"### {name}\n\n{about}\n")
        if not any(isinstance(each, argparse._SubParsersAction) for each in parser._actions):
            parts += arguments(parser, "####")
    assert {name.split()[1] for name in command_parsers()} == set(COMMANDS)
    return "\n".join(parts)


def operations() -> dict[str, list[tuple[str, str, str]]]:
    """Resource → (method and path, what it does, who may) of each route of /openapi.json."""
    from mixpeek_lab.api import create_app

    found: dict[str, list[tuple[str, str, str]]] = {}
    for path, methods in create_app(None, "a token of 16 letters").openapi()["paths"].items():
        if not ALIASES.search(path):
            for method, told in methods.items():
                open_to = "anybody" if told.get("security") == [] else "token"
                line = (f"{method.upper()} {path}", told["description"], open_to)
                found.setdefault(told["tags"][0], []).append(line)
    return dict(sorted(found.items()))


def routes(_: str) -> str:
    """The routes by resource."""
    heads = ["route", "what it does", "asks for"]
    parts = [f"### {tag}\n\n{table(heads, [[f'`{r}`', *more] for r, *more in rows])}"
             for tag, rows in operations().items()]  # fmt: skip
    return "\n".join(parts)


def error_classes() -> list[type]:
    """The tree of errors, each class below what it is one of."""

    def below(owner: type) -> Iterable[type]:
        yield owner
        for each in owner.__subclasses__():
            if each.__module__ == errors.__name__:
                yield from below(each)

    return list(below(errors.LabError))


def error_tree(_: str) -> str:
    """The classes, what they are, and what HTTP answers."""
    rows = [[f"`{each.__name__}`", f"`{each.__base__.__name__}`", str(each.status),
             first_paragraph(each.__doc__)] for each in error_classes()]  # fmt: skip
    return table(["error", "is a", "HTTP", "what it means"], rows)


def stages(_: str) -> str:
    """The stages of retrievers, and the fusions."""
    rows = [[f"`{s['stage_id']}`", s["category"], s["description"]] for s in stage_definitions()]
    names = ", ".join(f"`{name}`" for name in (*STRATEGIES, *DIALECTS))
    fusions = f"### Fusions\n\n{names}\n"
    return f"### Stages\n\n{table(['stage', 'kind', 'what it does'], rows)}\n{fusions}"


def sql_tables(_: str) -> str:
    """The tables that are not collections, with their columns in a lab that is empty."""
    with tempfile.TemporaryDirectory() as home:
        lab = Lab(home, engine="kernel")
        named = {name: lab.sql(f"FROM {name}").table.column_names for name in TABLES}
    rows = [[f"`{name}`", ", ".join(f"`{each}`" for each in named[name])] for name in TABLES]
    return table(["table", "columns"], rows)


def sidebar(_: str) -> str:
    """The sections with their actions, and JupyterLab's settings."""
    titles = {name: section.title for name, section in SECTIONS.items()}
    rows = [[titles.get(section, section.title()), action.label, _first_line(action.code)]
            for section, actions in ACTIONS.items() for action in actions]  # fmt: skip
    schema = json.loads((ROOT / "labextension" / "schema" / "lab.json").read_text())
    told = [
        [
            f"`{name}`",
            each["title"],
            each.get("description", ""),
            f"`{json.dumps(each['default'])}`",
        ]
        for name, each in schema["properties"].items()
    ]
    return (
        f"### Actions\n\n{table(['section', 'action', 'its cell'], rows)}\n"
        f"### Settings of the extension\n\n"
        f"{table(['setting', 'title', 'what it does', 'default'], told)}"
    )


def _first_line(code: str) -> str:
    first, _, more = code.partition("\n")
    return f"`{first}`{' …' if more else ''}" if code else ""


PARTS: dict[str, Callable[[str], str]] = {
    "magic": magic, "widget": widget, "settings": settings, "commands": commands,
    "routes": routes, "errors": error_tree, "stages": stages, "tables": sql_tables,
    "sidebar": sidebar,
}  # fmt: skip
"""What a marker may ask for → the part. A word more is its argument: `magic bucket`."""
