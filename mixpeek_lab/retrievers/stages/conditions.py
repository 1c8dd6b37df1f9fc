"""`when`: which documents a stage is about, the others pass unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.stages.documents import seen_by_templates
from mixpeek_lab.retrievers.stages.stage import StageContext


def chosen(hits: Sequence[Hit], when: Mapping[str, Any] | None, context: StageContext) -> list[Hit]:
    """The documents that satisfy `when`, a filter; all of them where there is none.

    FilterError for one that is malformed.
    """
    condition = parse_filter(when, f"stage {context.stage!r}, when") if when else None
    if condition is None:
        return list(hits)
    is_chosen = condition.each([seen_by_templates(hit) for hit in hits])
    return [hit for hit, chosen in zip(hits, is_chosen, strict=True) if chosen]


def replaced(hits: Sequence[Hit], changed: Mapping[str, Hit | None]) -> list[Hit]:
    """The hits, those with an entry in its place; None takes them away."""
    found = [changed.get(hit.document_id, hit) for hit in hits]
    return [hit for hit in found if hit is not None]
