"""What cannot be the name of an extractor, and a name to use instead."""

from __future__ import annotations

from keyword import iskeyword

from mixpeek_lab.errors import SourceError
from mixpeek_lab.uris import NAME

MAX_LENGTH = 200
"""Characters: folders are named after an extractor and its digest."""


def name_problem(name: str) -> tuple[str, str] | None:
    """Why `name` cannot name an extractor, and the remedy; None where it can."""
    if not NAME.match(name):
        return (
            f"{name!r} cannot name an extractor.",
            "Use letters, digits and underscores, a letter first: my_extractor.",
        )
    return _unimportable(name)


def demand_importable(name: str) -> None:
    """Raise SourceError, with a name to use instead, where no import can say `name`.

    Which characters a name may have is `ExtractorSource`'s to check.
    """
    problem = _unimportable(name)
    if problem is not None:
        raise SourceError(" ".join(problem))


def _unimportable(name: str) -> tuple[str, str] | None:
    if iskeyword(name):
        return (
            f"{name!r} cannot name an extractor: it is a keyword of Python, so "
            f"`from engine.extractors.{name}.pipeline import …` cannot be written.",
            f"Call it {_instead(name)!r}, in its manifest too.",
        )
    if len(name) > MAX_LENGTH:
        return (
            f"{name[:20] + '…'!r} cannot name an extractor: it has {len(name)} characters.",
            f"Use at most {MAX_LENGTH}.",
        )
    return None


def _instead(name: str) -> str:
    return f"{name.lower()}_extractor"
