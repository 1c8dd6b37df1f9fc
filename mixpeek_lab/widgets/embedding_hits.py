"""Ids out of whatever holds hits, and points as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.filters.grammar import MOST_VALUES
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Documents that are lit, as points, and the vector of the query that found them."""

    points: Sequence[int]
    missing: int = 0
    """Hits that are not on the map."""
    vector: Any = None
    is_ranked: bool = False
    """Whether their order says which is nearer."""


NO_HITS = Hits(())
MOST_IDS = 50_000
"""Documents that one filter or SQL statement names."""


def few_ids(ids: list[str], what: str) -> list[str]:
    """The ids, where a `what` can name so many; InvalidInputError."""
    if len(ids) > MOST_IDS:
        raise InvalidInputError(
            f"{len(ids):,} documents are selected; a {what} names at most {MOST_IDS:,}. "
            "Select fewer, or take `selected`."
        )
    return ids


def ids_filter(ids: Sequence[str]) -> dict[str, JSON] | None:
    """A metadata filter that admits these documents; None for none. A condition takes so many."""
    parts: list[dict[str, JSON]] = [
        {"field": "document_id", "operator": "in", "value": list(ids[start : start + MOST_VALUES])}
        for start in range(0, len(ids), MOST_VALUES)
    ]
    return {"OR": parts} if len(parts) > 1 else next(iter(parts), None)


class Known:
    """The documents of a map: each is a point, and each point has its place among those drawn.

    Points are drawn in one random order, so that the first of them are a fair sample, and no group
    lies upon another because it was stored later.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self.order: NDArray[np.int64] = np.random.default_rng(0).permutation(len(ids))
        """The point drawn first, second, …"""

    def find(self, ids: Sequence[str]) -> tuple[list[int], list[str]]:
        """The points of those ids that are here, and the other ids."""
        known = self._point_of
        return [known[key] for key in ids if key in known], [k for k in ids if k not in known]

    def names(self, points: NDArray[np.int64]) -> list[str]:
        """The documents of points."""
        return [self.ids[point] for point in points.tolist()]

    def name_of_drawn(self, place: int) -> str:
        """The document that is drawn at that place of the order."""
        return self.ids[int(self.order[place])]

    def drawn(self, points: Sequence[int]) -> list[int]:
        """The places of points in the order of drawing."""
        return [int(self._place_of[point]) for point in points]

    @cached_property
    def _point_of(self) -> dict[str, int]:
        return {key: point for point, key in enumerate(self.ids)}

    @cached_property
    def _place_of(self) -> NDArray[np.int64]:
        return np.argsort(self.order)


def found_ids(hits: Any) -> list[str]:
    """Document ids, each once: of a result, its payload, a DataFrame, a filter, or a list of ids.

    InvalidInputError for anything else.
    """
    if hits is None:
        return []
    if isinstance(hits, str):
        return [hits]
    if hasattr(hits, "columns"):
        if "document_id" not in hits.columns:
            raise InvalidInputError("The DataFrame has no column document_id.")
        return list(dict.fromkeys(map(str, hits["document_id"])))
    named = hits.get("hits") if isinstance(hits, Mapping) else getattr(hits, "hits", hits)
    if not isinstance(named, Iterable):
        raise InvalidInputError(f"A {type(hits).__name__} holds no hits: give ids or a result.")
    return list(dict.fromkeys(map(_id_of, named)))


def _id_of(hit: Any) -> str:
    if isinstance(hit, str):
        return hit
    found = hit.get("document_id") if isinstance(hit, Mapping) else getattr(hit, "document_id", "")
    if not isinstance(found, str) or not found:
        raise InvalidInputError(f"{str(hit)[:60]!r} is neither a document's id nor a hit.")
    return found


def positions_frame(
    ids: Sequence[str],
    positions: NDArray[np.float32],
    documents: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """document_id, x, y, and the documents' fields."""
    import pandas as pd

    frame = pd.DataFrame({"document_id": list(ids), "x": positions[:, 0], "y": positions[:, 1]})
    if not documents:
        return frame
    fields = pd.DataFrame([documents.get(key, {}).get("fields", {}) for key in ids])
    clear = [name for name in fields.columns if name not in frame.columns]
    return pd.concat([frame, fields[clear]], axis=1)
