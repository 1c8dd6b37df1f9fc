"""`agentic_enrich`: a model works a document out in several turns, with tools to look things up.

Each turn it answers with JSON: `{"tool": name, "arguments": {…}}` for a look-up, whose result it
sees in the next turn, or `{"answer": {…}}`, which has to meet `output_schema`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.errors import LabError, LLMSchemaError, LLMSettingsError
from mixpeek_lab.llm import check_schema
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.stages.agent_tools import TOOLS, AgentParameters, Tool
from mixpeek_lab.retrievers.stages.conditions import chosen, replaced
from mixpeek_lab.retrievers.stages.documents import seen_by_templates, with_field
from mixpeek_lab.retrievers.stages.generation import SPELLINGS, bare_json, data_in, generated
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext

_LONGEST = 20_000
"""Characters of one tool's result, and of the document, that the model sees."""
_HOW = (
    "Answer with one JSON object and nothing else. To look something up: "
    '{"tool": "<name>", "arguments": {…}}. When you know: {"answer": <JSON that meets the schema>}.'
)


class AgenticEnrichParameters(AgentParameters):
    """The parameters of `agentic_enrich`, with Mixpeek's defaults."""

    system_prompt: str = Field(min_length=1)
    """A template: `{{INPUT.…}}`, `{{DOC.…}}`."""
    output_schema: dict[str, Any]
    """The JSON Schema of the answer."""
    output_field: FieldPath = "metadata.classification"
    enabled_tools: (
        list[Literal["get_taxonomy_categories", "query_examples", "analyze_content"]] | None
    ) = None
    """Those that the other parameters make possible, where left out."""
    max_turns: int = Field(8, ge=1, le=20)
    timeout_seconds: float = Field(60.0, ge=1, le=300)
    """For one document; looked at between turns."""
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged."""
    max_documents: int = Field(10, ge=1, le=100)
    """The first ones; the others pass unchanged, with a warning."""
    max_concurrency: int = Field(2, ge=1, le=5)
    """Documents at a time."""


@dataclass(slots=True)
class _Work:
    """What happened with one document."""

    answer: JSON = None
    problem: str = ""
    turns: list[dict[str, JSON]] = field(default_factory=list)


def run(hits: Sequence[Hit], parameters: AgenticEnrichParameters, context: StageContext) -> Outcome:
    """Let the model work on each document. One without an answer in time gets null, and is told."""
    check_schema(parameters.output_schema)
    wanted = chosen(hits, parameters.when, context)
    about = wanted[: parameters.max_documents]
    with ThreadPoolExecutor(
        parameters.max_concurrency, thread_name_prefix="mixpeek-lab-agent"
    ) as pool:
        work = [pool.submit(copy_context().run, _work, hit, parameters, context) for hit in about]
        done = [each.result() for each in work]
    changed: dict[str, Hit | None] = {
        hit.document_id: with_field(hit, parameters.output_field, each.answer, context)
        for hit, each in zip(about, done, strict=True)
    }
    found: dict[str, Mapping[str, JSON]] = {
        hit.document_id: {"turns": each.turns} for hit, each in zip(about, done, strict=True)
    }
    return Outcome(
        replaced(hits, changed), found, _warnings(len(wanted), about, done, parameters, context)
    )


def _work(hit: Hit, parameters: AgenticEnrichParameters, context: StageContext) -> _Work:
    until = time.monotonic() + parameters.timeout_seconds
    tools = _tools(parameters)
    said = _beginning(hit, tools, parameters, context)
    work = _Work(problem=f"no answer in {parameters.max_turns} turns")
    document = seen_by_templates(hit)
    for turn in range(parameters.max_turns):
        if time.monotonic() > until:
            work.problem = f"no answer in {parameters.timeout_seconds:g} s"
            break
        left = parameters.max_turns - turn
        last = "\n\nThis is the last turn: give the answer." if left == 1 else ""
        [text] = generated(parameters, context, [said + last], [document])
        work.turns.append({"said": str(text)[:_LONGEST]})
        step, reply = _step(str(text), tools, hit, parameters, context)
        if step is not None:
            work.answer, work.problem = step["answer"], ""
            break
        work.turns[-1]["result"] = reply
        said = f"{said}\n\nYou: {str(text)[:_LONGEST]}\n\nResult: {reply}"
    return work


def _tools(parameters: AgenticEnrichParameters) -> dict[str, Tool]:
    names = parameters.enabled_tools
    return {
        name: tool
        for name, tool in TOOLS.items()
        if tool.is_possible(parameters) and (names is None or name in names)
    }


def _beginning(
    hit: Hit,
    tools: Mapping[str, Tool],
    parameters: AgenticEnrichParameters,
    context: StageContext,
) -> str:
    document = seen_by_templates(hit, parameters.document_field)
    asked = str(context.render(parameters.system_prompt, "system_prompt", document))
    listed = "\n".join(f"- {name}: {tool.description}" for name, tool in tools.items())
    return "\n\n".join(
        [
            asked,
            f"Tools:\n{listed}",
            f"Schema of the answer: {json.dumps(parameters.output_schema)}",
            _HOW,
            f"The document: {json.dumps(document, ensure_ascii=False)[:_LONGEST]}",
        ]
    )


def _step(
    text: str,
    tools: Mapping[str, Tool],
    hit: Hit,
    parameters: AgenticEnrichParameters,
    context: StageContext,
) -> tuple[dict[str, JSON] | None, str]:
    """The answer, if this is one; else what the model is told."""
    try:
        step = json.loads(bare_json(text))
    except (ValueError, RecursionError):
        return None, f"That is not JSON. {_HOW}"
    if not isinstance(step, dict):
        return None, f"That is no object. {_HOW}"
    if "answer" in step:
        try:
            answer = json.dumps(step["answer"])
            return {"answer": data_in(answer, parameters.output_schema, "The answer")}, ""
        except LLMSchemaError as error:
            return None, str(error)
    tool = tools.get(str(step.get("tool")))
    if tool is None:
        return None, f"There is no tool {step.get('tool')!r}; there are: {', '.join(tools)}."
    arguments = step.get("arguments") or {}
    if not isinstance(arguments, dict):
        return None, "arguments must be an object."
    try:
        return None, tool.run(arguments, hit, parameters, context)[:_LONGEST]
    except LLMSettingsError:  # no model can do anything about it
        raise
    except LabError as error:
        return None, f"The tool failed: {error}"


def _warnings(
    wanted: int,
    about: Sequence[Hit],
    done: Sequence[_Work],
    parameters: AgenticEnrichParameters,
    context: StageContext,
) -> tuple[str, ...]:
    found = []
    if wanted > len(about):
        found.append(
            f"Stage {context.stage!r}: {wanted - len(about)} documents beyond max_documents "
            f"({parameters.max_documents}) pass unchanged."
        )
    problems = [
        f"{hit.document_id}: {each.problem}"
        for hit, each in zip(about, done, strict=True)
        if each.problem
    ]
    if problems:
        found.append(
            f"Stage {context.stage!r}: {len(problems)} documents got no answer. {problems[0]}."
        )
    return tuple(found)


STAGE = Stage(
    "agentic_enrich",
    "Let a model work each document out in several turns, with tools to look things up.",
    AgenticEnrichParameters,
    run,
    needs="generate",
    names={**SPELLINGS, "prompt": "system_prompt"},
    templates=("system_prompt",),
    fields=("document_field", "when"),
    icon="bot",
)
