"""One step of a pipeline, over Arrow batches: the same code in the kernel and in Ray's workers.

The processor sees a pandas DataFrame with the contract's columns and nothing of ours. What it
returns is mapped back to the rows it came from, so that lineage and failures stay with them.
A batch that fails is halved until the failing rows stand alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from mixpeek_lab.models import Failure
from mixpeek_lab.pipeline.columns import to_arrow, to_pandas
from mixpeek_lab.pipeline.failures import describe_failure
from mixpeek_lab.pipeline.lineage import LineageUnknown, assign_document_ids, rows_of_origin
from mixpeek_lab.pipeline.rows import FAILURE, HIDDEN, ROW

if TYPE_CHECKING:
    import pandas as pd

    from mixpeek_lab.loader import ProcessorStep

LINEAGE = ("object_id", "blob_id", "blob_property", "blob_type", "mime_type")
"""Columns that a processor cannot change: they say where a document comes from."""

PATIENCE = 5
"""Rows in a row that may fail with one and the same error before the rest is not tried."""


class Processor(Protocol):
    """What a user's processor is to us."""

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Return the batch with new columns."""
        ...


@dataclass
class _Streak:
    """Counts equal failures in a row; a success ends the count for good."""

    failure: tuple[str, str] | None = None
    length: int = 0
    is_broken: bool = False

    def failed(self, failure: Failure) -> None:
        mark = (failure.kind, failure.message)
        self.length = self.length + 1 if mark == self.failure else 1
        self.failure = mark

    def succeeded(self) -> None:
        self.is_broken = True

    @property
    def is_hopeless(self) -> bool:
        return not self.is_broken and self.length >= PATIENCE


@dataclass
class _Output:
    """What came of one batch: parts with the positions their rows came from, and failures."""

    parts: list[tuple[pa.Table, np.ndarray]] = field(default_factory=list)
    failures: dict[int, Failure] = field(default_factory=dict)


class StepRunner:
    """The one callable class that Ray Data sees. It makes the user's processor where it runs.

    `vectors` maps the names of vector columns to their declared dimension. `threads` is what
    numerical libraries may use. Timings travel in the schema's metadata (seconds since the epoch).
    """

    def __init__(self, step: ProcessorStep, vectors: dict[str, int], threads: int = 0) -> None:
        _set_threads(threads)
        self._step, self._vectors = step, vectors
        self._processor: Processor | None = None
        self._streak = _Streak()
        self._setup_seconds = 0.0

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Run the step on the rows that its condition takes; the others pass as they are."""
        begun = time.time()
        positions = np.flatnonzero(self._takes(batch))
        if len(positions) == 0:
            return batch
        frame = to_pandas(batch.select(_visible(batch)).take(pa.array(positions)))
        output = _Output()
        self._run(frame, positions, output)
        return _stamp(self._assemble(batch, positions, output), begun, self._setup_seconds)

    def _takes(self, batch: pa.Table) -> np.ndarray:
        alive = batch.column(FAILURE).is_null().to_numpy(zero_copy_only=False)
        matches = self._step.condition.matches
        types = batch.column("mime_type").to_pylist()
        return alive & np.fromiter((matches(t or "") for t in types), bool, len(types))

    def _run(self, frame: pd.DataFrame, positions: np.ndarray, output: _Output) -> None:
        """Process `frame`; on failure halve it, so that good rows survive bad ones."""
        if self._streak.is_hopeless:
            self._give_up(frame, positions, output)
            return
        try:
            part, origin = self._call(frame)
        except Exception as error:  # noqa: BLE001 - the boundary to user code
            if len(frame) == 1:
                failure = self._failure(frame, 0, error)
                output.failures[int(positions[0])] = failure
                self._streak.failed(failure)
                return
            pieces = len(frame) if isinstance(error, LineageUnknown) else 2
            for rows in np.array_split(np.arange(len(frame)), pieces):
                self._run(frame.iloc[rows].reset_index(drop=True), positions[rows], output)
        else:
            self._streak.succeeded()
            output.parts.append((part, positions[origin]))

    def _call(self, frame: pd.DataFrame) -> tuple[pa.Table, np.ndarray]:
        result = self._ready()(frame.copy())
        origin = rows_of_origin(frame, result)
        return to_arrow(result, self._vectors), origin

    def _ready(self) -> Processor:
        if self._processor is None:
            begun = time.perf_counter()
            processor = self._step.create()
            prepare: Callable[[], None] | None = getattr(processor, "ensure_setup", None)
            if callable(prepare):
                prepare()
            self._processor = processor
            self._setup_seconds = time.perf_counter() - begun
        return self._processor

    def _failure(self, frame: pd.DataFrame, index: int, error: Exception) -> Failure:
        row = frame.iloc[index]
        return describe_failure(
            error, str(row["object_id"]), str(row["document_id"]), self._step.name
        )

    def _give_up(self, frame: pd.DataFrame, positions: np.ndarray, output: _Output) -> None:
        kind, message = self._streak.failure or ("", "")
        for index, position in enumerate(positions):
            row = frame.iloc[index]
            output.failures[int(position)] = Failure(
                str(row["object_id"]),
                str(row["document_id"]),
                self._step.name,
                kind,
                message,
                f"not tried: the {PATIENCE} rows before it failed with this same error",
            )

    def _assemble(self, batch: pa.Table, positions: np.ndarray, output: _Output) -> pa.Table:
        tables = [self._restore(batch, part, origin) for part, origin in output.parts]
        untouched = np.setdiff1d(np.arange(len(batch)), positions)
        if len(untouched):
            tables.append(batch.take(pa.array(untouched)))
        if output.failures:
            tables.append(_failed_rows(batch, output.failures))
        if not tables:
            return batch.slice(0, 0)
        joined = pa.concat_tables(tables, promote_options="permissive")
        order = np.argsort(joined.column(ROW).to_numpy(), kind="stable")
        return joined.take(pa.array(order))

    def _restore(self, batch: pa.Table, part: pa.Table, origin: np.ndarray) -> pa.Table:
        """Give a part its lineage back: ids of its own, what the processor dropped, what is hidden."""
        source = batch.take(pa.array(origin))
        ids = assign_document_ids(source.column("document_id").to_pylist())
        table = _with_column(part, "document_id", pa.array(ids, pa.string()))
        for name in (*LINEAGE, *HIDDEN):
            table = _with_column(table, name, source.column(name))
        return table


