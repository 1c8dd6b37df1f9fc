"""Texts from a language model, or from an extractor that generates: the same to a stage."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.errors import LLMSchemaError
from mixpeek_lab.llm import LLMRequest, check_schema, read_data
from mixpeek_lab.loader.contracts import read_generated
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.stages.stage import ExtractorParameters, StageContext

AT_ONCE = 4
"""Questions to a model at a time."""
SPELLINGS: Mapping[str, str] = {
    "extractor": "inference_name",
    "model": "model_name",
    "max_tokens": "max_output_tokens",
    "content_field": "document_field",
    "result_field": "output_field",
}
"""Other spellings of the parameters of stages that generate."""

_OWN_NAMES = re.compile(
    r"\{\{\s*(DOCUMENTS|DOC_COUNT|GROUP_VALUE|INDEX|CITATION|QUERY|NUM_EXPANSIONS|query|"
    r"num_variations)\s*\}\}"
)
_MAKERS = (("gpt", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"),
           ("gemini", "google"), ("claude", "anthropic"))  # fmt: skip


class GeneratorParameters(ExtractorParameters):
    """The parameters of a stage that has texts generated.

    By the extractor that feature_uri or inference_name names; else by a language model.
    """

    provider: Literal["google", "openai", "anthropic", "local"] | None = None
    """Of the language model; where it is left out, the one that model_name tells, else google."""
    model_name: str | None = None
    """The provider's first one where it is left out."""
    temperature: float | None = Field(None, ge=0, le=2)
    max_output_tokens: int | None = Field(None, ge=1, le=128_000)
    """Tokens of the model's answer."""

    @property
    def has_extractor(self) -> bool:
        """Whether an extractor is asked. `provider:model` as inference_name is an older way to
        name a language model."""
        return self.feature_uri is not None or (
            bool(self.inference_name) and ":" not in str(self.inference_name)
        )

    @property
    def needs_extractor(self) -> bool:
        """A language model will do."""
        return False

    @property
    def model(self) -> tuple[str, str]:
        """(provider, model name) of the language model; an empty name is the provider's first."""
        provider, model = self.provider, self.model_name or ""
        if self.inference_name and not self.has_extractor and not provider:
            named, _, model = self.inference_name.partition(":")
            return {"gemini": "google"}.get(named, named), model
        made = (maker for start, maker in _MAKERS if model.startswith(start))
        return provider or next(made, "google"), model


def generated(
    parameters: GeneratorParameters,
    context: StageContext,
    prompts: Sequence[str],
    documents: Sequence[Mapping[str, JSON]] = (),
    schema: Mapping[str, Any] | None = None,
) -> list[Any]:
    """The answer to each prompt: a text, or with a `schema` the data that meets it.

    An extractor gets `{prompt, document}`. Raises what `reach.llm` and `infer` do,
    InvalidInputError for a schema that is none, and LLMSchemaError for an answer that does not
    meet it.
    """
    context.few_enough(len(prompts), "prompts")
    asked = [context.short_enough(prompt, "prompt") for prompt in prompts]
    if schema is not None:
        check_schema(schema)
    if parameters.has_extractor:
        about = documents or [{}] * len(asked)
        inputs = [
            {"prompt": prompt, "document": document}
            for prompt, document in zip(asked, about, strict=True)
        ]
        name = parameters.extractor.text
        answers = context.infer(parameters.extractor, inputs) if inputs else ()
        texts = [read_generated(name, answer).text or "" for answer in answers]
        if schema is None:
            return list(texts)
        return [data_in(text, schema, name) for text in texts]
    requests = [_request(parameters, prompt, schema) for prompt in asked]
    if len(requests) < 2:
        return [context.reach.llm(request).data for request in requests]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mixpeek-lab-stage") as pool:
        work = [pool.submit(copy_context().run, context.reach.llm, request) for request in requests]
        return [each.result().data for each in work]


def bare_json(text: str) -> str:
    """The JSON object in an answer: models like to put fences around it."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def data_in(text: str, schema: Mapping[str, Any], who: str) -> Any:
    """The data in a text that `who` wrote. LLMSchemaError where it does not meet the schema."""
    try:
        return read_data(LLMRequest("x", schema=schema), text)
    except LLMSchemaError as error:
        _, _, why = str(error).partition("did not meet the schema")
        raise LLMSchemaError(f"{who} did not meet the schema{why}", text) from error


def filled(
    template: str,
    names: Mapping[str, JSON],
    context: StageContext,
    what: str,
    document: Mapping[str, JSON] | None = None,
) -> str:
    """A template with a stage's own names: `{{INDEX}}` is also `{{CONTEXT.INDEX}}`."""
    own = replace(context, values={**context.values, **names})
    bare = template.rstrip("\n")  # Jinja would take a newline from the end
    found = own.render(_OWN_NAMES.sub(r"{{CONTEXT.\1}}", bare), what, document)
    return f"{found}{template[len(bare) :]}"


def _request(
    parameters: GeneratorParameters, prompt: str, schema: Mapping[str, Any] | None
) -> LLMRequest:
    provider, model = parameters.model
    asked = LLMRequest(
        prompt, provider=provider, model=model, schema=schema, temperature=parameters.temperature
    )
    most = parameters.max_output_tokens
    return asked if most is None else replace(asked, max_tokens=most)
