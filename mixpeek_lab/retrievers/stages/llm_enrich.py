"""`llm_enrich`: an extractor or a model writes a text about each document into a field of it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from mixpeek_lab.loader.contracts import read_generated
from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.stages.documents import with_field
from mixpeek_lab.retrievers.stages.generation import SPELLINGS
from mixpeek_lab.retrievers.stages.prompts import PromptParameters, ask_about
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext


class LLMEnrichParameters(PromptParameters):
    """The parameters of `llm_enrich`."""

    output_field: str = Field("extracted", min_length=1)
    """The field that the text is written to."""


def run(hits: Sequence[Hit], parameters: LLMEnrichParameters, context: StageContext) -> Outcome:
    """Write the service's text into each document. Order and scores stay."""
    answers = ask_about(hits, parameters, context)
    name = parameters.extractor.text
    texts = [read_generated(name, answer).text for answer in answers]
    return Outcome(
        [
            with_field(hit, parameters.output_field, text, context)
            for hit, text in zip(hits, texts, strict=True)
        ],
        {hit.document_id: {"text": text} for hit, text in zip(hits, texts, strict=True)},
    )


STAGE = Stage(
    "llm_enrich",
    "Write what an extractor or a language model says about each document into a field of it.",
    LLMEnrichParameters,
    run,
    needs="generate",
    names=SPELLINGS,
    templates=("prompt",),
    fields=("document_field",),
)
