"""What each leg asks for: a text to embed or to look up, a vector, or a stored document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import render
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import MOST_TEXT, shown
from mixpeek_lab.retrievers.legs import as_vector
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import (
    DocumentQuery,
    RetrieverSpec,
    SearchLeg,
    VectorQuery,
)
from mixpeek_lab.uris import FeatureURI

Vector = Any


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """One query to embed. Legs that ask the same of the same feature share one."""

    legs: tuple[str, ...]
    """The legs that search with the vector: the keys in `vectors` for `search`."""
    feature_uri: str
    inputs: Mapping[str, JSON] = field(hash=False)
    """For the inference service: `text`, and the name of the `vector_index`."""

    @property
    def leg_name(self) -> str:
        """The first of the legs. A vector under this name alone serves all of them."""
        return self.legs[0]


def embed_requests(spec: RetrieverSpec, request: SearchRequest) -> tuple[EmbedRequest, ...]:
    """What must be embedded before `search`: each (feature, text) once.

    Raises RetrieverError where a leg has no text, and where a feature has no URI yet.
    """
    legs_of: dict[tuple[str, str], list[str]] = {}
    for leg in request.overrides.applied_to(spec).searches:
        if embeds_text(leg) and (leg.weight or request.candidates):
            legs_of.setdefault((_uri(leg), text_of(leg, request)), []).append(leg.name)
    return tuple(
        EmbedRequest(
            tuple(legs), uri, {"text": text, "vector_index": FeatureURI.parse(uri).feature}
        )
        for (uri, text), legs in legs_of.items()
    )


def spread(
    spec: RetrieverSpec, request: SearchRequest, vectors: Mapping[str, Vector]
) -> Mapping[str, Vector]:
    """`vectors` for every leg, where they were given for the first leg of each request only."""
    needed = [
        leg.name
        for leg in spec.searches
        if embeds_text(leg) and (leg.weight or request.candidates) and leg.name not in vectors
    ]
    if not needed:
        return vectors
    found = dict(vectors)
    for embed in embed_requests(spec, request):
        if embed.leg_name in vectors:
            found.update({name: vectors[embed.leg_name] for name in embed.legs if name in needed})
    return found


def embeds_text(leg: SearchLeg) -> bool:
    """Whether the leg's query is a text that the extractor's service must embed."""
    return not leg.lexical and not isinstance(leg.query, VectorQuery | DocumentQuery)


def text_of(leg: SearchLeg, request: SearchRequest) -> str:
    """The text that `leg` asks for. Raises RetrieverError where there is none."""
    template = None if isinstance(leg.query, VectorQuery | DocumentQuery) else leg.query.template
    if template is None:
        text: JSON = request.text
    else:
        text = render(template, request.inputs, f"leg {leg.name!r}, query")
    if isinstance(text, str) and len(text) > MOST_TEXT:
        raise RetrieverError(
            f"leg {leg.name!r}: the query has {len(text):,} characters; {MOST_TEXT:,} are the most."
        )
    if isinstance(text, str) and text.strip():
        return text
    if template is None and text is None:
        raise RetrieverError(f"leg {leg.name!r}: {request.no_text}")
    raise RetrieverError(
        f"leg {leg.name!r}: the query must be a text that is not empty: {shown(text)}."
    )


def vector_for(
    leg: SearchLeg,
    request: SearchRequest,
    vectors: Mapping[str, Vector],
    vector_of: Callable[[SearchLeg, str], Vector],
) -> Vector:
    """The vector that a dense `leg` searches with."""
    where = f"leg {leg.name!r}, query"
    if isinstance(leg.query, VectorQuery):
        value: JSON = leg.query.value
        if isinstance(value, str):
            value = render(value, request.inputs, where)
        return as_vector(value, where)
    if isinstance(leg.query, DocumentQuery):
        query = filled_in(leg, leg.query, request)
        return vector_of(replace(leg, query=query), query.document_id)
    vector = vectors.get(leg.name)
    if vector is None:
        raise RetrieverError(f"leg {leg.name!r}: its query was not embedded.")
    return vector


def filled_in(leg: SearchLeg, query: DocumentQuery, request: SearchRequest) -> DocumentQuery:
    """Which document a leg asks with: its templates filled in. RetrieverError where it is none."""
    where = f"leg {leg.name!r}, query.document_ref"
    document = render(query.document_id, request.inputs, where)
    collection = render(query.collection_id, request.inputs, where)
    for key, value in (("document_id", document), ("collection_id", collection)):
        if not isinstance(value, str | None) or value == "" or (not value and key[0] == "d"):
            raise RetrieverError(f"{where}.{key}: expected the id of one, got {value!r}.")
    return replace(query, document_id=document, collection_id=collection)


def _uri(leg: SearchLeg) -> str:
    if leg.feature_uri is None:
        raise RetrieverError(
            f"leg {leg.name!r}: the feature {leg.feature!r} has no URI yet; "
            "resolve it with `RetrieverSpec.with_features` first."
        )
    return leg.feature_uri
