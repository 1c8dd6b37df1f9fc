"""The legs of a retriever: features, names, weights and queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from mixpeek_lab.errors import InvalidInputError, RetrieverError
from mixpeek_lab.filters import has_template, parse_filter
from mixpeek_lab.fusion import check_weight
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import (
    SEARCH_NAMES,
    QueryBody,
    SearchBody,
    check_keys,
    checked,
    mapping,
)
from mixpeek_lab.retrievers.shapes import Parameters
from mixpeek_lab.retrievers.spec import DocumentQuery, SearchLeg, TextQuery, VectorQuery
from mixpeek_lab.uris import FeatureURI

Weights = Sequence[float] | Mapping[str, float]


def parse_legs(
    parameters: Parameters, weights: Weights | None, fusion: str = "fusion"
) -> tuple[SearchLeg, ...]:
    """The searches as legs; `weights` come from the fusion (written at `fusion`), if it has any."""
    legs: list[SearchLeg] = []
    is_weighted = False
    for i, entry in enumerate(parameters.body.searches):
        where = parameters.place(i)
        given = mapping(entry, where, "{feature: my_embedding}")
        search = checked(SearchBody, given, where, SEARCH_NAMES)
        _check_is_one(search, where, parameters.is_short)
        is_weighted = is_weighted or search.weight is not None
        legs.append(_leg(search, where, [leg.name for leg in legs]))
    if weights is None:
        return tuple(legs)
    if is_weighted:
        raise RetrieverError(
            f"{fusion}.weights: the searches have weights already; give them once."
        )
    return reweighted(legs, weights, f"{fusion}.weights")


def reweighted(legs: Sequence[SearchLeg], weights: Weights, where: str) -> tuple[SearchLeg, ...]:
    """The legs with other weights: one for each, in order, or by name."""
    names = [leg.name for leg in legs]
    if isinstance(weights, Mapping):
        unknown = sorted(set(weights) - set(names))
        if unknown:
            raise RetrieverError(
                f"{where}: there is no leg {unknown[0]!r}; the legs are {', '.join(names)}."
            )
        given = [weights.get(leg.name, leg.weight) for leg in legs]
    else:
        given = list(weights)
    if len(given) != len(legs):
        raise RetrieverError(f"{where}: {len(given)} weights for {len(legs)} legs.")
    return tuple(
        replace(leg, weight=check_weight(weight, f"{where}: leg {leg.name!r}"))
        for leg, weight in zip(legs, given, strict=True)
    )


def deepened(legs: Sequence[SearchLeg], top_k: Mapping[str, int]) -> tuple[SearchLeg, ...]:
    """The legs, those that are named with another `top_k`. RetrieverError for an unknown name."""
    names = [leg.name for leg in legs]
    for name in top_k:
        if name not in names:
            raise RetrieverError(
                f"top_k: there is no leg {name!r}; the legs are {', '.join(names)}."
            )
    return tuple(replace(leg, top_k=top_k.get(leg.name, leg.top_k)) for leg in legs)


def _leg(search: SearchBody, where: str, taken: Iterable[str]) -> SearchLeg:
    uri, feature = _feature(search, where)
    weight = 1.0 if search.weight is None else check_weight(search.weight, f"{where}.weight")
    query = parse_query(search.query, f"{where}.query")
    if search.lexical and not isinstance(query, TextQuery):
        raise RetrieverError(f"{where}.query: a lexical search takes a text.")
    return SearchLeg(
        name=_leg_name(search, uri, feature, set(taken), where),
        feature_uri=uri,
        feature=feature,
        lexical=bool(search.lexical),
        query=query,
        top_k=search.top_k,
        min_score=search.min_score,
        weight=weight,
        filters=parse_filter(search.filters, f"{where}.filters"),
    )


def _check_is_one(search: SearchBody, where: str, is_short: bool) -> None:
    """Refuse a leg that is dense and lexical at once.

    In Mixpeek's own shapes every search has a feature_uri, and `lexical` puts BM25 in its place.
    """
    feature = search.feature or (search.feature_uri if is_short else None)
    if search.lexical and feature:
        key = "feature" if search.feature else "feature_uri"
        raise RetrieverError(
            f"{where}: a leg is either dense ({key}) or lexical, not both. A hybrid search has two "
            f"legs: searches: [{{{key}: {feature}}}, {{lexical: true}}]."
        )


def _feature(search: SearchBody, where: str) -> tuple[str | None, str | None]:
    if search.feature and search.feature_uri:
        raise RetrieverError(f"{where}: give feature or feature_uri, not both.")
    given = search.feature_uri or search.feature
    if given is None:
        if search.lexical:
            return None, None
        raise RetrieverError(
            f"{where}: a search needs a feature_uri (or the bare name of a feature as `feature`), "
            "or lexical: true."
        )
    if search.feature and "://" not in given:
        return None, given
    try:
        return str(FeatureURI.parse(given)), None
    except InvalidInputError as error:
        raise RetrieverError(f"{where}.feature_uri: {error}") from error


def _leg_name(
    search: SearchBody, uri: str | None, feature: str | None, taken: set[str], where: str
) -> str:
    if search.name:
        if search.name in taken:
            raise RetrieverError(f"{where}.name: there are two searches called {search.name!r}.")
        return search.name
    plain = "bm25" if search.lexical else FeatureURI.parse(uri).feature if uri else str(feature)
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{plain}_{number}"
    return name


def parse_query(value: JSON, where: str) -> TextQuery | VectorQuery | DocumentQuery:
    """Read a leg's query in its four spellings; None is the request's own text."""
    if value is None or isinstance(value, str):
        return TextQuery(value)
    body = checked(QueryBody, mapping(value, where, "{input_mode: text, value}"), where)
    mode = body.input_mode or ("text" if body.document_ref is None else "document")
    _check_mode(mode, body, where)
    if mode == "document":
        return _document_query(body, where)
    if mode == "vector":
        return VectorQuery(_vector(body.value, f"{where}.value"))
    text = body.text if body.value is None else body.value
    if text is not None and not isinstance(text, str):
        raise RetrieverError(f"{where}.value: expected a text, got {text!r}.")
    return TextQuery(text)


_TAKES = {
    "text": ("value", "text", "embedding_task"),
    "vector": ("value",),
    "document": ("document_ref", "exclude_self"),
}
"""Input mode → the keys that it takes beside `input_mode`."""


def _check_mode(mode: str, body: QueryBody, where: str) -> None:
    if mode not in _TAKES:
        raise RetrieverError(
            f"{where}.input_mode: {mode!r} is not part of this version yet; "
            "available: text, vector, and document_ref."
        )
    known = ("input_mode", *_TAKES[mode])
    wrong = sorted(body.model_fields_set - set(known))
    if wrong:
        raise RetrieverError(
            f"{where}.{wrong[0]}: a query of input_mode {mode!r} takes {', '.join(known[1:])}."
        )


def _document_query(body: QueryBody, where: str) -> DocumentQuery:
    where = f"{where}.document_ref"
    ref = mapping(body.document_ref, where, "{collection_id, document_id}")
    check_keys(ref, ("collection_id", "document_id", "exclude_self"), where)
    document_id, collection_id = ref.get("document_id"), ref.get("collection_id")
    if not isinstance(document_id, str) or not document_id:
        raise RetrieverError(f"{where}.document_id is missing.")
    if not isinstance(collection_id, str | None):
        raise RetrieverError(f"{where}.collection_id: expected a text, got {collection_id!r}.")
    exclude = ref.get("exclude_self", body.exclude_self)
    if not isinstance(exclude, bool):
        raise RetrieverError(f"{where}.exclude_self: expected true or false, got {exclude!r}.")
    return DocumentQuery(document_id, collection_id, exclude)


def _vector(value: JSON, where: str) -> tuple[float, ...] | str:
    if isinstance(value, str) and has_template(value):
        return value
    return as_vector(value, where)


def as_vector(value: JSON, where: str) -> tuple[float, ...]:
    """`value` as floats. Raises RetrieverError where it is no list of finite numbers."""
    entries = value if isinstance(value, list | tuple) else ()
    try:
        numbers = tuple(map(float, entries)) if _are_numbers(entries) else ()
    except OverflowError:  # an integer of hundreds of digits
        numbers = ()
    if not numbers or not all(map(isfinite, numbers)):
        raise RetrieverError(f"{where}: expected a list of finite numbers.")
    return numbers


def _are_numbers(entries: Sequence[JSON]) -> bool:
    if {int, float}.issuperset(map(type, entries)):
        return True
    return all(isinstance(x, int | float) and not isinstance(x, bool) for x in entries)
