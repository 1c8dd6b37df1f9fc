"""`llm_filter`: a generating extractor, or a language model, decides which documents stay."""

from __future__ import annotations

from collections.abc import Sequence

from mixpeek_lab.loader.contracts import read_verdict
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.generation import SPELLINGS
from mixpeek_lab.retrievers.stages.prompts import PromptParameters, ask_about
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext


class LLMFilterParameters(PromptParameters):
    """The parameters of `llm_filter`."""


def run(hits: Sequence[Hit], parameters: LLMFilterParameters, context: StageContext) -> Outcome:
    """Keep the documents that the service says yes to, in their order.

    It answers `{keep, reason}`, or `{text}` that begins with yes or no.
    """
    answers = ask_about(hits, parameters, context, "Begin your answer with yes or no.")
    name = parameters.extractor.text
    kept: list[Hit] = []
    found: dict[str, dict[str, JSON]] = {}
    for hit, answer in zip(hits, answers, strict=True):
        keep, reason = read_verdict(name, answer)
        if keep:
            kept.append(hit)
            found[hit.document_id] = {"keep": True, "reason": reason}
    told = f"Stage {context.stage!r} kept none of {len(hits)} documents."
    return Outcome(kept, found, () if kept or not hits else (told,))


STAGE = Stage(
    "llm_filter",
    "Keep the documents that a generating extractor or a language model says yes to.",
    LLMFilterParameters,
    run,
    needs="generate",
    names={**SPELLINGS, "criteria": "prompt"},
    templates=("prompt",),
    fields=("document_field",),
)
