"""What people did with hits, and what `learned` fusion makes of it.

An interaction credits legs with a hit. In one search a credited hit counts once, by the last thing
that was done with it: for its legs where somebody took it up, against them where it was passed
over, or only shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mixpeek_lab.catalog import Catalog, Interaction
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.fusion import Arms
from mixpeek_lab.models import Hit, SearchResult
from mixpeek_lab.retrievers import SearchLeg

FOR = (
    "click", "dwell", "positive_feedback", "purchase", "add_to_cart", "wishlist", "long_view",
    "share", "bookmark", "play", "download", "save", "add_to_project",
)  # fmt: skip
AGAINST = ("negative_feedback", "skip", "return_to_results")
SHOWN = ("impression",)
"""Against, unless something else was done with the hit in the same search."""
NEUTRAL = ("view", "query_refinement", "zero_results", "filter_toggle", "rating")
MOST_COUNTED = 10_000
"""The newest interactions of a retriever that teach it: older ones are forgotten by and by."""
TYPES = (*FOR, *AGAINST, *SHOWN, *NEUTRAL)
"""All types of interactions, as Mixpeek names them."""


class Interactions:
    """The recorded interactions of one lab."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def record(
        self,
        result: SearchResult,
        hit: Hit | int,
        *types: str,
        user_id: str | None = None,
        session_id: str | None = None,
    ) -> Interaction:
        """Note what was done with a hit (or the hit of that rank): `"click"` unless said.

        Credits the legs that had the hit in the best place. NotFoundError where the retriever is
        not a stored one, InvalidInputError for an unknown type or a hit that is not there.
        """
        found = _hit(result, hit)
        kinds = types or ("click",)
        check_types(kinds, "types")
        each = Interaction(
            document_id=found.document_id,
            types=tuple(kinds),
            position=found.rank - 1,
            retriever_id=self._catalog.retriever(result.retriever).retriever_id,
            execution_id=result.execution_id,
            legs=best_legs(found),
            user_id=user_id,
            session_id=session_id,
            details={"query_snapshot": dict(result.query), "document_score": found.score},
        )
        self._catalog.add_interactions([each])
        return next(
            kept
            for kept in self._catalog.interactions(
                execution_id=each.execution_id, document_id=each.document_id
            )
            if set(kept.types) == set(kinds)
        )

    def list(
        self,
        retriever: str | None = None,
        *,
        kind: str | None = None,
        limit: int = 100,
    ) -> Sequence[Interaction]:
        """The newest `limit`, newest first; of one retriever, of one type."""
        return self._catalog.interactions(kind, limit=limit, retriever_id=self._id(retriever))

    def get(self, interaction_id: str) -> Interaction:
        """One of them. NotFoundError."""
        return self._catalog.interaction(interaction_id)

    def delete(self, interaction_id: str) -> None:
        """Forget one. NotFoundError."""
        self._catalog.interaction(interaction_id)
        self._catalog.delete_interactions(interaction_id=interaction_id)

    def clear(self, retriever: str) -> int:
        """Forget all of a retriever's, so that it begins to learn anew; how many there were."""
        return self._catalog.delete_interactions(retriever_id=self._id(retriever))

    def arms(self, retriever: str) -> dict[str, tuple[int, int]]:
        """Leg name → (for, against), as `learned` fusion draws from it. NotFoundError."""
        from mixpeek_lab.retrievers import parse_retriever

        record = self._catalog.retriever(retriever)
        legs = parse_retriever(record.body).searches
        newest = self._catalog.interactions(limit=MOST_COUNTED, retriever_id=record.retriever_id)
        return count_arms(newest, legs)

    def _id(self, retriever: str | None) -> str | None:
        return None if retriever is None else self._catalog.retriever(retriever).retriever_id


class Teacher:
    """Gives searches the arms of their retriever; counts anew when there are other clicks."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._counted: dict[str, tuple[object, Arms]] = {}

    def arms(self, retriever_id: str, legs: Sequence[SearchLeg]) -> Arms:
        """Leg name → (for, against). Nothing for a retriever that is not stored."""
        if not retriever_id:
            return {}
        version = (
            self._catalog.newest_interaction(retriever_id),
            [(leg.name, leg.feature_uri) for leg in legs],
        )
        known = self._counted.get(retriever_id)
        if known is None or known[0] != version:
            newest = self._catalog.interactions(limit=MOST_COUNTED, retriever_id=retriever_id)
            known = self._counted[retriever_id] = (version, count_arms(newest, legs))
        return known[1]


def count_arms(
    newest_first: Sequence[Interaction], legs: Iterable[SearchLeg]
) -> dict[str, tuple[int, int]]:
    """Leg name → (for, against) among the hits that the leg is credited with."""
    verdicts: dict[tuple[str, str, str], bool | None] = {}
    names = [(leg.name, {leg.name, leg.feature_uri}) for leg in legs]
    for each in reversed(newest_first):
        credited = [name for name, own in names if own & set(each.legs)]
        for name in credited:
            key = (name, each.execution_id or each.interaction_id, each.document_id)
            verdicts[key] = _verdict(each.types, verdicts.get(key))
    outcomes = [(name, verdict) for (name, _, _), verdict in verdicts.items()]
    return {
        name: (outcomes.count((name, True)), outcomes.count((name, False))) for name, _ in names
    }


def _verdict(types: Sequence[str], before: bool | None) -> bool | None:
    """True is for the leg. Of one record, what speaks against it outweighs the rest."""
    if any(kind in AGAINST for kind in types):
        return False
    if any(kind in FOR for kind in types):
        return True
    if before is None and any(kind in SHOWN for kind in types):
        return False
    return before


def best_legs(hit: Hit) -> tuple[str, ...]:
    """The legs that had the hit in the best place: more than one where they tie."""
    ranks = {part.leg: part.rank for part in hit.contributions if part.rank is not None}
    best = min(ranks.values(), default=None)
    return tuple(leg for leg, rank in ranks.items() if rank == best)


def check_types(types: Iterable[str], where: str) -> None:
    """InvalidInputError for a type that there is not."""
    for kind in types:
        if kind not in TYPES:
            raise InvalidInputError(f"{where}: {kind!r} is not one of {', '.join(TYPES)}.")


def _hit(result: SearchResult, hit: Hit | int) -> Hit:
    if isinstance(hit, Hit):
        if hit.document_id not in {each.document_id for each in result.hits}:
            raise InvalidInputError(
                f"Document {hit.document_id!r} is no hit of this result: record it with the "
                "result that showed it."
            )
        return hit
    by_rank: Mapping[int, Hit] = {each.rank: each for each in result.hits}
    if hit not in by_rank:
        raise InvalidInputError(f"The result has no hit of rank {hit}: it has {len(by_rank)} hits.")
    return by_rank[hit]
