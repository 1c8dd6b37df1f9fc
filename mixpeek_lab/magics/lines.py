"""Taking a magic's line apart where IPython's own splitting would spoil it."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Any

from mixpeek_lab.errors import InvalidInputError

_NAME = re.compile(r"""(?:"[^"]*"|'[^']*')(?=\s|$)|\S+""")
"""The first word, or what is in quotes."""
_NAME_AND_OPTIONS = re.compile(r"""([\w-]+|"[^"]*"|'[^']*')\s+(--[a-z].*)""")
_LIMIT_AT_END = re.compile(r"""(?:^|\s)(--limit(?:=|\s+)[^\s"']+)\s*$""")


def read_options(magic: Any, line: str) -> Any:
    """The line's options as the magic declares them, names and values without their quotes.

    IPython keeps quotes on a magic's words: `%bucket "my docs" frame`. A message keeps those
    within it.
    """
    from IPython.core.magic_arguments import parse_argstring

    options = parse_argstring(magic, line)
    for name, value in vars(options).items():
        if isinstance(value, str):
            setattr(options, name, unquoted(value))
        elif isinstance(value, list) and (name != "message" or len(value) == 1):
            setattr(options, name, [unquoted(v) if isinstance(v, str) else v for v in value])
    return options


def leading_options(line: str) -> tuple[str, str]:
    """The options at the start of a line, each with a value, and what follows them, untouched.

    SQL and queries stay as they are typed: quotes, braces, apostrophes.
    """
    taken: list[str] = []
    rest = line.strip()
    while rest.startswith("--") and rest[2:3].isalpha():
        parts = rest.split(None, 2)
        count = 1 if "=" in parts[0] else 2
        taken += parts[:count]
        rest = rest.split(None, count)[count] if len(parts) > count else ""
    return " ".join(taken), rest


def leading_or_last(line: str) -> tuple[str, str]:
    """As `leading_options`; behind a table's name, which is one word, they may stand as well."""
    flags, text = leading_options(line)
    if found := _NAME_AND_OPTIONS.fullmatch(text):
        return f"{flags} {found[2]}".strip(), found[1]
    return flags, text


def named_text(line: str) -> tuple[str, str, str]:
    """`NAME [options] text` as name, options and text.

    Options may stand before the name too, and `--limit N` at the end. What is quoted is text, and
    a name in quotes keeps them.
    """
    before, rest = leading_options(line)
    found = _NAME.match(rest)
    name = found[0] if found else ""
    rest = rest[len(name) :]
    after, text = leading_options(rest)
    last = ""
    if found := _LIMIT_AT_END.search(text):
        text, last = text[: found.start()], found[1]
    return name, " ".join(f"{before} {after} {last}".split()), unquoted(text)


def pairs(texts: list[str]) -> dict[str, Any]:
    """`KEY=VALUE` texts; values are read as YAML: numbers, true, lists."""
    import yaml

    for text in texts:
        if "=" not in text:
            raise InvalidInputError(f"{text!r} should read KEY=VALUE: {text}=…")
    return {key: yaml.safe_load(value) for key, _, value in (t.partition("=") for t in texts)}


def demand_variable(name: str | None, option: str) -> None:
    """InvalidInputError for what cannot be a variable's name. None: it was not given."""
    if name is not None and (not name.isidentifier() or iskeyword(name)):
        raise InvalidInputError(f"{option}: {name!r} cannot be a variable's name.")


def unquoted(text: str) -> str:
    """`text` without the pair of quotes around it: IPython keeps them on a magic's words."""
    for quote in "\"'":
        if len(text) > 1 and text[0] == text[-1] == quote and quote not in text[1:-1]:
            return text[1:-1]
    return text
