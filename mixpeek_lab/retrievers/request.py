"""What a query brings: inputs, page, filters, and settings that override the retriever's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import Filter, join, parse_filter
from mixpeek_lab.fusion import check_strategy, default_k
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import (
    MOST_OFFSET,
    RequestBody,
    checked,
    mapping,
    renamed,
    shown,
)
from mixpeek_lab.retrievers.legs import Weights, deepened, reweighted
from mixpeek_lab.retrievers.parsing import parse_fusion
from mixpeek_lab.retrievers.spec import FusionSpec, RetrieverSpec

TEXT_KEYS = ("query_text", "query", "text", "q")
"""Inputs that hold a request's own text, the first one that is there."""

_NAMES = {"page_size": "limit", "page_number": "page", "input": "inputs"}
_DEFAULT_PAGE = 10


@dataclass(frozen=True, slots=True)
class Overrides:
    """Settings of one query. None: as the retriever says."""

    strategy: str | None = None
    k: float | None = None
    weights: Weights | None = None
    top_k: Mapping[str, int] | None = None
    """Leg name → candidates that it keeps."""

    def applied_to(self, spec: RetrieverSpec) -> RetrieverSpec:
        """The retriever with these settings. Raises RetrieverError where they do not fit."""
        if self == Overrides():
            return spec
        fusion = FusionSpec(self.strategy or spec.fusion.strategy, self._k(spec.fusion))
        check_strategy(fusion.strategy, fusion.k)
        legs = spec.searches
        if self.weights is not None:
            legs = reweighted(legs, self.weights, "weights")
        if self.top_k is not None:
            legs = deepened(legs, self.top_k)
        return replace(spec, fusion=fusion, searches=legs)

    def _k(self, own: FusionSpec) -> float:
        """The query's k, or the retriever's where its strategy's usual one is this strategy's."""
        usual = default_k(self.strategy or own.strategy)
        if self.k is not None:
            return self.k
        return own.k if usual == default_k(own.strategy) else usual


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One query."""

    inputs: Mapping[str, JSON] = field(default_factory=dict)
    limit: int | None = None
    """Hits wanted; None: the retriever's final_top_k."""
    offset: int = 0
    filters: Filter | None = None
    overrides: Overrides = Overrides()
    candidates: bool = False
    """Whether legs of weight 0 are searched too, for fusing again with other weights."""
    documents: int | None = None
    """Of each leg, the first so many candidates come with their documents; None: all do."""
    seed: int | None = None
    """For `learned` fusion: the same seed and interactions draw the same weights."""

    @property
    def text(self) -> str | None:
        """The request's own text: one of TEXT_KEYS, or the only text among the inputs.

        None where there is none, and where one of TEXT_KEYS is something else: see `no_text`.
        """
        for key in TEXT_KEYS:
            if self.inputs.get(key) is not None:
                return self.inputs[key] if isinstance(self.inputs[key], str) else None
        texts = [value for value in self.inputs.values() if isinstance(value, str)]
        return texts[0] if len(texts) == 1 else None

    @property
    def no_text(self) -> str:
        """Why there is no text, and what to do."""
        for key in TEXT_KEYS:
            value = self.inputs.get(key)
            if value is not None and not isinstance(value, str):
                return (
                    f"the input {key!r} has to be a text, and is {shown(value)}. Another kind of "
                    "query goes by another name, which the retriever's `query` asks for."
                )
        given = ", ".join(sorted(self.inputs)) or "none"
        return (
            f"the request has no text. Give one of the inputs {', '.join(TEXT_KEYS)}; inputs "
            f"given: {given}."
        )


def parse_request(body: JSON) -> SearchRequest:
    """Read a query: `{query | inputs | input, limit, offset | page, filters, …}`.

    `query` is a text or an object of inputs. A page is also read from `page` and `page_size`
    or from `pagination`. `filters` among the inputs count as filters, as LangChain's
    integration sends them. Raises RetrieverError or FilterError with the path.
    """
    given = renamed(mapping(body, "request", '{"query": "text"}'), _NAMES, "")
    inputs = _inputs(given.pop("query", None), given.pop("inputs", None))
    _read_page(given)
    request = checked(RequestBody, {"inputs": inputs, **given}, "")
    inner = inputs.get("filters")
    return SearchRequest(
        inputs=inputs,
        limit=request.limit,
        offset=request.offset,
        filters=join(
            parse_filter(request.filters, "filters"),
            parse_filter(inner, "inputs.filters") if isinstance(inner, Mapping) else None,
        ),
        overrides=_overrides(request),
        candidates=request.candidates,
        documents=request.documents,
        seed=request.seed,
    )


def _inputs(query: JSON, inputs: JSON) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for where, given in (("inputs", inputs), ("query", query)):
        if given is None:
            continue
        if isinstance(given, str):
            given = {"query": given}
        body = mapping(given, where, '{"query_text": "…"}')
        if body.get("input_mode") == "text":
            body = {"query": body.get("value", body.get("text"))}
        found.update(body)
    return found


def _read_page(given: dict[str, JSON]) -> None:
    """Turn `pagination` and `page` into `limit` and `offset`."""
    pagination = given.pop("pagination", None)
    if pagination is not None:
        page = dict(renamed(mapping(pagination, "pagination"), _NAMES, "pagination"))
        _check_method(page)
        for key, value in page.items():
            if given.setdefault(key, value) != value:
                raise RetrieverError(f"pagination.{key}: differs from {key} beside `pagination`.")
    number = given.pop("page", None)
    if number is None:
        return
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise RetrieverError(f"page: pages count from 1, got {number!r}.")
    if "offset" in given:
        raise RetrieverError("page: give page or offset, not both.")
    limit = given.setdefault("limit", _DEFAULT_PAGE)
    given["offset"] = (number - 1) * limit if isinstance(limit, int) else 0
    if given["offset"] > MOST_OFFSET:
        raise RetrieverError(
            f"page: page {number:,} of {limit:,} hits begins beyond {MOST_OFFSET:,} hits, and no "
            "search has so many."
        )


def _check_method(page: dict[str, JSON]) -> None:
    """Take what is said of cursors out. RetrieverError for one: a search gives none."""
    advice = "a search's pages go by `page` or `offset`, and its `next_cursor` is always null."
    if page.pop("cursor", None):
        raise RetrieverError(f"pagination.cursor: this is no cursor of a search; {advice}")
    method = page.pop("method", "offset")
    if method not in ("offset", "page"):
        raise RetrieverError(f"pagination.method: {shown(method)} is not available; {advice}")


def _overrides(request: RequestBody) -> Overrides:
    if request.fusion is None:
        return Overrides(None, request.k, request.weights, request.top_k)
    fusion = parse_fusion(request.fusion, "fusion")
    return Overrides(
        strategy=fusion.strategy,
        k=request.k if fusion.k is None else fusion.k,
        weights=fusion.weights if request.weights is None else request.weights,
        top_k=request.top_k,
    )
