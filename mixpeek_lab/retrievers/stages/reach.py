"""What a stage may call: plain callables, so that stages know no index, Ray, HTTP or database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from mixpeek_lab.assets import HTTPAnswer, HTTPRequest
from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON, Hit, SearchResult

if TYPE_CHECKING:
    from mixpeek_lab.filters import Filter
    from mixpeek_lab.llm import LLMAnswer, LLMRequest

Vector = Any
"""An array of floats, shape (dim,)."""


@dataclass(frozen=True, slots=True)
class ExtractorRef:
    """How a stage names its extractor: a feature's URI, or a name with or without a version."""

    text: str
    is_uri: bool


Infer = Callable[[ExtractorRef, Sequence[Mapping[str, JSON]]], Sequence[Mapping[str, JSON]]]
"""(extractor, several inputs) → its service's answers, in the same order, checked against the
contract of its inference_type. Raises ExtractorError, or EngineError where it is not deployed."""
Search = Callable[[str | Mapping[str, JSON] | None, Mapping[str, JSON]], SearchResult]
"""(retriever, request) → what it finds, later stages included. The retriever is a name, an id or a
definition; one without collections searches those of the stage's own retriever. None: the stage's
own retriever without its later stages."""
Embed = Callable[[str, Sequence[str]], Sequence[Vector]]
"""(feature URI, texts) → a vector for each, by the code that made the feature's vectors."""
Vectors = Callable[[str | None, Sequence[str]], Mapping[str, Vector]]
"""(feature URI, document ids) → the stored vectors of those that have one. None: the feature of the
retriever's first dense search."""
Documents = Callable[[str, "Filter | None", int], Sequence[Hit]]
"""(collection name or id, filter, the most) → documents, in stored order, score 0. A filter may ask
for `document_id`."""
LLM = Callable[["LLMRequest"], "LLMAnswer"]
"""Asks a language model. Raises LLMError."""
HTTP = Callable[[HTTPRequest], HTTPAnswer]
"""Calls a service. Raises AssetError for one that is not at a public address, unless it is allowed,
and where nothing comes back."""
SQL = Callable[[str, str, Sequence[Sequence[JSON]], float], Sequence[Sequence[Mapping[str, JSON]]]]
"""(connection, a query that reads with `?` for each value, several lists of values, seconds for
each) → the rows for each."""


def _missing(what: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> NoReturn:
        raise RetrieverError(f"A stage wanted to {what}, which is not possible here.")

    return refuse


@dataclass(frozen=True, slots=True)
class Reach:
    """What stages may call in one search."""

    search: Search = field(default=_missing("search"))
    embed: Embed = field(default=_missing("embed a text"))
    vectors: Vectors = field(default=_missing("read vectors of documents"))
    documents: Documents = field(default=_missing("read documents of a collection"))
    llm: LLM = field(default=_missing("ask a language model"))
    http: HTTP = field(default=_missing("call an HTTP service"))
    sql: SQL = field(default=_missing("query a database"))
    first_feature: Callable[[], str] = field(default=_missing("compare vectors"))
    """The URI of the feature of the retriever's first dense search. RetrieverError for none."""
    secret: Callable[[str], str | None] = field(default=_missing("read a secret"))
    """A secret's value by its name, None for one that is not kept."""


NO_REACH = Reach()
"""Nothing may be called."""