def run_steps(runners: list[StepRunner], batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Run all steps here, batch after batch: what a preview does."""
    for batch in batches:
        table = batch
        for runner in runners:
            table = runner(table)
        yield table


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.append_column(name, values) if at < 0 else table.set_column(at, name, values)


def _visible(batch: pa.Table) -> list[str]:
    return [name for name in batch.column_names if name not in HIDDEN]


def _failed_rows(batch: pa.Table, failures: dict[int, Failure]) -> pa.Table:
    rows = sorted(failures)
    table = batch.take(pa.array(rows))
    reasons = pa.array([json.dumps(asdict(failures[row])) for row in rows], pa.string())
    return table.set_column(table.schema.get_field_index(FAILURE), FAILURE, reasons)


def _stamp(table: pa.Table, begun: float, setup: float) -> pa.Table:
    """Leave when the work on this batch began and ended, and the set-up's seconds."""
    old = json.loads((table.schema.metadata or {}).get(b"mixpeek_lab", b"{}"))
    new = {
        "begun": old.get("begun", begun + setup),
        "ended": time.time(),
        "setup": max(setup, old.get("setup", 0.0)),
    }
    return table.replace_schema_metadata({"mixpeek_lab": json.dumps(new)})


def _set_threads(threads: int) -> None:
    """Bound what BLAS and torch use; for libraries loaded later, through the environment."""
    if threads <= 0:
        return
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
