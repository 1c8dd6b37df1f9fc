"""`rag_prepare`: documents as a model's context, within a budget of tokens, with citations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.filters.values import resolve
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import Body, FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.assembling import Assembled, Strategy, Written, assembled
from mixpeek_lab.retrievers.stages.documents import with_field
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters
from mixpeek_lab.retrievers.stages.tokens import count

_STRATEGIES: Mapping[str, Strategy] = {
    "priority_truncate": "by_score", "proportional": "evenly", "drop_last": "whole",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Citation(Body):
    """How sources are cited."""

    style: Literal["numbered", "bracketed", "footnote", "none"] = "numbered"
    include_title: bool = True
    include_url: bool = False


class RagPrepareParameters(StageParameters):
    """The parameters of `rag_prepare`, with Mixpeek's defaults."""

    max_tokens: int = Field(8000, ge=1, le=1_000_000)
    """Of the context, separators included; in `formatted_list`, of all the texts together."""
    tokenizer: Literal["estimate", "cl100k_base", "p50k_base", "r50k_base", "gpt2"] = "estimate"
    """Tokens are estimated, a little high, whichever is named: the vocabularies of the others are
    not part of the lab."""
    truncation_strategy: Literal["priority_truncate", "proportional", "drop_last"] = (
        "priority_truncate"
    )
    """Best scores first and the last one cut, an equal share for each, or whole ones while they
    fit."""
    output_mode: Literal["single_context", "formatted_list"] = "single_context"
    """One document with everything, or each document with its own text."""
    document_template: str = "[{{CONTEXT.INDEX}}] {{DOC.content}}\n\n"
    """`{{INDEX}}`, `{{CITATION}}`, and `{{DOC.…}}` of each document."""
    content_field: FieldPath = "content"
    """What `{{DOC.content}}` is."""
    separator: str = "\n"
    citation: Citation = Citation()
    context_field: FieldPath = "rag_context"
    citations_field: FieldPath = "citations"
    formatted_content_field: FieldPath = "formatted_content"


def run(hits: Sequence[Hit], parameters: RagPrepareParameters, context: StageContext) -> Outcome:
    """Write the documents down. No model is asked."""
    if not hits:
        return Outcome(hits)
    is_list = parameters.output_mode == "formatted_list"
    by_score = parameters.truncation_strategy == "priority_truncate"
    order = sorted(hits, key=lambda hit: -hit.score) if by_score else hits
    marks = {
        hit.document_id: _mark(hit, index, parameters.citation)
        for index, hit in enumerate(order, start=1)
    }
    found = assembled(
        order,
        parameters.document_template,
        parameters.content_field,
        parameters.max_tokens,
        _STRATEGIES[parameters.truncation_strategy],
        context,
        "" if is_list else parameters.separator,
        marks,
    )
    citations = [_citation(each, parameters.citation, marks) for each in found.documents]
    tokens = count(found.text)
    output: dict[str, JSON] = {
        **({} if is_list else {"rag_context": found.text}),
        "citations": citations,
        "rag_tokens": {
            "count": tokens, "most": parameters.max_tokens, "tokenizer": "estimate",
            "documents_cut": found.cut, "documents_dropped": found.dropped,
        },
    }  # fmt: skip
    made = _listed if is_list else _single
    return Outcome(
        made(found, parameters, citations, context),
        warnings=_remarks(found, context),
        output=output,
    )


def _single(
    found: Assembled, parameters: RagPrepareParameters, citations: list[Any], context: StageContext
) -> list[Hit]:
    fields: dict[str, JSON] = {}
    made = Hit(f"{context.stage}_context", "", 1, 1.0, fields, {})
    made = with_field(made, parameters.context_field, found.text, context)
    return [with_field(made, parameters.citations_field, citations, context)]


def _listed(
    found: Assembled, parameters: RagPrepareParameters, citations: list[Any], context: StageContext
) -> list[Hit]:
    hits = []
    for each, citation in zip(found.documents, citations, strict=True):
        hit = with_field(each.hit, parameters.formatted_content_field, each.text, context)
        hits.append(with_field(hit, parameters.citations_field, [citation], context))
    return hits


def _mark(hit: Hit, index: int, citation: Citation) -> str:
    if citation.style == "bracketed":
        return f"[{hit.document_id}]"
    if citation.style == "footnote":
        return str(index).translate(_SUPERSCRIPTS)
    return f"[{index}]" if citation.style == "numbered" else ""


def _citation(each: Written, citation: Citation, marks: Mapping[str, str]) -> dict[str, JSON]:
    hit = each.hit
    found: dict[str, JSON] = {
        "index": each.index,
        "document_id": hit.document_id,
        "collection_id": hit.collection_id,
        "citation": marks[hit.document_id],
    }
    if citation.include_title:
        found["title"] = _first(hit, "title", "metadata.title", "name")
    if citation.include_url:
        found["url"] = _first(hit, "url", "source_url", "metadata.url", "metadata.source_url")
    return found


def _first(hit: Hit, *paths: str) -> JSON:
    values = (plain(resolve(hit.fields, path)) for path in paths)
    return next((value for value in values if value is not None), None)


def _remarks(found: Assembled, context: StageContext) -> tuple[str, ...]:
    if not found.dropped and not found.cut:
        return ()
    return (
        f"Stage {context.stage!r}: to keep to max_tokens, {found.cut} documents were cut and "
        f"{found.dropped} left out.",
    )


STAGE = Stage(
    "rag_prepare",
    "Write the documents as a model's context: a token budget, citations, a template for each.",
    RagPrepareParameters,
    run,
    names={"document_field": "content_field"},
    templates=("document_template",),
    fields=("content_field",),
    icon="book-open-text",
)
