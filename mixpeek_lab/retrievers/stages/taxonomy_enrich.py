"""`taxonomy_enrich`: each document gets the nodes of a taxonomy that its vector is nearest to.

A taxonomy is a collection with a document for each node, made by the same extractor: its text is
what the node means, and fields say its id, its name and its parent's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.filters.values import resolve
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST_NAMED, Body, FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.conditions import chosen, replaced
from mixpeek_lab.retrievers.stages.documents import with_field
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

MOST_NODES = 100_000
DEEPEST = 64
"""Parents above each other."""


class EnrichmentField(Body):
    """A field of the best node that the document takes over."""

    field_path: FieldPath
    target_field: FieldPath | None = None
    merge_mode: Literal["replace", "append"] = "replace"


class TaxonomyEnrichParameters(StageParameters):
    """The parameters of `taxonomy_enrich`, with Mixpeek's defaults."""

    taxonomy_id: str = Field(min_length=1)
    """The taxonomy's collection, by name or id."""
    feature_uri: str | None = None
    """Whose vectors are compared; the retriever's first dense search's where left out."""
    top_k: int = Field(3, ge=1, le=50)
    """Nodes of each document."""
    min_score: float = 0.0
    """The similarity that a node must reach."""
    output_field: FieldPath = "taxonomy"
    fields: list[EnrichmentField] = Field(default_factory=list, max_length=MOST_NAMED)
    """Fields of the best node that are taken over."""
    id_field: FieldPath = "node_id"
    """The node's id; its document's where it has none."""
    label_field: FieldPath = "label"
    """The node's name; `name`, or its text, where it has none."""
    parent_field: FieldPath = "parent_id"
    include_ancestors: bool = True
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged."""


def run(
    hits: Sequence[Hit], parameters: TaxonomyEnrichParameters, context: StageContext
) -> Outcome:
    """Look each document's own vector up among the nodes. Order and scores stay."""
    about = chosen(hits, parameters.when, context)
    if not about:
        return Outcome(hits)
    context.few_enough(len(about), "searches")
    has_parents = parameters.include_ancestors
    most = MOST_NODES if has_parents else 1
    nodes = context.reach.documents(parameters.taxonomy_id, None, most)
    by_id = {_id(node, parameters): node for node in nodes}
    vectors = context.reach.vectors(parameters.feature_uri, [hit.document_id for hit in about])
    changed: dict[str, Hit | None] = {}
    found: dict[str, Mapping[str, JSON]] = {}
    for hit in about:
        nearest = _nearest(hit, vectors, parameters, context)
        told = _told(nearest, by_id, parameters)
        found[hit.document_id] = {"nodes": told["all"]}
        enriched = with_field(hit, parameters.output_field, told, context)
        changed[hit.document_id] = _taken_over(enriched, nearest, parameters, context)
    lacking = sum(hit.document_id not in vectors for hit in about)
    warning = f"Stage {context.stage!r}: {lacking} of {len(about)} documents have no vector."
    return Outcome(replaced(hits, changed), found, (warning,) if lacking else ())


def _nearest(
    hit: Hit,
    vectors: Mapping[str, Any],
    parameters: TaxonomyEnrichParameters,
    context: StageContext,
) -> Sequence[Hit]:
    vector = vectors.get(hit.document_id)
    if vector is None:
        return ()
    search: dict[str, JSON] = {
        "feature_uri": parameters.feature_uri or context.reach.first_feature(),
        "query": {
            "document_ref": {"collection_id": hit.collection_id, "document_id": hit.document_id}
        },
        "top_k": parameters.top_k,
        "min_score": parameters.min_score,
    }
    retriever = {
        "name": f"{context.stage} nodes",
        "collection": parameters.taxonomy_id,
        "searches": [search],
        "fusion": "max",
    }
    return context.reach.search(retriever, {"inputs": {}, "limit": parameters.top_k}).hits


def _told(
    nearest: Sequence[Hit], by_id: Mapping[str, Hit], parameters: TaxonomyEnrichParameters
) -> dict[str, JSON]:
    """`{primary, all}`, and of the best node its ancestors, nearest first, and its path."""
    nodes = [
        {"id": _id(node, parameters), "name": _name(node, parameters), "confidence": node.score}
        for node in nearest
    ]
    told: dict[str, JSON] = {"primary": nodes[0] if nodes else None, "all": nodes}
    if nodes and parameters.include_ancestors:
        above = list(_ancestors(nearest[0], by_id, parameters))
        told["ancestors"] = [
            {"id": _id(node, parameters), "name": _name(node, parameters), "level": level}
            for level, node in zip(range(len(above), 0, -1), above, strict=True)
        ]
        names = [_name(node, parameters) for node in (*reversed(above), nearest[0])]
        told["path"] = " > ".join(map(str, names))
    return told


def _ancestors(
    node: Hit, by_id: Mapping[str, Hit], parameters: TaxonomyEnrichParameters
) -> Iterator[Hit]:
    seen = {_id(node, parameters)}
    while len(seen) < DEEPEST:
        parent = by_id.get(str(resolve(node.fields, parameters.parent_field)))
        if parent is None or _id(parent, parameters) in seen:
            return
        seen.add(_id(parent, parameters))
        yield parent
        node = parent


def _id(node: Hit, parameters: TaxonomyEnrichParameters) -> str:
    value = resolve(node.fields, parameters.id_field)
    return node.document_id if value is None else str(value)


def _name(node: Hit, parameters: TaxonomyEnrichParameters) -> JSON:
    paths = (parameters.label_field, "name", "data")
    values = (plain(resolve(node.fields, path)) for path in paths)
    return next((value for value in values if value is not None), None)


def _taken_over(
    hit: Hit,
    nearest: Sequence[Hit],
    parameters: TaxonomyEnrichParameters,
    context: StageContext,
) -> Hit:
    for field in parameters.fields:
        target = field.target_field or field.field_path
        values = [plain(resolve(node.fields, field.field_path)) for node in nearest]
        if not values:
            continue
        value: JSON = values[0]
        if field.merge_mode == "append":
            before = resolve(hit.fields, target)
            listed = before if isinstance(before, list) else [] if before is None else [before]
            value = [*listed, *values]
        hit = with_field(hit, target, value, context)
    return hit


STAGE = Stage(
    "taxonomy_enrich",
    "Give each document the nodes of a taxonomy that it is nearest to.",
    TaxonomyEnrichParameters,
    run,
    names={
        "min_confidence": "min_score",
        "result_field": "output_field",
        "taxonomy": "taxonomy_id",
    },
    fields=("when",),
    icon="network",
)
