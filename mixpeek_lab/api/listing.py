"""Lists that are asked for with POST, as Mixpeek's client does."""

from __future__ import annotations

from fastapi import Depends

from mixpeek_lab.api.backend import OptionalJSONBody
from mixpeek_lab.api.pages import FIELDS
from mixpeek_lab.errors import InvalidInputError


async def _no_narrowing(body: OptionalJSONBody) -> None:
    wanted = sorted(key for key, value in body.items() if value and key not in FIELDS)
    if wanted:
        raise InvalidInputError(f"The list cannot be narrowed by {', '.join(wanted)} yet.")


NoNarrowing = Depends(_no_narrowing)
"""A route's dependency: 422 for a search or a filter in the body."""
