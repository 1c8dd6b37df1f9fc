"""Which names buckets, collections and retrievers may have."""

from __future__ import annotations

import unicodedata

from mixpeek_lab.errors import InvalidInputError

LONGEST_NAME = 100
"""Characters."""

RULE = (
    f"A name has at most {LONGEST_NAME} characters, which are letters of any language, digits, "
    "spaces, `_`, `-` and `.`; it does not begin with `.`, nor begin or end with a space"
)


def new_name(name: str, kind: str, remedy: str = "") -> str:
    """`name`, if a new `kind` (bucket, collection, retriever) may have it.

    InvalidInputError says what is wrong with it, the rule, and `remedy`. Things that exist are
    opened under whatever name they have.
    """
    problem = _problem(name)
    if problem:
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        raise InvalidInputError(
            f"{shown!r} cannot be a {kind}'s name: {problem}. {RULE}.{remedy and ' '}{remedy}"
        )
    return name


def _problem(name: str) -> str:
    """What breaks the rule; empty where nothing does."""
    if not name.strip():
        return "it is empty"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} characters"
    odd = next((letter for letter in name if not _is_allowed(letter)), None)
    if odd is not None:
        return f"it holds {odd!r}"
    if name.startswith("."):
        return "it begins with `.`"
    if name != name.strip():
        return "it begins or ends with a space"
    return ""


def _is_allowed(letter: str) -> bool:
    """Letters with the marks that belong to them, decimal digits, and ` _-.`."""
    return letter in " _-." or unicodedata.category(letter)[0] in "LM" or letter.isdecimal()
