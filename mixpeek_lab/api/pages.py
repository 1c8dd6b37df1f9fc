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
    """Which part of a list is wanted."""

    offset: int
    size: int

    @property
    def number(self) -> int:
        """Pages count from 1."""
        return self.offset // self.size + 1

    def of(self, found: Sequence[JSON]) -> dict[str, JSON]:
        """The page of everything found, and where it stands."""
        return self.cut(found[self.offset : self.offset + self.size], len(found))

    def cut(self, results: Sequence[JSON], total: int) -> dict[str, JSON]:
        """The page that these results are, of so many in total."""
        pages = ceil(total / self.size)
        return {
            "results": list(results),
            "pagination": {
                "total": total,
                "page": self.number,
                "page_size": self.size,
                "total_pages": pages,
                "next_page": self.number + 1 if self.number < pages else None,
                "previous_page": self.number - 1 if self.number > 1 else None,
                "next_cursor": None,
            },
        }


async def _page(
    page: Annotated[int, Query(ge=1, le=2**31)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int | None, Query(ge=0, le=2**31)] = None,
    limit: Annotated[int | None, Query(ge=1, le=MOST)] = None,
) -> Page:
    size = limit or page_size
    return Page((page - 1) * size if offset is None else offset, size)


ThePage = Annotated[Page, Depends(_page)]
"""A route's parameter type: the page that the query string asks for.

`?page=2&page_size=50`, or `?offset=50&limit=50`.
"""
