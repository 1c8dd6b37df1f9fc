"""Retrievers: what is searched and how it is fused, without any I/O.

`parse_retriever` and `parse_request` read what users write, `embed_requests` says what must be
embedded, `search` runs a query over plain callables, `run_stages` the stages after it,
`to_response` and `to_explain` answer.
"""

from mixpeek_lab.retrievers.context import FetchedDocument, SearchContext
from mixpeek_lab.retrievers.engine import search
from mixpeek_lab.retrievers.parsing import parse_retriever
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.plans import to_plan
from mixpeek_lab.retrievers.queries import EmbedRequest, embed_requests
from mixpeek_lab.retrievers.request import Overrides, SearchRequest, parse_request
from mixpeek_lab.retrievers.running import run_stages
from mixpeek_lab.retrievers.spec import (
    DocumentQuery,
    Facet,
    FusionSpec,
    GroupBy,
    RetrieverSpec,
    SearchLeg,
    TextQuery,
    VectorQuery,
)
from mixpeek_lab.retrievers.stages import (
    AVAILABLE,
    STAGES,
    ExtractorRef,
    Infer,
    Reach,
    StageSpec,
)
from mixpeek_lab.retrievers.stages.definitions import stage_definitions
from mixpeek_lab.retrievers.wire import (
    candidate_ids,
    to_explain,
    to_response,
    told_document,
    view_ids,
)

__all__ = [
    "AVAILABLE",
    "STAGES",
    "DocumentQuery",
    "EmbedRequest",
    "ExtractorRef",
    "Facet",
    "FetchedDocument",
    "FusionSpec",
    "GroupBy",
    "Infer",
    "Overrides",
    "Reach",
    "RetrieverSpec",
    "SearchContext",
    "SearchLeg",
    "SearchRequest",
    "StageSpec",
    "TextQuery",
    "VectorQuery",
    "candidate_ids",
    "embed_requests",
    "parse_request",
    "parse_retriever",
    "plain",
    "run_stages",
    "search",
    "stage_definitions",
    "to_explain",
    "to_plan",
    "to_response",
    "told_document",
    "view_ids",
]
