"""Lists that are asked for with POST, as Mixpeek's client does."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fastapi import Depends

from mixpeek_lab.api.backend import OptionalJSONBody
from mixpeek_lab.api.pages import FIELDS
from mixpeek_lab.errors import BodyError, InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import shown

STATUSES = (
    "PENDING", "QUEUED", "IN_PROGRESS", "PROCESSING", "COMPLETED", "COMPLETED_WITH_ERRORS",
    "FAILED", "CANCELED", "INTERRUPTED", "UNKNOWN", "SKIPPED", "DRAFT", "ACTIVE", "ARCHIVED",
    "SUSPENDED", "DEACTIVATED",
)  # fmt: skip
"""Of tasks and batches, as Mixpeek names them."""


def demand_narrowed_by(body: Mapping[str, JSON], known: Collection[str] = ()) -> None:
    """InvalidInputError for a search or a filter in the body that the list does not know."""
    wanted = sorted(key for key, value in body.items() if value and key not in (*FIELDS, *known))
    if wanted:
        raise InvalidInputError(f"The list cannot be narrowed by {', '.join(wanted)} yet.")


def demand_one_of(value: JSON, name: str, known: Collection[str]) -> None:
    """BodyError for a filter's value that nothing can have. None, and an empty text, are no filter.

    A value that only other platforms have is known too: here nothing has it.
    """
    if value in (None, "") or (isinstance(value, str) and value in known):
        return
    raise BodyError.at(name, f"is {shown(value)}: it is one of {', '.join(known)}.")


async def _no_narrowing(body: OptionalJSONBody) -> None:
    demand_narrowed_by(body)


NoNarrowing = Depends(_no_narrowing)
"""A route's dependency: 422 for a search or a filter in the body."""
