"""Lists, page by page: `{"results": […], "pagination": {…}, "total_count": 3}`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from mixpeek_lab.api import narrowing
from mixpeek_lab.api.backend import Backend, OptionalJSONBody, TheBackend
from mixpeek_lab.api.cursors import read_cursor, write_cursor
from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import optional
from mixpeek_lab.workbench.platform.listed import Listed

MOST = 1000
FARTHEST = 2**31
PLACES = ("page", "page_size", "offset", "limit", "cursor")
"""What says which page, in the query string or in the body of a POST."""
FIELDS = (*PLACES, *narrowing.FIELDS)
"""What every list understands."""

Place = Callable[[Mapping[str, JSON]], list[Any]]
"""An item's place in its list: lists of texts and numbers, in order, one of its own for each."""


def by(*names: str) -> Place:
    """The place by some of the item's fields."""
    return lambda item: [item[name] for name in names]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted."""

    offset: int
    size: int
    after: JSON = None
    """The place of the item before, where there is a cursor. `offset` is for people then."""
    wanted: narrowing.Wanted | None = None
    scope: str = ""
    key: bytes = b""

    @property
    def number(self) -> int:
        """Pages count from 1."""
        return self.offset // self.size + 1

    def of(
        self, found: Sequence[JSON], place: Place | None = None, *, is_falling: bool = False
    ) -> dict[str, JSON]:
        """The page of everything found, in the order of its places, or falling.

        Without `place` the items have none but their number: for lists that only grow.
        """
        items = [item for item in found if self.wanted is None or self.wanted(item)]
        start = self.offset
        if self.after is not None and place is not None:
            start = _start(list(map(place, items)), self.after, is_falling=is_falling)
        shown = items[start : start + self.size]
        last = None
        if shown and start + len(shown) < len(items):
            last = place(shown[-1]) if place else [start + len(shown)]
        return self.show(Listed(shown, len(items), last))

    def show(self, part: Listed) -> dict[str, JSON]:
        """The page that these items are."""
        pages = ceil(part.total / self.size)
        cursor = None
        if part.last is not None:
            here = [self.offset + len(part.items), part.last]
            cursor = write_cursor(self.key, self.scope, here)
        return {
            "results": part.items,
            "pagination": {
                "total": part.total,
                "page": self.number,
                "page_size": self.size,
                "total_pages": pages,
                # Mixpeek's client takes these two as texts, and nothing else.
                "next_page": str(self.number + 1) if self.number < pages else None,
                "previous_page": str(before) if (before := min(self.number - 1, pages)) else None,
                "next_cursor": cursor,
            },
            "total_count": part.total,
        }


def _start(places: list[list[Any]], after: JSON, *, is_falling: bool) -> int:
    """Where the list goes on: behind the item at `after`, or where it would be, were it there."""
    if after in places:
        return places.index(after) + 1
    beyond = [
        n for n, place in enumerate(places) if (place < after if is_falling else place > after)
    ]
    return beyond[0] if beyond else len(places)


async def _page(
    request: Request,
    body: OptionalJSONBody,
    backend: TheBackend,
    page: Annotated[int, Query(ge=1, le=FARTHEST)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int | None, Query(ge=0, le=FARTHEST)] = None,
    limit: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    cursor: str | None = None,
    search: str | None = None,
) -> Page:
    said = {name: number for name in PLACES[:4] if (number := _whole(body, name)) is not None}
    size = said.get("limit") or said.get("page_size") or limit or page_size
    start = (said.get("page", page) - 1) * size
    if "page" not in said and offset is not None:
        start = offset
    start = said.get("offset", start)
    key, scope = request.app.state.cursor_key, _scope(request.url.path, body, search, backend)
    wanted, after = narrowing.read_narrowing(body, search), None
    if given := optional(body, "cursor", str) or cursor:
        start, after = read_cursor(key, scope, given)
    return Page(start, size, after, wanted, scope, key)


def _scope(path: str, body: Mapping[str, JSON], search: str | None, backend: Backend) -> str:
    """Names a list of one namespace, and what narrows it."""
    about = {name: value for name, value in body.items() if name not in PLACES and value}
    whose = backend.platform.namespace_id
    text = json.dumps([whose, path.removesuffix("/list"), about, search or None], sort_keys=True)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _whole(body: dict[str, JSON], name: str) -> int | None:
    """A number of the body; BodyError where it is none that a list can have."""
    number = optional(body, name, int)
    least, most = int(name != "offset"), FARTHEST if name in ("page", "offset") else MOST
    if number is not None and not least <= number <= most:
        raise BodyError.at(name, f"is {number}: it is {least} to {most:,}.")
    return number


ThePage = Annotated[Page, Depends(_page)]
"""A route's parameter type: the page that is asked for.

`?page=2&page_size=50`, `?offset=50&limit=50` or `?cursor=…`; in the body of a POST the same names,
which count before the query string.
"""
