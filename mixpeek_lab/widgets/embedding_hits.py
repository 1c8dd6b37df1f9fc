"""Ids out of whatever holds hits, and points as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mixpeek_lab.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


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
