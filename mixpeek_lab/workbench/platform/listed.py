"""A part of a list, and from where it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class Listed:
    """Some items of a list."""

    items: list[JSON]
    total: int
    """Of the whole list."""
    last: JSON = None
    """The place of the last of these items; None where nothing comes after it."""
