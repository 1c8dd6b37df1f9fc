"""What a run gave back, by the row it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mixpeek_lab.documents import join_tables, vector_columns
from mixpeek_lab.harness.watching import Watched
from mixpeek_lab.models import CONTRACT_COLUMNS, Failure
from mixpeek_lab.pipeline import (
    FAILURE,
    HIDDEN,
    ROW,
    Stamp,
    StepRunner,
    cut_blocks,
    read_stamp,
    run_steps,
    split_failures,
)

Vectors = Mapping[int, npt.NDArray[np.float64]]
"""Row → its documents' vectors (documents, dim); a missing one is NaN throughout."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The documents of a run with their `ROW`, and what failed."""

    documents: pa.Table
    failures: Mapping[int, Failure]
    """Row → why it failed."""
    stamp: Stamp

    @property
    def counts(self) -> dict[int, int]:
        """Row → documents made of it, for rows with any."""
        return {row: len(places) for row, places in self._places().items()}

    def vectors(self, feature: str, features: Sequence[str]) -> Vectors:
        """The vectors of a feature, by row. KeyError where no column holds them."""
        column = vector_columns(self.documents.column_names, features)[feature]
        values = self.documents.column(column).combine_chunks()
        dense = np.asarray(values.flatten(), dtype=np.float64)
        table = np.full((len(values), values.type.list_size), np.nan)
        table[np.asarray(values.is_valid())] = dense.reshape(-1, values.type.list_size)
        return {row: table[places] for row, places in self._places().items()}

    def without(self, feature: str, features: Sequence[str]) -> set[int]:
        """The rows with a document that has no vector at all, which is not one of NaN."""
        column = vector_columns(self.documents.column_names, features)[feature]
        missing = np.asarray(self.documents.column(column).is_null())
        return {row for row, places in self._places().items() if missing[places].any()}

    def values(self, column: str) -> dict[int, list[Any]]:
        """The values of any column, by row."""
        values = self.documents.column(column).to_pylist()
        return {row: [values[i] for i in places] for row, places in self._places().items()}

    def others(self, features: Sequence[str]) -> list[str]:
        """The columns that are neither vectors nor lineage: what else the processor says."""
        taken = set(vector_columns(self.documents.column_names, features).values())
        lineage = {*CONTRACT_COLUMNS, *HIDDEN} - {"data"}
        return [n for n in self.documents.column_names if n not in taken | lineage]

    def _places(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for place, row in enumerate(self.documents.column(ROW).to_pylist()):
            found.setdefault(row, []).append(place)
        return found


def run_here(
    steps: Sequence[Watched], vectors: Mapping[str, int], table: pa.Table, batch_size: int
) -> Answer:
    """Run the steps over the table in this process: Arrow in, Arrow out, as in Ray's workers."""
    runners = [
        StepRunner(_as_step(step), dict(vectors), batch_size, is_last=step is steps[-1])
        for step in steps
    ]
    return answer_of(run_steps(runners, cut_blocks(table, batch_size)))


def answer_of(blocks: Iterable[pa.Table]) -> Answer:
    """The blocks of a run as one answer."""
    good, stamp = [], Stamp()
    failures: dict[int, Failure] = {}
    for block in blocks:
        fine, reasons, _ = split_failures(block)
        bad = block.filter(block.column(FAILURE).is_valid()).column(ROW).to_pylist()
        failures.update(zip(bad, reasons, strict=True))
        stamp = stamp.including(read_stamp(block))
        good.append(fine)
    filled = [table for table in good if table.num_rows] or good[:1]
    documents = join_tables(filled)[0] if filled else pa.table({ROW: pa.array([], pa.int64())})
    return Answer(documents, failures, stamp)


def _as_step(step: Watched) -> Any:
    """A watched step has what a runner asks of a step: name, condition, create()."""
    return step
