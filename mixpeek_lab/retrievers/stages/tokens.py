"""How much of a model's context a text takes, without any model's own vocabulary.

An estimate on the large side: every character beyond ASCII, every punctuation mark and every line
break is a token, and so is every begun `LETTERS` letters or digits of a word. For English it is
about a tenth more than what cl100k_base counts. Cutting a text in two never makes it count less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LETTERS = 6
_PIECES = re.compile(r"[A-Za-z0-9_]+|[^A-Za-z0-9_\s]|\n")


def count(text: str) -> int:
    """The tokens of a text."""
    return sum(tokens for _, tokens in _pieces(text))


def cut(text: str, most: int) -> str:
    """The longest beginning of the text that has at most so many tokens, words whole."""
    total = 0
    for start, tokens in _pieces(text):
        total += tokens
        if total > most:
            return text[:start].rstrip()
    return text


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where each piece begins, and its tokens."""
    for piece in _PIECES.finditer(text):
        length = piece.end() - piece.start()
        yield piece.start(), -(-length // LETTERS)
