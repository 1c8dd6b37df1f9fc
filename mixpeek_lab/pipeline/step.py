"""One step of a pipeline, over Arrow blocks: the same code in the kernel and in Ray's workers.

The processor sees a pandas DataFrame with the contract's columns and nothing of ours. What it
returns is mapped back to the rows it came from, so that lineage and failures stay with them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mixpeek_lab.homes import in_home
from mixpeek_lab.hub import hide_offline_news
from mixpeek_lab.llm import metered
from mixpeek_lab.models import Failure
from mixpeek_lab.pipeline.attempts import Attempts, Outcome, Processor
from mixpeek_lab.pipeline.columns import to_pandas
from mixpeek_lab.pipeline.io_failures import count_calls
from mixpeek_lab.pipeline.lineage import assign_document_ids
from mixpeek_lab.pipeline.passing import settle
from mixpeek_lab.pipeline.printing import write_output_to
from mixpeek_lab.pipeline.rows import FAILURE, HIDDEN, ROW
from mixpeek_lab.pipeline.stamps import Stamp, put_stamp, read_stamp
from mixpeek_lab.pipeline.working import join_parts, mark_packed, packed_names, unpack

if TYPE_CHECKING:
    from mixpeek_lab.loader import ProcessorStep

LINEAGE = ("object_id", "blob_id", "blob_property", "blob_type", "mime_type", "size_bytes")
"""Columns that a processor cannot change: they say where a document comes from."""
OWN_IDS = (
    "The extractor writes `document_id` itself: documents keep the ids that they have here, so "
    "that they stay the same from run to run. To keep yours, write them into a column of another "
    "name."
)


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a process is told before its step loads anything. The notebook's own is left alone."""

    threads: int
    """Threads for numerical libraries."""
    hides_gpu: bool
    """Whether the step must not see the machine's GPU."""
    output: str = ""
    """The file for what it prints; without one that goes where the process's output goes."""

    def apply(self) -> None:
        """Set this process up; libraries loaded later learn it from the environment."""
        if self.output:
            write_output_to(self.output)
        hide_offline_news()
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(self.threads)
        if self.hides_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(self.threads)


class StepRunner:
    """The one callable class that Ray Data sees. It makes the user's processor where it runs.

    `vectors` maps the names of vector columns to their declared dimension; the processor gets
    `batch_size` rows at a time. `worker` is for processes that run nothing else.
    Between steps any value may travel; what leaves the last one (`is_last`) goes into documents.
    """

    def __init__(
        self,
        step: ProcessorStep,
        vectors: dict[str, int],
        batch_size: int,
        worker: WorkerSetup | None = None,
        is_last: bool = True,
    ) -> None:
        if worker is not None:
            worker.apply()
        self._step, self._batch_size, self._is_last = step, batch_size, is_last
        self._attempts = Attempts(step, vectors, is_last=is_last)

    @property
    def name(self) -> str:
        """The step's name."""
        return self._step.name

    def forget_failures(self) -> None:
        """Try everything again, as in a new run. The processor stays loaded."""
        self._attempts.forget_failures()

    def processor(self) -> Processor:
        """The user's processor, made if it was not. Raises what kept it from being made."""
        return self._attempts.processor()

    def __call__(self, block: pa.Table) -> pa.Table:
        """Run the step on the rows that its condition takes; the others pass as they are."""
        stamp = read_stamp(block)
        stamp = stamp if stamp.rows else replace(stamp, rows=block.num_rows)
        positions = np.flatnonzero(self._takes(block))
        if len(positions) == 0:
            return put_stamp(self._passing(block), stamp)
        with metered() as meter:
            begun, outcome = self._run(block, positions)
        untouched = np.setdiff1d(np.arange(len(block)), positions)
        passing = self._passing(block.take(pa.array(untouched)))
        table, mixed = _assemble(block, passing, outcome)
        notes = (*self._attempts.notes, *mixed)
        lost = _dropped(positions, outcome)
        dropped = {self._step.name: lost} if lost else {}
        mine = Stamp(
            0,
            begun,
            time.time(),
            self._attempts.setup_seconds,
            notes,
            dropped,
            meter.spent,
            count_calls(outcome.calls, self._step.name),
            tuple(block.column(ROW).take(pa.array(sorted(outcome.again), pa.int64())).to_pylist()),
        )
        return put_stamp(table, stamp.including(mine))

    def _run(self, block: pa.Table, positions: np.ndarray) -> tuple[float, Outcome]:
        """Process the rows at `positions`, batch by batch. Also when the first batch began."""
        self._attempts.set_up()
        begun, outcome = time.time(), Outcome()
        visible = block.select([name for name in block.column_names if name not in HIDDEN])
        packed = packed_names(visible.schema)
        for start in range(0, len(positions), self._batch_size):
            rows = positions[start : start + self._batch_size]
            frame = to_pandas(visible.take(pa.array(rows)))
            self._attempts.run(frame, rows, outcome, packed)
        return begun, outcome

    def _passing(self, rows: pa.Table) -> pa.Table:
        """The rows that the step leaves alone, fit for documents where it is the last one."""
        if not self._is_last:
            return rows
        with in_home(self._step.home):
            return settle(rows, self._step.name)

    def _takes(self, block: pa.Table) -> np.ndarray:
        """Which rows the step is for, shape (rows,): those that have not failed and fit."""
        matches = self._step.condition.matches
        reasons, types = block.column(FAILURE).to_pylist(), block.column("mime_type").to_pylist()
        fits = [r is None and matches(t) for r, t in zip(reasons, types, strict=True)]
        return np.array(fits, dtype=bool)


