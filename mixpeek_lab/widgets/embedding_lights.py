"""What is lit on a map: hits as points, their names, and the star of a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.projections import Projection
from mixpeek_lab.widgets.embedding_hits import Hits, Known, found_ids
from mixpeek_lab.widgets.embedding_star import Finely, Place, Star
from mixpeek_lab.widgets.static import heading_of, snippet_of

Documents = Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]]
"""Document ids → `{fields, lineage}` of those there are."""
Ask = Callable[[str], tuple[Any, Sequence[str]]]
"""A query in words → its vector, and the documents nearest to it, the nearest first."""
MOST_RINGS = 2_000


class Lights:
    """Turns hits into what the view draws. `on_better(star)` is called in a thread."""

    def __init__(
        self,
        known: Known,
        documents: Documents,
        place: Place | None,
        finely: Finely | None,
        ask: Ask | None,
        on_better: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._known, self._documents, self._ask = known, documents, ask
        self._star = Star(place, finely, on_better) if place else None

    def given(self, hits: Any, query_vector: Any) -> Hits:
        """Hits out of whatever holds them. InvalidInputError for what holds none."""
        points, missing = self._known.find(found_ids(hits))
        if query_vector is not None and self._star is None:
            raise InvalidInputError("This map was made without `place`: it cannot show a query.")
        return Hits(points[:MOST_RINGS], len(missing), query_vector)

    def asked(self, query: str) -> Hits:
        """The documents nearest to a query. Raises what goes wrong in embedding it."""
        if self._ask is None:
            raise InvalidInputError("This map was made without `ask`: it cannot embed a query.")
        vector, ids = self._ask(query)
        points, missing = self._known.find(ids)
        return Hits(points, len(missing), vector, is_ranked=True)

    def told(self, hits: Hits, method: str, projection: Projection) -> dict[str, Any]:
        """What the view draws. VectorError where the query's vector does not fit."""
        star: dict[str, Any] = {}
        if self._star is not None:
            self._star.leave()
            if hits.vector is not None:
                star = self._star.stand(hits.vector, method, projection)
        return {
            "points": self._known.drawn(hits.points), "star": star.get("at"),
            "how": star.get("how", ""), "missing": hits.missing, "ranked": hits.is_ranked,
            "names": self._names(hits.points) if hits.is_ranked else [],
        }  # fmt: skip

    def leave(self) -> None:
        """Nobody looks any more."""
        if self._star is not None:
            self._star.leave()

    def _names(self, points: Sequence[int]) -> list[str]:
        keys = [self._known.ids[point] for point in points]
        found = self._documents(keys)
        fields = [found.get(key, {}).get("fields", {}) for key in keys]
        return [
            heading_of(each) or snippet_of(each, length=SNIPPET) or key
            for key, each in zip(keys, fields, strict=True)
        ]


SNIPPET = 60
"""Characters of a text that stands for a name."""
