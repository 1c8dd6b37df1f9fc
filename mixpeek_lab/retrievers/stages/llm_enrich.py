"""`llm_enrich`: an extractor or a model writes a text about each document into a field of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from mixpeek_lab.llm import check_schema
from mixpeek_lab.loader.contracts import read_generated
from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import MOST, FieldPath
from mixpeek_lab.retrievers.stages.conditions import chosen, replaced
from mixpeek_lab.retrievers.stages.documents import with_field
from mixpeek_lab.retrievers.stages.generation import SPELLINGS, bare_json, data_in
from mixpeek_lab.retrievers.stages.prompts import PromptParameters, ask_about
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext

_HOW = "Answer with JSON and nothing else. It has to meet this JSON Schema:"


class LLMEnrichParameters(PromptParameters):
    """The parameters of `llm_enrich`."""

    output_field: FieldPath = "extracted"
    """The field that the text is written to."""
    output_schema: dict[str, Any] | None = None
    """A JSON Schema that the answer has to meet: the field holds its data then, not a text."""
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged, and nobody is asked about them."""
    batch_size: int = Field(5, ge=1, le=MOST)
    """Of no effect: one question is asked about each document, several at a time."""


def run(hits: Sequence[Hit], parameters: LLMEnrichParameters, context: StageContext) -> Outcome:
    """Write the service's text into each document. Order and scores stay."""
    about = chosen(hits, parameters.when, context)
    schema = parameters.output_schema
    how = f"{_HOW}\n{json.dumps(schema, ensure_ascii=False)}" if schema else ""
    if schema:
        check_schema(schema)
    answers = ask_about(about, parameters, context, how)
    name = parameters.extractor.text
    texts = [read_generated(name, answer).text for answer in answers]
    made = (
        [data_in(bare_json(t or ""), schema, name or "The model") for t in texts]
        if schema
        else texts
    )
    changed: dict[str, Hit | None] = {
        hit.document_id: with_field(hit, parameters.output_field, value, context)
        for hit, value in zip(about, made, strict=True)
    }
    told = {hit.document_id: {"text": text} for hit, text in zip(about, texts, strict=True)}
    return Outcome(replaced(hits, changed), told)


STAGE = Stage(
    "llm_enrich",
    "Write what an extractor or a language model says about each document into a field of it.",
    LLMEnrichParameters,
    run,
    needs="generate",
    names={**SPELLINGS, "schema": "output_schema"},
    templates=("prompt",),
    fields=("document_field", "when"),
)
