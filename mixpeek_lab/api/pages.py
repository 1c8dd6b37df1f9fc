"""Lists, page by page: `{"results": […], "pagination": {…}, "total_count": 3}`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated

from fastapi import Depends, Query

from mixpeek_lab.api.backend import OptionalJSONBody
from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import optional

MOST = 1000
FIELDS = ("page", "page_size", "offset", "limit")
"""What says which page, in the query string or in the body of a POST."""


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
                # Mixpeek's client takes these two as texts, and nothing else.
                "next_page": str(self.number + 1) if self.number < pages else None,
                "previous_page": str(self.number - 1) if self.number > 1 else None,
                "next_cursor": None,
            },
            "total_count": total,
        }


async def _page(
    body: OptionalJSONBody,
    page: Annotated[int, Query(ge=1, le=2**31)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int | None, Query(ge=0, le=2**31)] = None,
    limit: Annotated[int | None, Query(ge=1, le=MOST)] = None,
) -> Page:
    said = {name: number for name in FIELDS if (number := _whole(body, name)) is not None}
    size = said.get("limit") or said.get("page_size") or limit or page_size
    start = (said.get("page", page) - 1) * size
    if "page" not in said and offset is not None:
        start = offset
    return Page(said.get("offset", start), size)


def _whole(body: dict[str, JSON], name: str) -> int | None:
    """A number of the body; BodyError where it is none that a list can have."""
    number = optional(body, name, int)
    least, most = int(name != "offset"), 2**31 if name in ("page", "offset") else MOST
    if number is not None and not least <= number <= most:
        raise BodyError.at(name, f"is {number}: it is {least} to {most:,}.")
    return number


ThePage = Annotated[Page, Depends(_page)]
"""A route's parameter type: the page that is asked for.

`?page=2&page_size=50`, or `?offset=50&limit=50`; in the body of a POST the same names, which count
before the query string.
"""
