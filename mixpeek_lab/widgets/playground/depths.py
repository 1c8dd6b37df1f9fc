"""How many candidates each leg keeps: what the retriever says, and what a search is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mixpeek_lab.models import JSON

Depths = Mapping[str, int]
"""Leg name → top_k."""
NO_DEPTHS: Depths = {}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search is asked with beside its query."""

    filters: JSON = None
    top_k: Depths = field(default_factory=dict)
    """Of the legs that keep more than the retriever says."""

    @property
    def request(self) -> dict[str, JSON]:
        """Its part of a request; `top_k` only where a leg is to keep more."""
        return {"filters": self.filters, **({"top_k": dict(self.top_k)} if self.top_k else {})}


class OwnDepths:
    """What the retriever itself says of its legs, as far as it is known."""

    def __init__(self, body: Mapping[str, Any] | None, legs: Sequence[Mapping[str, Any]]) -> None:
        searches = body["stages"][0]["parameters"].get("searches", ()) if body else ()
        self.by_leg: dict[str, int] = {}
        """Leg name → its own top_k."""
        self.learn([*legs, *searches])

    def learn(self, legs: Sequence[Mapping[str, Any]]) -> None:
        """Take it from legs that were asked for no more than their own."""
        for leg in legs:
            if leg.get("name") and leg.get("top_k"):
                self.by_leg.setdefault(leg["name"], leg["top_k"])

    def raised(self, top_k: Depths) -> dict[str, int]:
        """Those of `top_k` that are above the leg's own: a search must be asked for them."""
        return {n: most for n, most in top_k.items() if most > self.by_leg.get(n, most)}


def is_short(payload: Mapping[str, Any] | None, top_k: Depths) -> bool:
    """Whether a leg should keep more than the payload has of it, and may have more."""
    legs = payload.get("legs", ()) if payload else ()
    return any(
        top_k.get(leg["name"], 0) > leg.get("top_k", 0) <= len(leg["document_ids"])
        for leg in legs
        if leg.get("top_k")
    )
