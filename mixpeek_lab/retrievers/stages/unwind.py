"""`unwind`: make a document of each element of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST, FieldPath
from mixpeek_lab.retrievers.stages.documents import value_at, with_field
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class UnwindParameters(StageParameters):
    """The parameters of `unwind`, with Mixpeek's defaults."""

    field: FieldPath
    """The field with the list; dots lead into objects. What is no list counts as one element."""
    preserve_null_and_empty: bool = False
    """Whether a document without the field, or with an empty list, stays as it is."""
    include_array_index: FieldPath | None = None
    """The field that the element's place is written to, counted from 0; null where there is no
    list."""
    output_field: FieldPath | None = None
    """The field that the element is written to; the list's own where it is left out."""


def run(hits: Sequence[Hit], parameters: UnwindParameters, context: StageContext) -> Outcome:
    """The documents that each one becomes stand together, in the order of the list.

    They keep its id and score. RetrieverError for more than 10,000 of them.
    """
    found: list[Hit] = []
    for hit in hits:
        found += _unwound(hit, parameters, context)
        if len(found) > MOST:
            raise RetrieverError(
                f"stage {context.stage!r}: the lists in {parameters.field!r} make more than "
                f"{MOST:,} documents. Put a limit before the stage."
            )
    told = f"Stage {context.stage!r}: none of {len(hits)} documents has elements in "
    told += f"{parameters.field!r}: all are left out."
    return Outcome(found, warnings=(told,) if hits and not found else ())


def _unwound(hit: Hit, parameters: UnwindParameters, context: StageContext) -> Iterator[Hit]:
    value = value_at(hit, parameters.field)
    if value is None or (isinstance(value, list | tuple) and not value):
        if parameters.preserve_null_and_empty:
            yield _numbered(hit, None, parameters, context)
        return
    place: int | None
    for place, element in enumerate(value) if isinstance(value, list | tuple) else ((None, value),):
        changed = with_field(hit, parameters.output_field or parameters.field, element, context)
        yield _numbered(changed, place, parameters, context)


def _numbered(hit: Hit, place: JSON, parameters: UnwindParameters, context: StageContext) -> Hit:
    name = parameters.include_array_index
    return hit if name is None else with_field(hit, name, place, context)


STAGE = Stage(
    "unwind",
    "Make a document of each element of a list.",
    UnwindParameters,
    run,
    fields=("field",),
    icon="unfold-vertical",
)
