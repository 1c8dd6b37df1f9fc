"""From text to the terms of a lexical index.

An analyzer lower-cases, takes the words of two characters and more, drops stop words, and stems
what is left. `english` and `plain` give the terms that `bm25s.tokenize(stopwords="en")` gives with
and without `Stemmer("english")`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache
from threading import Lock
from typing import Any

from mixpeek_lab.errors import InvalidInputError

_WORD = re.compile(r"(?u)\b\w\w+\b")
_NOT_LANGUAGES = {"porter", "dutch_porter", "lovins"}
_STOPWORD_LISTS = (
    "danish", "dutch", "english", "french", "german", "italian", "norwegian", "portuguese",
    "russian", "spanish", "swedish", "turkish",
)  # fmt: skip
"""Languages for which bm25s has both a list of stop words and Snowball a stemmer."""


class Analyzer:
    """Turns text into terms, the same way for documents and queries. Safe between threads."""

    def __init__(self, name: str, language: str | None, stop_words: Iterable[str]) -> None:
        """`language` is a Snowball stemmer's name; None leaves the words as they are."""
        self.name = name
        self.language = language
        self.stop_words = frozenset(stop_words)
        self._stemmer = None if language is None else _stemmer(language)
        self._lock = Lock()  # a Snowball stemmer keeps state between words

    def terms(self, text: str) -> list[str]:
        """The terms of `text`, in order, repeated as they are repeated."""
        return self.stems([w for w in _WORD.findall(text.lower()) if w not in self.stop_words])

    def stems(self, words: list[str]) -> list[str]:
        """The term of each word."""
        if self._stemmer is None:
            return words
        with self._lock:
            stems: list[str] = self._stemmer.stemWords(words)
        return stems

    def numbered_terms(self, texts: Iterable[str]) -> tuple[list[list[int]], dict[str, int]]:
        """The terms of many texts as numbers, and the number of each term.

        Numbers follow first occurrence, so the same texts always give the same numbers.
        """
        numbers: dict[str, int] = {}
        of_word: dict[str, int] = {}
        documents = []
        for text in texts:
            words = [w for w in _WORD.findall(text.lower()) if w not in self.stop_words]
            new = [word for word in dict.fromkeys(words) if word not in of_word]
            for word, stem in zip(new, self.stems(new), strict=True):
                of_word[word] = numbers.setdefault(stem, len(numbers))
            documents.append([of_word[word] for word in words])
        return documents, numbers

    def spans(self, text: str, terms: Collection[str]) -> list[tuple[int, int]]:
        """Where words of `text` whose term is one of `terms` start and end, in characters."""
        found = list(_WORD.finditer(text))
        stems = self.stems([match.group().lower() for match in found])
        wanted = frozenset(terms)
        return [m.span() for m, stem in zip(found, stems, strict=True) if stem in wanted]


@cache
def analyzer_names() -> tuple[str, ...]:
    """The names that `get_analyzer` knows: `english`, `plain`, then the other languages."""
    import Stemmer

    languages = set(Stemmer.algorithms()) - _NOT_LANGUAGES - {"english"}
    return ("english", "plain", *sorted(languages))


def check_analyzer(name: str) -> None:
    """Raise InvalidInputError, which lists the names, where no analyzer is called `name`."""
    if name not in analyzer_names():
        raise InvalidInputError(
            f"No analyzer called {name!r}. There is: {', '.join(analyzer_names())}."
        )


@cache
def get_analyzer(name: str) -> Analyzer:
    """The analyzer called `name`: `english`, `plain` (English stop words, no stemming), or another
    Snowball language, with its stop words where bm25s has a list of them.

    Raises InvalidInputError, which lists the names.
    """
    check_analyzer(name)
    if name == "plain":
        return Analyzer(name, None, _stop_words("english"))
    return Analyzer(name, name, _stop_words(name) if name in _STOPWORD_LISTS else ())


def _stop_words(language: str) -> Iterable[str]:
    from bm25s import stopwords

    words: Iterable[str] = getattr(
        stopwords, "STOPWORDS_EN" if language == "english" else f"STOPWORDS_{language.upper()}"
    )
    return words


def _stemmer(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer(language)
