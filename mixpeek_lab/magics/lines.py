"""Taking a magic's line apart where IPython's own splitting would spoil it."""

from __future__ import annotations

import re
from typing import Any

from mixpeek_lab.errors import InvalidInputError

_LIMIT_AT_END = re.compile(r"""(?:^|\s)(--limit(?:=|\s+)[^\s"']+)\s*$""")


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


def named_text(line: str) -> tuple[str, str, str]:
    """`NAME [options] text` as name, options and text.

    Options may stand before the name too, and `--limit N` at the end. What is quoted is text.
    """
    before, rest = leading_options(line)
    name, _, rest = rest.partition(" ")
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
            raise InvalidInputError(f"{text!r} should read KEY=VALUE.")
    return {key: yaml.safe_load(value) for key, _, value in (t.partition("=") for t in texts)}


def unquoted(text: str) -> str:
    """`text` without the pair of quotes around it: IPython keeps them on a magic's words."""
    for quote in "\"'":
        if len(text) > 1 and text[0] == text[-1] == quote and quote not in text[1:-1]:
            return text[1:-1]
    return text
