"""Lists, page by page: `{"results": […], "pagination": {…}}`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated

from fastapi import Depends, Query

from mixpeek_lab.models import JSON

MOST = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted. Pages count from 1."""

    number: int
    size: int

    def of(self, found: Sequence[JSON]) -> dict[str, JSON]:
        """The page of everything found, and where it stands."""
        pages = ceil(len(found) / self.size)
        begin = (self.number - 1) * self.size
        return {
            "results": list(found[begin : begin + self.size]),
            "pagination": {
                "total": len(found),
                "page": self.number,
                "page_size": self.size,
                "total_pages": pages,
                "next_page": self.number + 1 if self.number < pages else None,
                "previous_page": self.number - 1 if self.number > 1 else None,
                "next_cursor": None,
            },
        }


async def _page(
    page: Annotated[int, Query(ge=1)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Page:
    return Page(page, page_size)


ThePage = Annotated[Page, Depends(_page)]
"""A route's parameter type: the page that the query string asks for, `?page=2&page_size=50`."""
