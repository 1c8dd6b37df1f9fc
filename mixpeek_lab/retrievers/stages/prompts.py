"""Prompts: a template filled in for each document and sent to a generating extractor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.documents import seen_by_templates
from mixpeek_lab.retrievers.stages.stage import ExtractorParameters, StageContext


class PromptParameters(ExtractorParameters):
    """The parameters of a stage that prompts."""

    prompt: str = Field(min_length=1)
    """A template: `{{INPUT.query}}`, and `{{DOC.title}}`, `{{DOC.content}}` of each document."""


def ask_about(
    hits: Sequence[Hit], parameters: PromptParameters, context: StageContext
) -> Sequence[Mapping[str, JSON]]:
    """The service's answer about each document: it gets `{prompt, document}`.

    InvalidInputError where the template asks for a field that a document lacks.
    """
    asked = []
    for hit in hits:
        document = seen_by_templates(hit, parameters.document_field)
        what = f"prompt for {hit.document_id}"
        prompt = str(context.render(parameters.prompt, what, document))
        asked.append({"prompt": context.short_enough(prompt, "prompt"), "document": document})
    return context.infer(parameters.extractor, asked)
