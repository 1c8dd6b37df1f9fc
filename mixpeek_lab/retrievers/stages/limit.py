"""`limit`: keep the first documents, or those after an offset."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import MOST
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class LimitParameters(StageParameters):
    """The parameters of `limit`, with Mixpeek's defaults."""

    limit: int = Field(10, ge=1, le=MOST)
    """Documents to keep, at most."""
    offset: int = Field(0, ge=0, le=MOST)
    """Documents to leave out before them."""


def run(hits: Sequence[Hit], parameters: LimitParameters, _: StageContext) -> Outcome:
    """Keep `limit` documents after the first `offset`."""
    return Outcome(list(hits[parameters.offset : parameters.offset + parameters.limit]))


STAGE = Stage(
    "limit",
    "Keep the first documents, or those after an offset.",
    LimitParameters,
    run,
    names={"top_k": "limit", "top_n": "limit"},
    icon="scissors",
)
