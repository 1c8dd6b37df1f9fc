"""What `%magic?` and `%magic --help` show, and what a line that does not fit is told."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from IPython.core.magic_arguments import magic_arguments

from mixpeek_lab.errors import InvalidInputError, nearest

F = TypeVar("F", bound=Callable[..., Any])

WIDTH = 88
"""Characters of a line."""
PLACE = "notebooks/how_to/{page}.md"
ASKS = ("--help", "-h")


def explained(page: str = "") -> Callable[[F], F]:
    """`magic_arguments()`, with a help text of ours. `page`: its how-to, if not the magic's name.

    The docstring begins with what the magic is for. A line that starts with `%` is an example, and
    two spaces or more behind it what it does.
    """

    def decorate(function: F) -> F:
        told = inspect.cleandoc(function.__doc__ or "")
        made: Any = magic_arguments()(function)
        made.about = told
        made.__doc__ = help_text(made.parser, told, page or str(made.parser.prog))
        return function

    return decorate


def help_text(parser: argparse.ArgumentParser, told: str, page: str) -> str:
    """The whole help: what for and examples, usage, arguments, options, where there is more."""
    formatter = argparse.RawDescriptionHelpFormatter(f"%{parser.prog}", width=WIDTH)
    formatter.add_text(told)
    formatter.add_usage(None, parser._actions, parser._mutually_exclusive_groups, "Usage: ")
    options = [action for action in parser._actions if action.option_strings]
    formatter.start_section("Arguments")
    formatter.add_arguments(action for action in parser._actions if action not in options)
    formatter.end_section()
    formatter.start_section("Options")
    formatter.add_arguments(options)
    formatter.end_section()
    formatter.add_text(f"More, task by task: {PLACE.format(page=page)} in Mixpeek Lab's sources.")
    return formatter.format_help().rstrip()


def is_asked(line: str, magic: Any) -> bool:
    """Whether a line asks for help: `--help` at its end; of queries and SQL, behind one word."""
    words = line.split()
    is_text = any(action.dest in ("query", "sql") for action in magic.parser._actions)
    return bool(words) and words[-1] in ASKS and (len(words) < 3 or not is_text)


def misuse(magic: Any, error: Exception) -> str:
    """What is wrong with a line that argparse refuses, and how it should read."""
    name, parser, told = f"%{magic.__name__}", magic.parser, str(error)
    said = told
    if told.startswith("the following arguments are required: "):
        said = f"{' and '.join(_needed(told, parser))} missing"
    elif found := re.match(r"unrecognized arguments: (.+)", told):
        said = _unknown(found[1].split(), parser)
    elif found := re.match(r"argument (\S+): invalid (int|float) value: (.+)", told):
        said = f"{found[1]}: {found[3]} is no {'whole ' if found[2] == 'int' else ''}number"
    elif found := re.match(r"argument (\S+): invalid choice: (.+) \(choose from (.+)\)", told):
        said = f"{found[1]}: {found[2]} is none of {found[3]}"
    elif found := re.match(r"argument (\S+): expected", told):
        said = f"{found[1]} needs a value"
    end = "" if said.endswith(("?", ".")) else "."
    return f"{name}: {said}{end} It reads: {short_usage(parser)} (`{name}?` explains it)"


def _needed(told: str, parser: argparse.ArgumentParser) -> list[str]:
    """What is missing: argparse counts what may be left out (`query …`) in."""
    named = {each.metavar or each.dest: each.nargs for each in parser._actions}
    words = told.partition(": ")[2].split(", ")
    return [word for word in words if named.get(word) != "*"]


def _unknown(words: list[str], parser: argparse.ArgumentParser) -> str:
    word = words[0]
    if not word.startswith("-"):
        return f"what is {word!r} for? A name with spaces stands in quotes"
    known = [option for option in parser._option_string_actions if option.startswith("--")]
    close = nearest(word.partition("=")[0], known, 0.7)
    hint = f"did you mean {close}?" if close else f"it has {', '.join(known) or 'none'}."
    return f"there is no option {word}: {hint}"


def short_usage(parser: argparse.ArgumentParser) -> str:
    """`%process SOURCE [SOURCE …] EXTRACTOR [options]`, on one line."""
    formatter = argparse.HelpFormatter(f"%{parser.prog}", width=10_000)
    positional = [action for action in parser._actions if not action.option_strings]
    formatter.add_usage(None, positional, [], "")
    usage = formatter.format_help().strip()
    return f"{usage} [options]" if len(positional) < len(parser._actions) else usage


def demand_action(word: str, actions: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """InvalidInputError where `word` is no action, with the one that was meant."""
    if word in actions:
        return
    close = nearest(word, actions)
    hint = f"Did you mean {close}?" if close else f"There is: {', '.join(actions)}."
    name = parser.prog
    raise InvalidInputError(
        f"%{name} {word}: there is no such action. {hint} `%{name} show {word}` shows one of that "
        f"name, and a %%{name} cell defines one."
    )


def demand_fitting(
    options: argparse.Namespace, takes: Sequence[str], parser: argparse.ArgumentParser
) -> None:
    """InvalidInputError for what is given beside the action's own arguments and options."""
    for each in parser._actions[1:]:
        value = getattr(options, each.dest)
        if value != each.default and each.dest not in takes:
            what = each.option_strings[-1] if each.option_strings else repr(value)
            raise InvalidInputError(
                f"%{parser.prog} {options.action}: what is {what} for? "
                f"`%{parser.prog}?` says what each action takes."
            )
