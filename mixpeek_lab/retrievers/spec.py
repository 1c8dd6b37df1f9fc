"""What a retriever is: its legs, its fusion, its filters. Frozen, and JSON both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import Filter
from mixpeek_lab.fusion import DEFAULT_K, METHODS, default_k
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.stages import StageSpec
from mixpeek_lab.retrievers.stages.attribute_filter import pushable
from mixpeek_lab.retrievers.stages.parsing import as_public

DEFAULT_TOP_K = 100
DEFAULT_FINAL_TOP_K = 25


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A text to embed, or to look up with BM25. None: the request's own text."""

    template: str | None = None

    def as_json(self) -> JSON:
        """The public spelling."""
        return self.template


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A ready vector, or a template (`{{INPUT.vector}}`) that names one."""

    value: tuple[float, ...] | str

    def as_json(self) -> JSON:
        """The public spelling."""
        value = self.value if isinstance(self.value, str) else list(self.value)
        return {"input_mode": "vector", "value": value}


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """ "More like this": the vector of a stored document. The id may be a template."""

    document_id: str
    collection_id: str | None = None
    exclude_self: bool = False
    """Whether the document is left out of what its leg finds."""

    def as_json(self) -> JSON:
        """The public spelling."""
        found = {"collection_id": self.collection_id, "document_id": self.document_id}
        return {
            "input_mode": "document",
            "document_ref": {key: value for key, value in found.items() if value is not None},
            **({"exclude_self": True} if self.exclude_self else {}),
        }


@dataclass(frozen=True, slots=True)
class SearchLeg:
    """One arm of the search. Dense legs have a feature, lexical ones need none."""

    name: str
    """Unique in its retriever."""
    feature_uri: str | None = None
    """Normalised: `mixpeek://extractor@1.0.0/feature`."""
    feature: str | None = None
    """A feature's bare name, to be resolved in the retriever's collections."""
    lexical: bool = False
    query: TextQuery | VectorQuery | DocumentQuery = TextQuery()
    top_k: int = DEFAULT_TOP_K
    min_score: float | None = None
    weight: float = 1.0
    filters: Filter | None = None

    def as_dict(self) -> dict[str, JSON]:
        """One entry of the public `searches`."""
        found: dict[str, JSON] = {
            "name": self.name,
            "feature_uri": self.feature_uri,
            "feature": self.feature,
            "query": self.query.as_json(),
            "top_k": self.top_k,
            "min_score": self.min_score,
            "weight": self.weight,
            "filters": self.filters.as_dict() if self.filters else None,
            "lexical": self.lexical,
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class FusionSpec:
    """How the legs are fused. Their weights stand with the legs."""

    strategy: str = "rrf"
    k: float = DEFAULT_K

    def as_json(self) -> JSON:
        """The strategy's name, or an object where k is not the usual one."""
        if self.k == default_k(self.strategy):
            return self.strategy
        return {"strategy": self.strategy, "k": self.k}


@dataclass(frozen=True, slots=True)
class GroupBy:
    """At most `group_size` hits for each value of `field`, in at most `limit` groups."""

    field: str
    limit: int = 25
    group_size: int = 1
    output_mode: Literal["all", "first", "flatten"] = "all"
    """The hits of a group together, groups in the order of their best; `first`: that one only;
    `flatten`: in the order of the whole ranking."""

    @property
    def most(self) -> int:
        """Hits, at most."""
        return self.limit * (1 if self.output_mode == "first" else self.group_size)

    def as_dict(self) -> dict[str, JSON]:
        """The public spelling."""
        found: dict[str, JSON] = {
            "field": self.field,
            "limit": self.limit,
            "group_size": self.group_size,
        }
        return found if self.output_mode == "all" else {**found, "output_mode": self.output_mode}


@dataclass(frozen=True, slots=True)
class Facet:
    """A field whose values are counted; the `limit` most frequent ones are told."""

    key: str
    limit: int = 10
    scope: Literal["candidates", "collection"] = "candidates"
    """Which documents: those that the searches found, or all that pass the filters of retriever
    and request."""

    def as_dict(self) -> dict[str, JSON]:
        """The public spelling."""
        found: dict[str, JSON] = {"key": self.key, "limit": self.limit}
        return found if self.scope == "candidates" else {**found, "scope": self.scope}


