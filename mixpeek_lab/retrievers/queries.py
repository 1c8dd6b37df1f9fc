"""What each leg asks for: a text to embed or to look up, a vector, or a stored document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import render
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.legs import as_vector
from mixpeek_lab.retrievers.request import TEXT_KEYS, SearchRequest
from mixpeek_lab.retrievers.spec import DocumentQuery, RetrieverSpec, SearchLeg, VectorQuery
from mixpeek_lab.uris import FeatureURI

Vector = Any


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """One query to embed. Legs that ask the same of the same feature share one."""

    leg_name: str
    """The first leg that needs the vector: its key in `vectors` for `search`."""
    feature_uri: str
    inputs: Mapping[str, JSON] = field(hash=False)
    """For the inference service: `text`, and the name of the `vector_index`."""


def embed_requests(spec: RetrieverSpec, request: SearchRequest) -> tuple[EmbedRequest, ...]:
    """What must be embedded before `search`: each (feature, text) once.

    Raises RetrieverError where a leg has no text, and where a feature has no URI yet.
    """
    found: dict[tuple[str, str], EmbedRequest] = {}
    for leg, text in _texts(spec, request):
        key = _key(leg, text)
        if key not in found:
            inputs = {"text": text, "vector_index": FeatureURI.parse(key[0]).feature}
            found[key] = EmbedRequest(leg.name, key[0], inputs)
    return tuple(found.values())


def leaders(spec: RetrieverSpec, request: SearchRequest) -> dict[str, str]:
    """Leg name → name of the leg whose vector it uses."""
    first: dict[tuple[str, str], str] = {}
    return {
        leg.name: first.setdefault(_key(leg, text), leg.name) for leg, text in _texts(spec, request)
    }


def text_of(leg: SearchLeg, request: SearchRequest) -> str:
    """The text that `leg` asks for. Raises RetrieverError where there is none."""
    template = None if isinstance(leg.query, VectorQuery | DocumentQuery) else leg.query.template
    if template is None:
        text: JSON = request.text
    else:
        text = render(template, request.inputs, f"leg {leg.name!r}, query")
    if isinstance(text, str) and text.strip():
        return text
    if template is None and text is None:
        given = ", ".join(sorted(request.inputs)) or "none"
        raise RetrieverError(
            f"leg {leg.name!r}: the request has no text. Give one of the inputs "
            f"{', '.join(TEXT_KEYS)}; inputs given: {given}."
        )
    raise RetrieverError(f"leg {leg.name!r}: the query must be a text that is not empty: {text!r}.")


def vector_for(
    leg: SearchLeg,
    request: SearchRequest,
    vectors: Mapping[str, Vector],
    leader_of: Mapping[str, str],
    vector_of: Callable[[SearchLeg, str, str | None], Vector],
) -> Vector:
    """The vector that a dense `leg` searches with."""
    where = f"leg {leg.name!r}, query"
    if isinstance(leg.query, VectorQuery):
        return as_vector(_rendered_vector(leg.query, request, where), where)
    if isinstance(leg.query, DocumentQuery):
        document_id = render(leg.query.document_id, request.inputs, where)
        return vector_of(leg, str(document_id), leg.query.collection_id)
    vector = vectors.get(leg.name)
    if vector is None:
        vector = vectors.get(leader_of.get(leg.name, leg.name))
    if vector is None:
        raise RetrieverError(f"leg {leg.name!r}: its query was not embedded.")
    return vector


def _rendered_vector(query: VectorQuery, request: SearchRequest, where: str) -> JSON:
    if isinstance(query.value, str):
        return render(query.value, request.inputs, where)
    return query.value


def _texts(spec: RetrieverSpec, request: SearchRequest) -> list[tuple[SearchLeg, str]]:
    """The dense legs that embed a text, with it."""
    weights = request.overrides.applied_to(spec).searches
    return [
        (leg, text_of(leg, request))
        for leg in weights
        if not leg.lexical
        and not isinstance(leg.query, VectorQuery | DocumentQuery)
        and (leg.weight or request.candidates)
    ]


def _key(leg: SearchLeg, text: str) -> tuple[str, str]:
    if leg.feature_uri is None:
        raise RetrieverError(
            f"leg {leg.name!r}: the feature {leg.feature!r} has no URI yet; "
            "resolve it with `RetrieverSpec.with_features` first."
        )
    return leg.feature_uri, text
