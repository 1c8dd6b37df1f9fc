"""How a run's input is cut into the blocks that travel through its pipeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from mixpeek_lab.models import ComputeProfile

if TYPE_CHECKING:
    from mixpeek_lab.loader import ProcessorStep

MOST_BLOCKS = 64
"""Blocks per run at most: enough to show progress, few enough to cost little."""
TURNS = 4
"""Batches for each actor, where the input is small."""
WHOLE_BATCHES = 2
"""Batches of the declared size for each actor, from which on an input is not small."""
LEAST = 8
"""Rows of a batch, where there are as many: what is wrong with a batch shows with two rows."""
ROWS_PER_ACTOR = 8
"""With fewer, a second actor is not worth its start and model load."""


def input_blocks(
    table: pa.Table, steps: Sequence[ProcessorStep], profile: ComputeProfile
) -> list[pa.Table]:
    """The input in blocks, the same ones whatever the machine is and whichever engine runs."""
    return cut_blocks(table, first_batch(steps, profile, len(table)))


def first_batch(steps: Sequence[ProcessorStep], profile: ComputeProfile, rows: int) -> int:
    """Rows of a batch for the first step: as declared, less where the input is small.

    One batch would keep one actor busy and the others idle, and nobody could see how far it is.
    """
    declared = steps[0].batch_size or profile.batch_size
    asked = max(step.concurrency or profile.max_concurrency for step in steps)
    actors = max(1, min(asked, rows // ROWS_PER_ACTOR))
    if rows >= WHOLE_BATCHES * actors * declared:
        return declared
    return min(declared, max(LEAST, math.ceil(rows / (TURNS * actors))))


def cut_blocks(table: pa.Table, batch_size: int) -> list[pa.Table]:
    """The input in blocks of whole batches, at most MOST_BLOCKS of them."""
    rows = batch_size * max(1, math.ceil(len(table) / (batch_size * MOST_BLOCKS)))
    return [table.slice(start, rows).combine_chunks() for start in range(0, len(table), rows)]