def run_steps(
    runners: Sequence[StepRunner], blocks: Iterable[pa.Table]
) -> Generator[pa.Table, None, None]:
    """Run all steps here, block after block: what a preview does."""
    for block in blocks:
        table = block
        for runner in runners:
            table = runner(table)
        yield table


def _dropped(positions: np.ndarray, outcome: Outcome) -> int:
    """How many of the rows at `positions` neither gave anything nor failed."""
    kept = [origin for _, origin in outcome.parts]
    failed = np.fromiter(outcome.failures, np.int64, len(outcome.failures))
    return len(np.setdiff1d(positions, np.concatenate([*kept, failed])))


def _assemble(block: pa.Table, passing: pa.Table, outcome: Outcome) -> tuple[pa.Table, list[str]]:
    """What came of a block, in the order of its rows. Also returns notes."""
    tables = [_restore(block, part, origin) for part, origin in outcome.parts]
    replaced = any(_has_own_ids(block, *part) for part in outcome.parts)
    if len(passing):
        tables.append(passing)
    if outcome.failures:
        tables.append(_failed_rows(block, outcome.failures))
    if not tables:
        return passing, []
    joined, notes = join_parts(tables)
    notes = [*notes, OWN_IDS] if replaced else notes
    order = np.argsort(joined.column(ROW).to_numpy(), kind="stable")
    return joined.take(pa.array(order)), notes


def _has_own_ids(block: pa.Table, part: pa.Table, origin: np.ndarray) -> bool:
    """Whether a processor gave rows ids that are not those of the rows they came from."""
    if "document_id" not in part.column_names:
        return False
    given = block.column("document_id").take(pa.array(origin)).to_pylist()
    return any(
        own is not None and own != id_
        for own, id_ in zip(part.column("document_id").to_pylist(), given, strict=True)
    )


def _restore(block: pa.Table, part: pa.Table, origin: np.ndarray) -> pa.Table:
    """Give a part its lineage back: ids of its own, what the processor dropped, what is hidden."""
    source = block.take(pa.array(origin))
    ids = assign_document_ids(source.column("document_id").to_pylist())
    columns = {name: part.column(name) for name in part.column_names}
    packed = set(packed_names(part.schema))
    if "data" not in columns:
        columns["data"] = _texts(source)
    columns["document_id"] = pa.array(ids, pa.string())
    columns.update((name, source.column(name)) for name in (*LINEAGE, *HIDDEN))
    return mark_packed(pa.table(columns), packed)


def _texts(source: pa.Table) -> pa.ChunkedArray:
    """The column `data`. Of one that a step used for working values, the texts alone."""
    column = source.column("data")
    if "data" not in packed_names(source.schema):
        return column
    values = unpack(column.to_pylist())
    return pa.chunked_array(
        [pa.array([v if isinstance(v, str) else None for v in values], pa.string())]
    )


def _failed_rows(block: pa.Table, failures: dict[int, Failure]) -> pa.Table:
    """The rows that failed: who they are and why, and no values of theirs."""
    rows = sorted(failures)
    table = block.select(["document_id", *LINEAGE, ROW]).take(pa.array(rows))
    reasons = pa.array([json.dumps(asdict(failures[row])) for row in rows], pa.string())
    return table.append_column(FAILURE, reasons)
