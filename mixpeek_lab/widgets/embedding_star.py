"""The star of a query: where its vector stands, and how that was found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from mixpeek_lab.errors import LabError
from mixpeek_lab.projections import Projection

Place = Callable[[Any, Projection], tuple[float, float]]
Finely = Callable[[Any, Projection], tuple[float, float] | None]

EXACT = "The star stands exactly where PCA puts the query’s vector."
TRANSFORMED = "The star stands where UMAP’s own transform puts the query’s vector."
AMID = {
    "tsne": "t-SNE cannot place a new vector: the star stands at the weighted middle of the "
    "query’s nearest documents.",
    "umap": "The star stands at the weighted middle of the query’s nearest documents.",
}
SOON = " UMAP works out its own place for it."


class Star:
    """Places a query's vector at once, and once more, in the background, where UMAP can do better.

    `on_better(star)` gets that: it is called in a thread, unless another vector came meanwhile.
    """

    def __init__(
        self, place: Place, finely: Finely | None, on_better: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._place, self._finely, self._on_better = place, finely, on_better
        self._turn = 0

    def stand(self, vector: Any, method: str, projection: Projection) -> dict[str, Any]:
        """`{at: [x, y], how, turn}`: what comes later has the same turn, and counts more.

        VectorError where the vector does not fit the map.
        """
        self._turn = turn = self._turn + 1
        at = list(self._place(vector, projection))
        if projection.axes is not None:
            return {"at": at, "how": EXACT, "turn": turn}
        if self._finely is None or projection.placing is None:
            return {"at": at, "how": AMID.get(method, AMID["umap"]), "turn": turn}
        work = (turn, vector, projection, at)
        threading.Thread(target=self._better, args=work, daemon=True).start()
        return {"at": at, "how": AMID["umap"] + SOON, "turn": turn}

    def leave(self) -> None:
        """Nobody wants to know any more."""
        self._turn += 1

    def _better(self, turn: int, vector: Any, projection: Projection, at: list[float]) -> None:
        how = TRANSFORMED
        try:
            found = self._finely(vector, projection) if self._finely else None
        except LabError as error:  # the first place stands, and the view says why
            found, how = None, f"{AMID['umap']} {error}"
        if turn == self._turn:
            self._on_better({"at": list(found) if found else at, "how": how, "turn": turn})