@dataclass(frozen=True, slots=True)
class RetrieverSpec:
    """A retriever, whichever way it was written."""

    name: str
    collections: tuple[str, ...]
    """Names or ids."""
    searches: tuple[SearchLeg, ...]
    fusion: FusionSpec = FusionSpec()
    final_top_k: int = DEFAULT_FINAL_TOP_K
    """Hits of a request that asks for no limit of its own; documents for the later stages."""
    filters: Filter | None = None
    min_score: float | None = None
    """What a fused score must reach."""
    group_by: GroupBy | None = None
    facets: tuple[Facet, ...] = ()
    input_schema: Mapping[str, JSON] = field(default_factory=dict)
    """As given; described, not enforced."""
    description: str = ""
    stages: tuple[StageSpec, ...] = ()
    """Those that run after the feature_search, in order."""

    def __post_init__(self) -> None:
        """RetrieverError for stages after a fusion whose smallest score is the best."""
        if self.stages and METHODS[self.fusion.strategy].is_ascending:
            raise RetrieverError(
                f"fusion: {self.fusion.strategy} gives scores whose smallest is the best, and "
                "stages read them the other way round. rrf_llamaindex is the same without the "
                "sign."
            )

    @property
    def page_size(self) -> int:
        """Hits of a request without a limit, and documents for the later stages.

        A `group_by` counts in groups: it takes the place of `final_top_k`.
        """
        return self.final_top_k if self.group_by is None else self.group_by.most

    @property
    def pushed(self) -> tuple[tuple[str, Filter], ...]:
        """The attribute_filter stages right after the search, by name, whose filters the search can
        apply itself: then its limits count what is left.

        None where the hits are grouped or counted first, or must reach a fused score: which
        documents stand for a group, what is counted and the scores would change.
        """
        found: list[tuple[str, Filter]] = []
        is_seen = self.group_by or self.facets or self.min_score is not None
        for stage in () if is_seen else self.stages:
            is_sure = stage.given is None and stage.on_error == "error"
            pushed = pushable(stage.parameters) if is_sure else None
            if pushed is None:
                break
            found.append((stage.name, pushed))
        return tuple(found)

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Bare feature names that still need their URI."""
        return tuple(
            leg.feature for leg in self.searches if leg.feature and leg.feature_uri is None
        )

    def with_features(self, uri_of: Callable[[str], str]) -> RetrieverSpec:
        """The same retriever with every bare feature name replaced by `uri_of(name)`."""
        if not self.unresolved:
            return self
        legs = tuple(
            replace(leg, feature_uri=uri_of(leg.feature), feature=None)
            if leg.feature and leg.feature_uri is None
            else leg
            for leg in self.searches
        )
        return replace(self, searches=legs)

    def as_dict(self) -> dict[str, JSON]:
        """Canonical public JSON; `parse_retriever` reads it back equal."""
        parameters: dict[str, JSON] = {
            "searches": [leg.as_dict() for leg in self.searches],
            "final_top_k": self.final_top_k,
            "fusion": self.fusion.as_json(),
        }
        if self.filters:
            parameters["filters"] = self.filters.as_dict()
        if self.group_by:
            parameters["group_by"] = self.group_by.as_dict()
        if self.facets:
            parameters["facets"] = [facet.as_dict() for facet in self.facets]
        if self.min_score is not None:
            parameters["min_score"] = self.min_score
        return {
            "retriever_name": self.name,
            "description": self.description,
            "collection_identifiers": list(self.collections),
            "input_schema": dict(self.input_schema),
            "stages": [
                {
                    "stage_name": "feature_search",
                    "stage_type": "filter",
                    "config": {"stage_id": "feature_search", "parameters": parameters},
                    "parameters": parameters,
                },
                *map(as_public, self.stages),
            ],
        }
