"""What settings are worth while a slider moves: means over the judged queries, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from mixpeek_lab.widgets.playground.measuring import Kept
from mixpeek_lab.widgets.playground.sweeping import SWEPT, Query
from mixpeek_lab.widgets.ranking import FusionChoice, is_delivered


@dataclass
class Glancing:
    """Keeps the judged queries ready to be fused."""

    _ready: dict[str, tuple[Kept, Any, Query]] = field(default_factory=dict)
    """Query id → what it was made of, and the query."""

    def means(
        self,
        choice: FusionChoice,
        kept: Mapping[str, Kept],
        qrels: Mapping[str, Mapping[str, int]],
        count: int,
    ) -> dict[str, float] | None:
        """Measure → mean over `count` queries, as `Measuring.values` has it: those that are not
        kept, since their search failed, count 0.

        None where that takes more: nothing is judged, or stages made the retriever's own order.
        """
        own = [k for k in kept.values() if k.payload.get("stages")]
        if not kept or any(is_delivered(each.payload, choice) for each in own):
            return None
        queries = [self._query(q, each, qrels[q], choice) for q, each in kept.items()]
        return {
            name: fsum(query.value(choice, name) for query in queries) / count for name in SWEPT
        }

    def _query(
        self, query_id: str, kept: Kept, judged: Mapping[str, int], choice: FusionChoice
    ) -> Query:
        settings = (dict(judged), dict(choice.top_k))
        ready = self._ready.get(query_id)
        if ready is None or ready[0] is not kept or ready[1] != settings:
            ready = (kept, settings, Query(kept, judged, choice.top_k))
            self._ready[query_id] = ready
        return ready[2]
