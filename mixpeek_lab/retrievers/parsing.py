"""Reads a retriever in any of the shapes that Mixpeek's material uses, and a short one.

short    {collection, searches: [{feature | feature_uri | lexical: true, …}], fusion, limit,
          stages: [{rerank: {…}}]}
seed     {collection_ids, stages: [{stage_type: search, feature_search: {…}}], fusion_strategy}
public   {collection_identifiers, stages: [{stage_name, config: {stage_id, parameters}}]}
flat     the same with `stage_id` and `parameters` in the stage itself
"""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import join, parse_filter
from mixpeek_lab.fusion import check_strategy, default_k
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import (
    MOST_COLLECTIONS,
    MOST_NAMED,
    FacetBody,
    FusionBody,
    GroupByBody,
    RetrieverBody,
    checked,
    joined,
    mapping,
    renamed,
)
from mixpeek_lab.retrievers.legs import parse_legs
from mixpeek_lab.retrievers.shapes import (
    SHORT_KEYS,
    Parameters,
    read_stages,
)
from mixpeek_lab.retrievers.spec import Facet, FusionSpec, GroupBy, RetrieverSpec

_NAMES = {
    "retriever_name": "name",
    "collection": "collections",
    "collection_id": "collections",
    "collection_ids": "collections",
    "collection_identifiers": "collections",
    "fusion_strategy": "fusion",
}


def parse_retriever(body: JSON, name: str | None = None) -> RetrieverSpec:
    """Read a retriever. `name` is used where the body has none.

    Raises RetrieverError (or FilterError for a filter) with the path of what is wrong.
    """
    top = renamed(mapping(body, "retriever", "{collection, searches}"), _NAMES, "")
    parameters, stages = read_stages(top)
    retriever = checked(
        RetrieverBody, top, "", beside=SHORT_KEYS if parameters.is_short else ("stages",)
    )
    found_name = retriever.name or name
    if not found_name:
        raise RetrieverError("retriever_name is missing: give the retriever a name.")
    written = "fusion" if "fusion" in body else "fusion_strategy"
    fusion, fusion_place = _fusion(retriever.fusion, written, parameters)
    return RetrieverSpec(
        name=found_name,
        collections=_collections(retriever.collections),
        searches=parse_legs(parameters, fusion.weights, fusion_place),
        fusion=FusionSpec(
            fusion.strategy, default_k(fusion.strategy) if fusion.k is None else fusion.k
        ),
        final_top_k=parameters.body.final_top_k,
        filters=join(
            parse_filter(retriever.filters, "filters"),
            parse_filter(parameters.body.filters, joined(parameters.where, "filters")),
        ),
        group_by=_group_by(parameters.body.group_by, joined(parameters.where, "group_by")),
        min_score=parameters.body.min_score,
        facets=_facets(parameters.body.facets, joined(parameters.where, "facets")),
        input_schema=retriever.input_schema or {},
        description=retriever.description or "",
        stages=stages,
    )


def parse_fusion(value: JSON, where: str) -> FusionBody:
    """Read `"rrf"` or `{strategy | type, k, weights}`. Raises RetrieverError."""
    body = {"strategy": value} if isinstance(value, str) else {} if value is None else value
    names = {"type": "strategy"}
    fusion = checked(FusionBody, mapping(body, where, "{strategy: rrf}"), where, names)
    check_strategy(fusion.strategy, fusion.k, where)
    return fusion


def _collections(value: JSON) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    is_usable = isinstance(names, list | tuple) and names
    if not is_usable or not all(isinstance(name, str) and name for name in names):
        raise RetrieverError(
            "collection_identifiers: a retriever needs the name or id of at least one collection."
        )
    if len(names) > MOST_COLLECTIONS:
        raise RetrieverError(
            f"collection_identifiers: there are {len(names):,}; {MOST_COLLECTIONS} are the most."
        )
    return tuple(dict.fromkeys(names))


def _fusion(top: JSON, written: str, parameters: Parameters) -> tuple[FusionBody, str]:
    """The fusion and where it was written; `written` is the retriever's own key for it."""
    inner = parameters.body.fusion
    where = joined(parameters.where, "fusion")
    if top is None:
        return parse_fusion(inner, where), where
    outer = parse_fusion(top, written)
    if inner is not None and outer != parse_fusion(inner, where):
        raise RetrieverError(f"{where}: differs from {written} of the retriever.")
    return outer, written


def _group_by(value: JSON, where: str) -> GroupBy | None:
    if value is None:
        return None
    given: Mapping[str, JSON] = {"field": value} if isinstance(value, str) else value
    names = {"max_per_group": "group_size"}
    body = checked(GroupByBody, mapping(given, where, "{field}"), where, names)
    return GroupBy(body.field, body.limit, body.group_size, body.output_mode)


def _facets(value: JSON, where: str) -> tuple[Facet, ...]:
    """`["field", {key, limit}]`; one field alone counts as a list."""
    given = [value] if isinstance(value, str | Mapping) else [] if value is None else value
    if not isinstance(given, list | tuple):
        raise RetrieverError(f"{where}: expected a list of fields, got {value!r}.")
    if len(given) > MOST_NAMED:
        raise RetrieverError(f"{where}: there are {len(given):,}; {MOST_NAMED} are the most.")
    found: list[Facet] = []
    for i, entry in enumerate(given):
        place = f"{where}[{i}]"
        one = {"key": entry} if isinstance(entry, str) else mapping(entry, place, "{key, limit}")
        body = checked(FacetBody, one, place, {"field": "key"})
        if any(body.key == facet.key for facet in found):
            raise RetrieverError(f"{place}: {body.key!r} is counted already.")
        found.append(Facet(body.key, body.limit, body.scope))
    return tuple(found)
