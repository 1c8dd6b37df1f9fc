"""Edits that put a finding right, read from what the finding says: the text at its place anew."""

from __future__ import annotations

import re
from collections.abc import Callable

from mixpeek_lab.findings import Finding

_STRING = r"\"[^\"\n]*\"|'[^'\n]*'"
_TOKEN = re.compile(rf"{_STRING}|[^\W\d][\w.]*(?:\[(?:{_STRING})\])?|\d[\w.]*|\S+")
_COLUMN = re.compile(rf"(\w[\w.]*)\[({_STRING})\]")
_MEANT = re.compile(r"Did you mean [`\"]([\w.-]+)[`\"]\?")
_MISSING = re.compile(r"`(\w+)` is missing in .*; you wrote `")
_NAMES = re.compile(
    r"The manifest (?:is called|says) '[^']*', (?:the package|and this is extractor) '([^']*)'"
)
_QUOTED_NUMBER = re.compile(r"[\"'](\d+)[\"']")

Fix = Callable[[Finding, str], str | None]
"""A finding and the text at its place → what to write instead; None where that is not known."""


def token_at(line: str, column: int) -> str:
    """What a finding at `column` (from 1) of `line` is about: a string, a name, a number."""
    found = _TOKEN.match(line, column - 1)
    return found[0] if found else ""


def fix_of(finding: Finding, token: str) -> str | None:
    """What to write instead of `token`; None where the finding does not tell."""
    found = _FIXES.get(finding.rule, _meant)(finding, token)
    return None if found == token else found


def _meant(finding: Finding, token: str) -> str | None:
    found = _MEANT.match(finding.fix)
    return _like(token, found[1]) if found else None


def _missing_key(finding: Finding, token: str) -> str | None:
    found = _MISSING.match(finding.message)
    return _like(token, found[1]) if found else None


def _number(_: Finding, token: str) -> str | None:
    found = _QUOTED_NUMBER.fullmatch(token)
    return found[1] if found else None


def _embedding(finding: Finding, token: str) -> str | None:
    return _like(token, "embedding") if "feature_type is" in finding.message else None


def _same_name(finding: Finding, token: str) -> str | None:
    found = _NAMES.match(finding.message)
    return _like(token, found[1]) if found and token[:1] in "\"'" else None


def _data(_: Finding, token: str) -> str | None:
    found = _COLUMN.fullmatch(token)
    return f"{found[1]}[{_like(found[2], 'data')}]" if found else None


def _like(token: str, text: str) -> str:
    """`text`, in the quotes of the token where it has them."""
    return f"{token[0]}{text}{token[0]}" if token[:1] in "\"'" else text


_FIXES: dict[str, Fix] = {
    "MAN001": _missing_key,
    "MAN003": _embedding,
    "MAN004": _number,
    "MAN022": _same_name,
    "LAB001": _same_name,
    "COL001": _data,
}
"""Rule → its edit; for every other rule, what it asks whether it was meant."""
