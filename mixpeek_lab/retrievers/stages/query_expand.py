"""`query_expand`: the query in other words, each searched, all rankings fused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.fusion import fuse
from mixpeek_lab.models import JSON, Hit, Leg
from mixpeek_lab.retrievers.bodies import MOST
from mixpeek_lab.retrievers.stages.generation import (
    SPELLINGS,
    GeneratorParameters,
    filled,
    generated,
)
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext

_PROMPT = (
    "Write {{NUM_EXPANSIONS}} other search queries for the query below: other words, the same "
    "question. One query on each line, nothing else.\n\n{{QUERY}}"
)
_INPUT = "expanded_query"
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d+[.)])\s+")
_LONGEST = 2000
"""Characters of one query."""


class QueryExpandParameters(GeneratorParameters):
    """The parameters of `query_expand`, with Mixpeek's defaults."""

    query: str | None = Field(None, min_length=1)
    """A template; the request's own text where it is left out."""
    num_expansions: int = Field(3, ge=1, le=10)
    expansion_prompt: str = Field(_PROMPT, min_length=1)
    """`{{QUERY}}` and `{{NUM_EXPANSIONS}}`."""
    feature_search_config: dict[str, Any] | None = None
    """What to search with, as the parameters of a feature_search: its texts are replaced by the
    query. Left out, the retriever's own feature_search."""
    include_original: bool = True
    """Whether the query itself counts among them."""
    fusion_strategy: Literal["rrf", "linear", "max"] = "rrf"
    """`linear` is the mean of the scores, 0 where a query does not find the document."""
    rrf_k: float = Field(60, ge=1, le=1000)
    top_k: int = Field(25, ge=1, le=MOST)
    """Documents of each query."""
    deduplicate: Literal[True] = True
    """A fused ranking has each document once."""


def run(hits: Sequence[Hit], parameters: QueryExpandParameters, context: StageContext) -> Outcome:
    """Search with each query. The documents that came in are what the query itself found, unless
    it is searched again with a feature_search_config."""
    query = context.query(parameters.query)
    names: dict[str, JSON] = {"QUERY": query, "NUM_EXPANSIONS": parameters.num_expansions}
    names |= {"query": query, "num_variations": parameters.num_expansions}
    prompt = filled(parameters.expansion_prompt, names, context, "expansion_prompt")
    [text] = generated(parameters, context, [prompt])
    expansions = _queries(text, query, parameters.num_expansions)
    rankings: dict[str, Sequence[Hit]] = {}
    if parameters.include_original or not expansions:
        has_own = parameters.feature_search_config is None
        rankings[query] = hits if has_own else _searched(query, parameters, context)
    for each in expansions:
        rankings[each] = _searched(each, parameters, context)
    told = f"{len(expansions)} of {parameters.num_expansions} queries could be read from the answer"
    lacking = len(expansions) < parameters.num_expansions
    return Outcome(
        _fused(rankings, parameters),
        _found(rankings),
        (f"Stage {context.stage!r}: {told}.",) if lacking else (),
        {"expanded_queries": expansions},
    )


def _queries(text: str, query: str, most: int) -> list[str]:
    """The queries in an answer: a list in JSON, or one on each line; each once, not the query."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = text.splitlines()
    if isinstance(given, Mapping):
        given = next(iter(given.values()), [])
    lines = [str(entry) for entry in given] if isinstance(given, list) else []
    found: dict[str, str] = {}
    for line in lines:
        one = _BULLET.sub("", line).strip().strip('"').strip()
        if one and len(one) <= _LONGEST and one.casefold() != query.casefold():
            found.setdefault(one.casefold(), one)
    return list(found.values())[:most]


def _searched(
    query: str, parameters: QueryExpandParameters, context: StageContext
) -> Sequence[Hit]:
    config = parameters.feature_search_config
    if config is None:
        inputs = {
            key: query if value == context.text else value for key, value in context.inputs.items()
        }
        if context.text is None or query not in inputs.values():
            inputs = {**inputs, "query_text": query}
        request = {"inputs": inputs, "limit": parameters.top_k}
        return context.reach.search(None, request).hits
    request = {"inputs": {**context.inputs, _INPUT: query}, "limit": parameters.top_k}
    return context.reach.search(_definition(config, context), request).hits


def _definition(config: Mapping[str, Any], context: StageContext) -> dict[str, Any]:
    """The retriever that a feature_search_config is, its texts replaced by the input."""
    if "stages" in config:
        raise RetrieverError(
            f"stage {context.stage!r}, feature_search_config: it has searches, and no stages."
        )
    searches = config.get("searches", [config])
    if not isinstance(searches, list) or not all(isinstance(s, Mapping) for s in searches):
        raise RetrieverError(
            f"stage {context.stage!r}, feature_search_config: expected the parameters of a "
            "feature_search, {searches: [{feature_uri, query, top_k}]}."
        )
    found = [
        {**search, "query": f"{{{{INPUT.{_INPUT}}}}}"} if _is_text(search.get("query")) else search
        for search in searches
    ]
    more = {key: value for key, value in config.items() if "searches" in config}
    return {"name": f"{context.stage} expanded", **more, "searches": found}


def _is_text(query: JSON) -> bool:
    if query is None or isinstance(query, str):
        return True
    return isinstance(query, Mapping) and query.get("input_mode", "text") == "text"


def _fused(rankings: Mapping[str, Sequence[Hit]], parameters: QueryExpandParameters) -> list[Hit]:
    weight = 1.0 / len(rankings) if parameters.fusion_strategy == "linear" else 1.0
    legs = [
        Leg(
            query, "dense", weight, tuple(h.document_id for h in hits), tuple(h.score for h in hits)
        )
        for query, hits in rankings.items()
    ]
    strategy = "weighted" if parameters.fusion_strategy == "linear" else parameters.fusion_strategy
    first: dict[str, Hit] = {}
    for hits in rankings.values():
        for hit in hits:
            first.setdefault(hit.document_id, hit)
    fused = fuse(legs, strategy, k=parameters.rrf_k)
    return [replace(first[entry.document_id], score=entry.score) for entry in fused]


def _found(rankings: Mapping[str, Sequence[Hit]]) -> dict[str, dict[str, JSON]]:
    """For each document, its place in the ranking of each query that found it."""
    ranks: dict[str, dict[str, JSON]] = {}
    for query, hits in rankings.items():
        for rank, hit in enumerate(hits, start=1):
            ranks.setdefault(hit.document_id, {}).setdefault(query, rank)
    return {key: {"ranks": own, "matched_queries": list(own)} for key, own in ranks.items()}


STAGE = Stage(
    "query_expand",
    "Have the query written in other words, search with each of them, and fuse what they find.",
    QueryExpandParameters,
    run,
    needs="generate",
    names={
        **SPELLINGS,
        "expansion_model": "model_name",
        "num_variations": "num_expansions",
        "fusion_method": "fusion_strategy",
        "prompt": "expansion_prompt",
    },
    templates=("query", "expansion_prompt", "feature_search_config"),
    icon="split",
)
