"""Lists that are asked for with POST, as Mixpeek's client does."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fastapi import Depends

from mixpeek_lab.api.backend import OptionalJSONBody
from mixpeek_lab.api.pages import FIELDS
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON


def demand_narrowed_by(body: Mapping[str, JSON], known: Collection[str] = ()) -> None:
    """InvalidInputError for a search or a filter in the body that the list does not know."""
    wanted = sorted(key for key, value in body.items() if value and key not in (*FIELDS, *known))
    if wanted:
        raise InvalidInputError(f"The list cannot be narrowed by {', '.join(wanted)} yet.")


async def _no_narrowing(body: OptionalJSONBody) -> None:
    demand_narrowed_by(body)


NoNarrowing = Depends(_no_narrowing)
"""A route's dependency: 422 for a search or a filter in the body."""
