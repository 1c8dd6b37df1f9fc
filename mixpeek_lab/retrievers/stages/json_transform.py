"""`json_transform`: replace each document by what a template makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from pydantic import Field

from mixpeek_lab.errors import InvalidInputError, RetrieverError
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.documents import seen_by_templates
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

MOST_DEPTH = 64
"""Levels of a document."""


class JSONTransformParameters(StageParameters):
    """The parameters of `json_transform`, with Mixpeek's defaults."""

    template: str = Field(min_length=1)
    """A template that gives a JSON object: `{"title": {{ DOC.title | tojson }}}`."""
    fail_on_error: bool = False
    """Whether a document that the template fails on ends the search. Otherwise it is left out."""


def run(hits: Sequence[Hit], parameters: JSONTransformParameters, context: StageContext) -> Outcome:
    """The objects become the documents' fields. Ids, score, lineage and order stay."""
    found: list[Hit] = []
    failed: list[str] = []
    for hit in hits:
        try:
            found.append(replace(hit, fields=_transformed(hit, parameters, context)))
        except InvalidInputError as error:
            if parameters.fail_on_error:
                raise
            failed.append(str(error))
    told = f"Stage {context.stage!r}: {len(failed)} of {len(hits)} documents are left out"
    return Outcome(found, warnings=(f"{told}: {failed[0]}",) if failed else ())


def _transformed(
    hit: Hit, parameters: JSONTransformParameters, context: StageContext
) -> Mapping[str, JSON]:
    what = f"template for {hit.document_id}"
    value = context.render(parameters.template, what, seen_by_templates(hit))
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_constant=_refuse)
            json.dumps(value, ensure_ascii=False).encode()  # no half of a surrogate pair
        except (ValueError, RecursionError) as error:
            shown = value if len(value) <= 200 else f"{value[:200]}…"
            raise RetrieverError(
                f"stage {context.stage!r}, {what}: it gave no JSON ({error}). Write texts as "
                f"{{{{ DOC.x | tojson }}}}. It gave: {shown}"
            ) from error
    if not isinstance(value, Mapping):
        raise RetrieverError(
            f"stage {context.stage!r}, {what}: it gave {type(value).__name__}, not a JSON object."
        )
    if _is_deeper(value, MOST_DEPTH):
        raise RetrieverError(
            f"stage {context.stage!r}, {what}: it gave an object that nests more than "
            f"{MOST_DEPTH} levels deep."
        )
    return value


def _is_deeper(value: JSON, most: int) -> bool:
    """Whether lists and objects lie in each other more than `most` levels deep."""
    level: list[JSON] = [value]
    for _ in range(most):
        inner = [v.values() if isinstance(v, Mapping) else v for v in level]
        level = [v for each in inner for v in each if isinstance(v, Mapping | list | tuple)]
    return bool(level)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


STAGE = Stage(
    "json_transform",
    "Replace each document by what a template makes of it, a JSON object.",
    JSONTransformParameters,
    run,
    templates=("template",),
    icon="braces",
)
