"""Text that looks like something else than what Python reads."""

from __future__ import annotations

import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator

from mixpeek_lab.findings import Finding
from mixpeek_lab.lint.package import Module, Package

_HIDDEN = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"  # writing direction
    "\u200b-\u200d\u2060\ufeff\u00ad"  # no width
    "\x00-\x08\x0b\x0e-\x1f\x7f\u0085\u2028\u2029]"
    "|(?<=[^\n\r\f])\f|\r(?!\n)"
)
_DIRECTION = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")


def misleading_text(package: Package) -> Iterator[Finding]:
    """SEC011: look-alike identifiers, reversed and hidden characters."""
    for module in package.modules:
        text = module.text.removeprefix("\ufeff")
        if text.isascii() and not _HIDDEN.search(text):
            continue
        yield from _hidden(module, text)
        if not text.isascii():
            yield from _lookalikes(module, text)


def _hidden(module: Module, text: str) -> Iterator[Finding]:
    for found in list(_HIDDEN.finditer(text))[:20]:
        character = found[0]
        name = unicodedata.name(character, f"character {ord(character):#x}").lower()
        effect = (
            "shows the code around it in another order than it runs"
            if character in _DIRECTION
            else "is not shown, and changes what is read"
        )
        yield _finding(
            module, text, found.start(), "error" if character in _DIRECTION else "warning",
            f"There is a {name} here: it {effect}.",
            f"Remove it, or write {character!a} in a string.",
        )  # fmt: skip


def _lookalikes(module: Module, text: str) -> Iterator[Finding]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    seen: set[str] = set()
    for token in tokens:
        name = token.string
        if token.type != tokenize.NAME or name.isascii() or name in seen:
            continue
        seen.add(name)
        plain = unicodedata.normalize("NFKC", name)
        if plain != name and plain.isascii():
            yield _at(
                module,
                token.start,
                f"`{name}` is read as `{plain}` by Python.",
                f"Write `{plain}`.",
            )
        elif re.search("[A-Za-z]", name) and _foreign(name):
            yield _at(
                module, token.start,
                f"`{name}` mixes letters of two scripts that look alike: {_foreign(name)}.",
                "Write names in letters of one script.",
            )  # fmt: skip


def _foreign(name: str) -> str:
    found = [c for c in name if unicodedata.name(c, "").startswith(_SCRIPTS)]
    return ", ".join(unicodedata.name(c).lower() for c in dict.fromkeys(found))


def _finding(module: Module, text: str, at: int, severity: str, message: str, fix: str) -> Finding:
    before = re.split(r"\r\n|\r|\n", text[:at])
    where = (len(before), len(before[-1]) + 1)
    level = "error" if severity == "error" else "warning"
    return Finding("SEC011", level, message, fix, module.path, *where)  # type: ignore[arg-type]


def _at(module: Module, place: tuple[int, int], message: str, fix: str) -> Finding:
    return Finding("SEC011", "error", message, fix, module.path, place[0], place[1] + 1)
