"""What every kind of database here shares: how it is asked, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mixpeek_lab.errors import EngineError, InvalidInputError
from mixpeek_lab.models import JSON

MOST_ROWS = 1000
"""Rows of one answer."""

Ask = Callable[[Sequence[JSON], float], tuple[list[str], list[tuple[Any, ...]]]]
"""(values, seconds) → column names and at most MOST_ROWS + 1 rows."""


def wrong(connection: str, error: Exception) -> InvalidInputError:
    """The query, or its values, will not do."""
    told = f"{type(error).__name__}: {str(error).strip()}"
    return InvalidInputError(f"SQL connection {connection!r}: {told}")


def late(connection: str, seconds: float) -> EngineError:
    """There was no answer in time."""
    return EngineError(
        f"SQL connection {connection!r}: no answer within {seconds:g} s. "
        "Narrow the query, give its tables an index, or raise the stage's timeout."
    )


def closed(connection: str, error: Exception) -> EngineError:
    """The database does not open, or went away."""
    return EngineError(f"SQL connection {connection!r} does not open: {str(error).strip()}")
