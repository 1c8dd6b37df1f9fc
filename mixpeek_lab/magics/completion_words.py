"""Words of a magic's line while it is typed: names that hold spaces stand in quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"""(?:"[^"]*"|'[^']*')(?=\s|$)|\S+""")
_SPACE = (" ", "\t")


def words_of(rest: str) -> list[str]:
    """The complete words of a line: the one that is being typed is left out."""
    words = _WORD.findall(rest)
    return words if not words or rest.endswith(_SPACE) else words[:-1]


def as_word(name: str) -> str:
    """A name as one word of a line."""
    return f'"{name}"' if " " in name else name


def fitting_names(names: Iterable[str], text_until_cursor: str, token: str) -> list[str]:
    """Those that go on from `token`. A quote that is typed before it is not doubled."""
    before = text_until_cursor[: len(text_until_cursor) - len(token)][-1:]
    found = []
    for name in dict.fromkeys(names):
        is_quoted = name.startswith('"')
        if name.startswith(token) and not (is_quoted and before == '"'):
            found.append(name)
        elif is_quoted and name[1:].startswith(token):
            found.append(name[1:] if before == '"' else name)
    return found
