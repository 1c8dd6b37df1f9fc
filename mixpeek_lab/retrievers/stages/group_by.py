"""`group_by`: put documents with the same value together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST, FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.documents import value_at
from mixpeek_lab.retrievers.stages.sorting import identity
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class GroupByParameters(StageParameters):
    """The parameters of `group_by`, with Mixpeek's defaults."""

    group_by_field: FieldPath = "source_object_id"
    """The field whose values make the groups: of the document, or of its lineage."""
    max_per_group: int = Field(10, ge=1, le=MOST)
    """Documents of each group, at most: those with the highest scores."""
    output_mode: Literal["first", "all", "flatten"] = "all"
    """`first`: one document of each group. `all`: the documents group by group, and `groups` in the
    answer. `flatten`: the same without `groups`."""


def run(hits: Sequence[Hit], parameters: GroupByParameters, context: StageContext) -> Outcome:
    """Groups in the order of their first document, in each the highest score first.

    Documents without the field are in no group.
    """
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        value = value_at(hit, parameters.group_by_field)
        if value is not None:
            groups.setdefault(identity(value), []).append(hit)
    most = 1 if parameters.output_mode == "first" else parameters.max_per_group
    kept = {
        key: sorted(members, key=lambda hit: -hit.score)[:most] for key, members in groups.items()
    }
    told: list[JSON] = [
        {
            "key": plain(value_at(kept[key][0], parameters.group_by_field)),
            "count": len(members),
            "document_ids": [hit.document_id for hit in kept[key]],
        }
        for key, members in groups.items()
    ]
    left_out = len(hits) - sum(map(len, groups.values()))
    why = f"{left_out} documents without {parameters.group_by_field!r} are in no group"
    return Outcome(
        [hit for members in kept.values() for hit in members],
        warnings=(f"Stage {context.stage!r}: {why}, and left out.",) if left_out else (),
        output={"groups": told} if parameters.output_mode == "all" else {},
    )


STAGE = Stage(
    "group_by",
    "Put documents with the same value together, with so many of each.",
    GroupByParameters,
    run,
    names={"field": "group_by_field", "group_size": "max_per_group"},
    fields=("group_by_field",),
    icon="group",
)
