"""Which items of a list are wanted: `search` in their texts, and `filters` on their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import optional

FIELDS = ("search", "filters", "case_sensitive")

Wanted = Callable[[Mapping[str, JSON]], bool]


def read_narrowing(body: Mapping[str, JSON], search: str | None) -> Wanted | None:
    """Whether an item is wanted; None where all are. BodyError, FilterError.

    `search` is a part of any text at the item's root; a filter is one of the retrievers' grammar.
    """
    text = optional(body, "search", str) or search or ""
    is_exact = bool(optional(body, "case_sensitive", bool))
    given = body.get("filters")
    filters = parse_filter(given) if given else None
    if not text and filters is None:
        return None
    part = text if is_exact else text.casefold()

    def wanted(item: Mapping[str, JSON]) -> bool:
        if filters is not None and not filters.matches(item):
            return False
        texts = (value for value in item.values() if isinstance(value, str))
        return not part or any(part in (t if is_exact else t.casefold()) for t in texts)

    return wanted
