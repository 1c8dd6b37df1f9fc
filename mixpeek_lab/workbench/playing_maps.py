"""What the playground's map asks about a retriever: its vectors as maps, its queries' vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.filters import join, parse_filter
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers import RetrieverSpec
from mixpeek_lab.retrievers.queries import vector_for
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.search import Prepared, Searcher, Vectors
from mixpeek_lab.workbench.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mixpeek_lab.workbench.maps import CollectionMap, Maps

QueryVectors = Callable[[str, Mapping[str, JSON]], Mapping[str, list[float]]]
"""(retriever, `{query, filters}`) → leg → the query's vector."""


class PlayingMaps:
    """`lab.playing.maps`: each vector leg of a retriever, over each collection that has it."""

    def __init__(self, searcher: Searcher, maps: Maps, vectors: QueryVectors) -> None:
        """`vectors` embeds a query as whoever answers the retriever's searches does."""
        self._searcher, self._maps, self._vectors = searcher, maps, vectors

    def offers(self, retriever: str) -> list[dict[str, str]]:
        """The maps there can be: `{id, leg, collection, feature}` each, one a vector leg."""
        spec = self._spec(retriever)
        sources = Sources(tuple(map(self._searcher.source, spec.collections)))
        found = []
        for leg in spec.searches:
            if leg.lexical or not leg.feature_uri:
                continue
            uri = FeatureURI.parse(leg.feature_uri)
            for source in sources.holding(uri):
                name = source.collection.name
                key = f"{leg.name}/{source.collection.collection_id}"
                found.append(
                    {"id": key, "leg": leg.name, "collection": name, "feature": uri.feature}
                )
        return found

    def open(self, retriever: str, key: str) -> CollectionMap:
        """One of `offers`, by its id, over the collection as it is now.

        NotFoundError; InvalidInputError where there are no vectors.
        """
        offers = {each["id"]: each for each in self.offers(retriever)}
        if key not in offers:
            raise NotFoundError("map", key, offers)
        return self._maps.open(offers[key]["collection"], offers[key]["feature"])

    def vector(self, retriever: str, leg: str, request: Mapping[str, JSON]) -> NDArray[np.float32]:
        """What `leg` searches with for `{query, filters}`: shape (dim,).

        InvalidInputError for a leg that has none; what a search raises.
        """
        found = self._vectors(retriever, request)
        if leg not in found:
            raise InvalidInputError(f"Leg {leg!r} searches with no vector.")
        return np.asarray(found[leg], np.float32)

    def passing(
        self, retriever: str, shown: CollectionMap, filters: JSON
    ) -> NDArray[np.bool_] | None:
        """For each point of a map, whether the filter and the retriever's own let it through.

        None where all do. FilterError for a filter that is none.
        """
        joined = join(self._spec(retriever).filters, parse_filter(filters, "filters"))
        return shown.passing(joined.render({}) if joined else None)

    def _spec(self, retriever: str) -> RetrieverSpec:
        record = self._searcher.catalog.retriever(retriever)
        return self._searcher.resolve(record.body, record.name)[0]


def leg_vectors(prepared: Prepared, embedded: Vectors) -> dict[str, list[float]]:
    """Leg → the vector that it searches with; `embedded` are those of texts."""
    context, request = prepared.sources.context(), prepared.request
    found: dict[str, list[float]] = {}
    for leg in prepared.spec.searches:
        if not leg.lexical and (leg.weight or request.candidates):
            vector: Any = vector_for(leg, request, embedded, context.vector_of)
            found[leg.name] = [float(value) for value in np.asarray(vector, np.float32)]
    return found
