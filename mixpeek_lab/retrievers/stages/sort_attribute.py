"""`sort_attribute`: order the documents by a field."""

from __future__ import annotations

from collections.abc import Sequence

from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.stages.documents import value_at
from mixpeek_lab.retrievers.stages.sorting import Direction, order_key
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class SortAttributeParameters(StageParameters):
    """The parameters of `sort_attribute`, with Mixpeek's defaults."""

    field: FieldPath
    """The field to sort by; dots lead into objects. Numbers stand before times, then texts."""
    direction: Direction = "desc"
    """`desc`: the largest or latest first."""
    nulls_last: bool = True
    """Whether documents without the field come last in either direction. Otherwise they count as
    less than all others."""


def run(hits: Sequence[Hit], parameters: SortAttributeParameters, _: StageContext) -> Outcome:
    """Sort by the field. Equal values keep their order."""
    is_descending = parameters.direction == "desc"
    keyed = [(order_key(value_at(hit, parameters.field)), hit) for hit in hits]
    valued = [(key, hit) for key, hit in keyed if key is not None]
    valued.sort(key=lambda entry: entry[0], reverse=is_descending)
    ordered = [hit for _, hit in valued]
    without = [hit for key, hit in keyed if key is None]
    first = not (parameters.nulls_last or is_descending)
    return Outcome([*without, *ordered] if first else [*ordered, *without])


STAGE = Stage(
    "sort_attribute",
    "Order the documents by a field: a date, a number, a text.",
    SortAttributeParameters,
    run,
    names={"sort_field": "field", "order": "direction"},
    fields=("field",),
    icon="arrow-up-down",
)
