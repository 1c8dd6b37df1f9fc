"""`aggregate`: counts, sums and other figures over the documents, or over groups of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, model_validator

from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST, MOST_NAMED, FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.aggregations import FUNCTIONS, Aggregation, lacks_numbers
from mixpeek_lab.retrievers.stages.documents import value_at
from mixpeek_lab.retrievers.stages.sorting import Direction, identity, order_key
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class GroupField(StageParameters):
    """A field to group by; its name alone will do."""

    field: FieldPath
    alias: str | None = Field(None, min_length=1)
    """Its name in the answer; the last part of the field where it is left out."""

    @model_validator(mode="before")
    @classmethod
    def _of_name(cls, given: object) -> object:
        return {"field": given} if isinstance(given, str) else given

    @property
    def name(self) -> str:
        """Its name in the answer."""
        return self.alias or self.field.rpartition(".")[2]


class AggregateParameters(StageParameters):
    """The parameters of `aggregate`, with Mixpeek's defaults."""

    aggregations: tuple[Aggregation, ...] = Field(min_length=1, max_length=64, strict=False)
    """What is computed: `{function, field, alias}` each."""
    group_by: tuple[GroupField, ...] = Field((), max_length=MOST_NAMED, strict=False)
    """Fields, `{field, alias}` or a name each: the figures are computed for each combination of
    values."""
    sort_by: str | None = None
    """With group_by: the alias of the figure to sort by. The groups' first documents otherwise."""
    sort_order: Direction = "desc"
    limit: int | None = Field(None, ge=1, le=MOST)
    """With group_by: groups in the answer, at most."""
    include_documents: bool = False
    """Whether the documents stay in the answer beside the figures."""

    @model_validator(mode="after")
    def _check(self) -> AggregateParameters:
        names = [each.alias for each in self.aggregations] + [each.name for each in self.group_by]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two aggregations or groups are called {twice!r}: give aliases.")
        aliases = [each.alias for each in self.aggregations]
        if self.sort_by is not None and self.sort_by not in aliases:
            raise ValueError(f"sort_by: no aggregation is called {self.sort_by!r}.")
        return self


def run(hits: Sequence[Hit], parameters: AggregateParameters, context: StageContext) -> Outcome:
    """Compute the figures; `aggregations` in the answer.

    An object `{alias: figure}`, or with group_by a list of those with the group's values.
    """
    compute = _by_group if parameters.group_by else _figures
    kept = hits if parameters.include_documents else []
    told = tuple(
        f"Stage {context.stage!r}: {each.function} of {each.field!r} needs numbers, and none of "
        f"its {len(hits)} documents has one there."
        for each in parameters.aggregations
        if hits and lacks_numbers(hits, each)
    )
    return Outcome(kept, warnings=told, output={"aggregations": plain(compute(hits, parameters))})


def _figures(hits: Sequence[Hit], parameters: AggregateParameters) -> dict[str, JSON]:
    return {each.alias: FUNCTIONS[each.function](hits, each) for each in parameters.aggregations}


def _by_group(hits: Sequence[Hit], parameters: AggregateParameters) -> Sequence[Mapping[str, JSON]]:
    groups: dict[tuple[str, ...], list[Hit]] = {}
    for hit in hits:
        key = tuple(identity(value_at(hit, each.field)) for each in parameters.group_by)
        groups.setdefault(key, []).append(hit)
    found = [
        {each.name: value_at(members[0], each.field) for each in parameters.group_by}
        | _figures(members, parameters)
        for members in groups.values()
    ]
    return _sorted(found, parameters)[: parameters.limit]


def _sorted(
    groups: list[dict[str, JSON]], parameters: AggregateParameters
) -> Sequence[Mapping[str, JSON]]:
    """By the figure `sort_by`, groups without one last; ties keep their order."""
    if parameters.sort_by is None:
        return groups
    keyed = [(order_key(group[parameters.sort_by]), group) for group in groups]
    valued = [entry for entry in keyed if entry[0] is not None]
    valued.sort(key=lambda entry: entry[0] or (), reverse=parameters.sort_order == "desc")
    return [group for _, group in valued] + [group for key, group in keyed if key is None]


STAGE = Stage(
    "aggregate",
    "Count, sum, average and more over the documents, or over groups of them.",
    AggregateParameters,
    run,
    fields=("aggregations", "group_by"),
    icon="sigma",
)
