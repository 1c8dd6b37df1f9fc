"""`attribute_filter`: keep the documents whose fields satisfy a filter, in their order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, model_validator

from mixpeek_lab.errors import FilterError
from mixpeek_lab.filters import Filter, has_template, parse_filter
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST, FieldPath
from mixpeek_lab.retrievers.stages.documents import NOT_STORED, seen, seen_by_templates
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

_OF_A_HIT = re.compile(r"\b(DOC|doc)\b")
_NOT_OF_A_REQUEST = re.compile(r"\b(DOC|doc|CONTEXT|context)\b")


class AttributeFilterParameters(StageParameters):
    """The parameters of `attribute_filter`: one condition, or `conditions`."""

    field: FieldPath | None = None
    """The field that is looked at; dots lead into objects."""
    operator: str = "eq"
    """eq, ne, gt, gte, lt, lte, in, nin, exists, is_null, contains, starts_with, ends_with or
    regex."""
    value: Any = None
    """What it is compared with. A template may name an input or another field of the document."""
    conditions: dict[str, Any] | None = None
    """`{AND | OR | NOT: [...]}` of conditions, in place of one."""
    case_insensitive: bool | None = None
    """Whether texts are compared without regard to case. As filters do, where it is left out:
    without, unless a condition says `case_sensitive`."""
    batch_size: int = Field(100, ge=1, le=MOST)
    """Of no effect: all documents are in memory."""

    @property
    def written(self) -> JSON:
        """The filter as the grammar spells it."""
        if self.conditions is not None:
            found = self.conditions
        else:
            found = {"field": self.field, "operator": self.operator, "value": self.value}
        if self.case_insensitive is not None:
            return _with_case(found, not self.case_insensitive)
        return found

    @model_validator(mode="after")
    def _check(self) -> AttributeFilterParameters:
        if (self.field is None) == (self.conditions is None):
            raise ValueError("give one condition (field, operator, value), or `conditions`.")
        try:
            parse_filter(self.written, "conditions" if self.field is None else "condition")
        except FilterError as error:
            raise ValueError(str(error)) from error
        return self


def run(
    hits: Sequence[Hit], parameters: AttributeFilterParameters, context: StageContext
) -> Outcome:
    """Keep what satisfies the filter. FilterError where a template gives what does not fit."""
    where, written = f"stage {context.stage!r}", parameters.written
    if has_template(written) and _OF_A_HIT.search(str(written)):
        kept = [
            hit
            for hit in hits
            if _holds(
                parse_filter(context.render(written, "conditions", seen_by_templates(hit)), where),
                hit,
            )
        ]
    else:
        row_filter = parse_filter(context.render(written, "conditions"), where)
        holds = row_filter.each(list(map(seen, hits))) if row_filter else [True] * len(hits)
        kept = [hit for hit, stays in zip(hits, holds, strict=True) if stays]
    told = f"Stage {context.stage!r} kept none of {len(hits)} documents."
    return Outcome(kept, warnings=() if kept or not hits else (told,))


def pushable(parameters: StageParameters) -> Filter | None:
    """The filter, where a search can apply it to stored documents with the same effect."""
    if not isinstance(parameters, AttributeFilterParameters):
        return None
    written = parameters.written
    if has_template(written) and _NOT_OF_A_REQUEST.search(str(written)):
        return None
    found = parse_filter(written)
    roots = {field.partition(".")[0] for field in found.fields} if found else NOT_STORED
    return None if roots & NOT_STORED else found


def _holds(row_filter: Filter | None, hit: Hit) -> bool:
    return row_filter is None or row_filter.matches(seen(hit))


def _with_case(written: JSON, case_sensitive: bool) -> JSON:
    """The filter with this said in all of its conditions; what is no filter is left as it is."""
    if isinstance(written, list | tuple):
        return [_with_case(part, case_sensitive) for part in written]
    if not isinstance(written, Mapping):
        return written
    found = {
        key: _with_case(value, case_sensitive) if key in ("AND", "OR", "NOT") else value
        for key, value in written.items()
    }
    if {"field", "AND", "OR", "NOT"} & found.keys():
        return {**found, "case_sensitive": case_sensitive}
    return {"AND": [found], "case_sensitive": case_sensitive}


STAGE = Stage(
    "attribute_filter",
    "Keep the documents whose fields satisfy conditions.",
    AttributeFilterParameters,
    run,
    names={"filters": "conditions"},
    templates=("value", "conditions"),
    fields=("field", "conditions"),
    icon="filter",
)
