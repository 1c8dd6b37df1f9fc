"""Prompts: a template filled in for each document, for an extractor or a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.documents import CONTENT, seen_by_templates
from mixpeek_lab.retrievers.stages.generation import GeneratorParameters, generated
from mixpeek_lab.retrievers.stages.stage import StageContext


class PromptParameters(GeneratorParameters):
    """The parameters of a stage that prompts."""

    prompt: str = Field(min_length=1)
    """A template: `{{INPUT.query}}`, and `{{DOC.title}}`, `{{DOC.content}}` of each document. A
    language model gets the document's text after a prompt that names nothing of it."""


def ask_about(
    hits: Sequence[Hit], parameters: PromptParameters, context: StageContext, how: str = ""
) -> Sequence[Mapping[str, JSON]]:
    """The answer about each document, from a service that gets `{prompt, document}` or a model.

    `how` tells a model how to answer. InvalidInputError where the template asks for a field that a
    document lacks.
    """
    context.few_enough(len(hits), "prompts")
    asked: list[dict[str, Any]] = []
    for hit in hits:
        document = seen_by_templates(hit, parameters.document_field)
        what = f"prompt for {hit.document_id}"
        prompt = str(context.render(parameters.prompt, what, document))
        asked.append({"prompt": context.short_enough(prompt, "prompt"), "document": document})
    if parameters.has_extractor:
        return context.infer(parameters.extractor, asked)
    is_told = "DOC" in parameters.prompt or "doc." in parameters.prompt
    prompts = [
        "\n\n".join(filter(None, [a["prompt"], "" if is_told else _content(a["document"]), how]))
        for a in asked
    ]
    return [{"text": text} for text in generated(parameters, context, prompts)]


def _content(document: Mapping[str, JSON]) -> str:
    return str(document[CONTENT] or "")
