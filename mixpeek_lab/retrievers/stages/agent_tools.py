"""What a model in `agentic_enrich` may look up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST_COLLECTIONS, Body
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.documents import CONTENT, seen_by_templates
from mixpeek_lab.retrievers.stages.generation import GeneratorParameters, generated
from mixpeek_lab.retrievers.stages.stage import StageContext

_MOST_NODES, _MOST_EXAMPLES = 500, 20


class AnalysisProvider(Body):
    """The model that `analyze_content` asks."""

    provider: str | None = None
    model_name: str | None = None


class AgentParameters(GeneratorParameters):
    """Those parameters of `agentic_enrich` that the tools look at."""

    taxonomy_id: str | None = Field(None, min_length=1)
    """A collection with a document for each category, for `get_taxonomy_categories`."""
    example_collection_ids: list[str] | None = Field(
        None, min_length=1, max_length=MOST_COLLECTIONS
    )
    """Collections of documents that are classified already, for `query_examples`."""
    analysis_provider: AnalysisProvider | None = None
    """Another model for `analyze_content`; the same one where left out."""


Run = Callable[[Mapping[str, JSON], Hit, AgentParameters, StageContext], str]
"""(arguments, document, parameters, context) → what the model is told."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One kind of look-up."""

    description: str
    run: Run
    is_possible: Callable[[AgentParameters], bool]


def _taxonomy(
    _arguments: Mapping[str, JSON], _hit: Hit, parameters: AgentParameters, context: StageContext
) -> str:
    nodes = context.reach.documents(parameters.taxonomy_id or "", None, _MOST_NODES)
    return _listed([dict(plain(node.fields)) for node in nodes])


def _examples(
    arguments: Mapping[str, JSON], hit: Hit, parameters: AgentParameters, context: StageContext
) -> str:
    """The documents of the example collections that are nearest to this one, or to a text."""
    query = arguments.get("query") or seen_by_templates(hit, parameters.document_field)[CONTENT]
    if not isinstance(query, str) or not query.strip():
        raise RetrieverError("query_examples needs a query: the document has no text.")
    retriever = {
        "name": f"{context.stage} examples",
        "collections": list(parameters.example_collection_ids or ()),
        "searches": [{"feature_uri": context.reach.first_feature(), "query": "{{INPUT.example}}"}],
        "filters": arguments.get("filters"),
    }
    parse_filter(retriever["filters"], "query_examples.filters")
    limit = arguments.get("limit", 5)
    most = limit if isinstance(limit, int) and 1 <= limit <= _MOST_EXAMPLES else 5
    found = context.reach.search(retriever, {"inputs": {"example": query}, "limit": most}).hits
    return _listed([{"score": h.score, **dict(plain(h.fields))} for h in found])


def _analysis(
    arguments: Mapping[str, JSON], hit: Hit, parameters: AgentParameters, context: StageContext
) -> str:
    question = arguments.get("question") or arguments.get("prompt") or "Describe this content."
    document = seen_by_templates(hit, parameters.document_field)
    asked = f"{question}\n\n{json.dumps(document, ensure_ascii=False)}"
    other = parameters.analysis_provider
    if other is not None:
        parameters = parameters.model_copy(
            update={"provider": other.provider, "model_name": other.model_name,
                    "feature_uri": None, "inference_name": None}
        )  # fmt: skip
    [text] = generated(parameters, context, [asked], [document])
    return str(text)


def _listed(documents: list[Any]) -> str:
    return json.dumps(documents, ensure_ascii=False) if documents else "There are none."


TOOLS: Mapping[str, Tool] = {
    "get_taxonomy_categories": Tool(
        "the categories there are; no arguments",
        _taxonomy,
        lambda parameters: parameters.taxonomy_id is not None,
    ),
    "query_examples": Tool(
        "documents that are classified already, nearest first; arguments: query (the document's "
        "own text where left out), limit, filters",
        _examples,
        lambda parameters: parameters.example_collection_ids is not None,
    ),
    "analyze_content": Tool(
        "a second opinion of a model on the document; arguments: question",
        _analysis,
        lambda _: True,
    ),
}
"""Name → tool."""
