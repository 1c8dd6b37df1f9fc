"""`summarize`: one text about all documents, about each group of them, or about each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.filters.values import resolve
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.assembling import Assembled, Strategy, assembled
from mixpeek_lab.retrievers.stages.documents import seen_by_templates, with_field
from mixpeek_lab.retrievers.stages.generation import (
    SPELLINGS,
    GeneratorParameters,
    filled,
    generated,
)
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext
from mixpeek_lab.retrievers.stages.tokens import count

_STRATEGIES: Mapping[str, Strategy] = {
    "drop_last": "whole", "truncate_each": "evenly", "smart": "by_score",
}  # fmt: skip


class SummarizeParameters(GeneratorParameters):
    """The parameters of `summarize`, with Mixpeek's defaults."""

    prompt: str = Field(
        "Summarize the following {{DOC_COUNT}} documents concisely:\n\n{{DOCUMENTS}}", min_length=1
    )
    """`{{DOCUMENTS}}` (they follow the prompt where it does not have them), `{{DOC_COUNT}}`,
    `{{GROUP_VALUE}}`, `{{INPUT.…}}`; with mode per_document, `{{DOC.…}}`."""
    document_template: str = "[{{INDEX}}] {{DOC.content}}\n"
    """How each document is written: `{{INDEX}}`, `{{DOC.…}}`."""
    mode: Literal["aggregate", "per_document"] = "aggregate"
    group_by: FieldPath | None = None
    """A field: one summary for each of its values."""
    output_field: FieldPath = "summary"
    include_sources: bool = True
    """Whether the summary lists the documents that it is made of."""
    include_metadata: bool = True
    """Whether it counts documents and tokens."""
    max_input_tokens: int = Field(8000, ge=1, le=1_000_000)
    """Of the documents in one prompt; estimated, a little high."""
    truncation_strategy: Literal["drop_last", "truncate_each", "smart"] = "drop_last"
    """Whole documents while they fit, an equal share for each, or best scores first."""
    output_schema: dict[str, Any] | None = None
    """A JSON Schema that the answer has to meet."""


def run(hits: Sequence[Hit], parameters: SummarizeParameters, context: StageContext) -> Outcome:
    """Ask once for each summary. Without documents, nobody is asked."""
    if not hits:
        return Outcome(hits)
    if parameters.mode == "per_document":
        return _each(hits, parameters, context)
    groups = _groups(hits, parameters.group_by)
    written = [_written(members, parameters, context) for members in groups.values()]
    prompts = [
        _prompt(parameters, each, context, value)
        for value, each in zip(groups, written, strict=True)
    ]
    answers = generated(parameters, context, prompts, schema=parameters.output_schema)
    made = [
        _summary(place, value, each, answer, parameters, context)
        for place, (value, each, answer) in enumerate(zip(groups, written, answers, strict=True))
    ]
    found = {hit.document_id: {"documents": hit.fields.get("document_count")} for hit in made}
    said: dict[str, JSON] = {"summary": answers[0]}
    if parameters.group_by is not None:
        texts = zip(groups, answers, strict=True)
        said = {"summaries": [{"group_value": value, "summary": text} for value, text in texts]}
    return Outcome(made, found, _remarks(written, context), said)


def _each(hits: Sequence[Hit], parameters: SummarizeParameters, context: StageContext) -> Outcome:
    documents = [seen_by_templates(hit, parameters.document_field) for hit in hits]
    one = [_written([hit], parameters, context) for hit in hits]
    prompts = [
        _prompt(parameters, each, context, None, document)
        for each, document in zip(one, documents, strict=True)
    ]
    answers = generated(parameters, context, prompts, documents, parameters.output_schema)
    changed = [
        with_field(hit, parameters.output_field, answer, context)
        for hit, answer in zip(hits, answers, strict=True)
    ]
    return Outcome(changed, warnings=_remarks(one, context))


def _groups(hits: Sequence[Hit], field: str | None) -> dict[JSON, list[Hit]]:
    """Value → its documents, in the order of their best; None for those without one."""
    found: dict[JSON, list[Hit]] = {}
    for hit in hits:
        value = None if field is None else plain(resolve(hit.fields, field))
        key = json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
        found.setdefault(key, []).append(hit)
    return found


def _written(
    hits: Sequence[Hit], parameters: SummarizeParameters, context: StageContext
) -> Assembled:
    return assembled(
        hits,
        parameters.document_template,
        parameters.document_field,
        parameters.max_input_tokens,
        _STRATEGIES[parameters.truncation_strategy],
        context,
    )


def _prompt(
    parameters: SummarizeParameters,
    written: Assembled,
    context: StageContext,
    value: JSON,
    document: Mapping[str, JSON] | None = None,
) -> str:
    names: dict[str, JSON] = {
        "DOCUMENTS": written.text,
        "DOC_COUNT": len(written.documents),
        "GROUP_VALUE": value,
    }
    asked = filled(parameters.prompt, names, context, "prompt", document)
    return asked if "DOCUMENTS" in parameters.prompt else f"{asked}\n\n{written.text}"


def _summary(
    place: int,
    value: JSON,
    written: Assembled,
    answer: JSON,
    parameters: SummarizeParameters,
    context: StageContext,
) -> Hit:
    fields: dict[str, JSON] = {}
    if parameters.group_by is not None:
        fields["group_value"] = value
    if parameters.include_sources:
        fields["source_document_ids"] = [each.hit.document_id for each in written.documents]
    if parameters.include_metadata:
        fields["document_count"] = len(written.documents)
        fields["documents_left_out"] = written.dropped
        fields["input_tokens"] = count(written.text)
    best = max((each.hit.score for each in written.documents), default=0.0)
    made = Hit(f"{context.stage}_{place + 1}", "", place + 1, best, fields, {})
    return with_field(made, parameters.output_field, answer, context)


def _remarks(written: Sequence[Assembled], context: StageContext) -> tuple[str, ...]:
    cut, dropped = sum(e.cut for e in written), sum(e.dropped for e in written)
    if not cut and not dropped:
        return ()
    return (
        f"Stage {context.stage!r}: to keep to max_input_tokens, {cut} documents were cut and "
        f"{dropped} left out.",
    )


STAGE = Stage(
    "summarize",
    "Have one text written about all documents, about each group of them, or about each.",
    SummarizeParameters,
    run,
    needs="generate",
    names={**SPELLINGS, "include_citations": "include_sources"},
    templates=("prompt", "document_template"),
    fields=("group_by", "document_field"),
    icon="file-text",
)
