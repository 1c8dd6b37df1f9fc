"""What stages there are, as `GET /v1/retrievers/stages` and `%retriever stages` tell it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import ParametersBody
from mixpeek_lab.retrievers.stages import AVAILABLE, FIRST, OFF
from mixpeek_lab.retrievers.stages.names import all_stages, category_of

_SEARCH = "Search by vectors and by words, and fuse what they find. Every retriever begins with it."


def stage_definitions() -> list[dict[str, JSON]]:
    """`{stage_id, description, category, icon, parameter_schema}` of each stage, by category.

    The schema is JSON Schema. Stages that are off stand last, with the reason in their description
    and without a schema.
    """
    found = [_definition(stage_id) for stage_id in all_stages() if stage_id not in OFF]
    return [dict(each) for each in found if each] + [
        {
            "stage_id": stage_id,
            "description": f"Off. {reason}",
            "category": category_of(stage_id),
            "icon": "ban",
            "parameter_schema": None,
        }
        for stage_id, reason in OFF.items()
    ]


@lru_cache
def _definition(stage_id: str) -> Mapping[str, JSON] | None:
    """None for a stage that is not part of this version."""
    if stage_id == FIRST:
        return {
            "stage_id": FIRST,
            "description": _SEARCH,
            "category": category_of(FIRST),
            "icon": "search",
            "parameter_schema": ParametersBody.model_json_schema(),
        }
    stage = AVAILABLE.get(stage_id)
    if stage is None:
        return None
    return {
        "stage_id": stage_id,
        "description": stage.description,
        "category": stage.category,
        "icon": stage.icon,
        "parameter_schema": stage.parameters.model_json_schema(),
    }
