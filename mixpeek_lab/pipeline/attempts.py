"""Calling a user's processor on batches of which some rows, or all, may fail.

A batch that fails is halved until the failing rows stand alone, so that good rows survive bad
ones. Where nothing has ever succeeded, rows are tried alone, spread over the batch, until one comes
through: what does not work at all is called once for each row, not once for each half. Every row of
a batch is tried; after many rows of which none came through, no other batch is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from mixpeek_lab.homes import in_home
from mixpeek_lab.models import Failure
from mixpeek_lab.pipeline.columns import to_arrow
from mixpeek_lab.pipeline.failures import describe_failure
from mixpeek_lab.pipeline.lineage import UnknownLineageError, rows_of_origin
from mixpeek_lab.pipeline.working import unpack_frame
from mixpeek_lab.sdk.io_calls import IOCall, IORecord, recorded_io

if TYPE_CHECKING:
    import pandas as pd

    from mixpeek_lab.loader import ProcessorStep

SPREAD = 5
"""Rows of a failing batch that are tried first while nothing has ever succeeded."""
PATIENCE = 128
"""Rows tried alone, none of which came through, after which no other batch is tried."""

ROW_BY_ROW = (
    "{step} returns rows that cannot be traced to the rows it got, so it was called row by row. "
    "Keep the column document_id, object_id or blob_id in what it returns to process whole batches."
)


class Processor(Protocol):
    """What a user's processor is to us."""

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Return the batch with new columns."""
        ...


@dataclass
class Outcome:
    """What came of some batches: parts with the positions their rows came from, and failures."""

    parts: list[tuple[pa.Table, np.ndarray]] = field(default_factory=list)
    failures: dict[int, Failure] = field(default_factory=dict)
    calls: list[IOCall] = field(default_factory=list)
    """Of the SDK's helpers, by the processor."""
    again: set[int] = field(default_factory=set)
    """Positions of the rows that came through, but for which items of these calls failed."""


class Attempts:
    """One processor, made on first use, and what is known of how its calls end."""

    def __init__(self, step: ProcessorStep, vectors: dict[str, int], *, is_last: bool) -> None:
        self._step, self._vectors, self._is_last = step, vectors, is_last
        self._packed: tuple[str, ...] = ()
        self._processor: Processor | None = None
        self._broken: BaseException | None = None
        self._last: Failure | None = None
        self._tried = 0
        self._has_succeeded = False
        self._is_row_by_row = False
        self._mixed: dict[str, None] = {}
        self.setup_seconds = 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the report."""
        told = [ROW_BY_ROW.format(step=self._step.name)] if self._is_row_by_row else []
        return (*told, *self._mixed)

    def forget_failures(self) -> None:
        """Try everything again, as in a new run: a missing file or key may be there now.

        A processor that is made by then took no time of that run.
        """
        self._broken, self._last, self._tried, self._has_succeeded = None, None, 0, False
        self.setup_seconds = 0.0

    def set_up(self) -> None:
        """Make the processor, once. Where that fails, so will every row."""
        if self._processor is not None or self._broken is not None:
            return
        begun = time.perf_counter()
        try:
            processor = self._step.create()
            prepare: Callable[[], None] | None = getattr(processor, "ensure_setup", None)
            if callable(prepare):
                with in_home(self._step.home):
                    prepare()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary to user code
            self._broken = error
            return
        self._processor = processor
        self.setup_seconds = time.perf_counter() - begun

    def processor(self) -> Processor:
        """The processor, made if it was not. Raises what kept it from being made."""
        self.set_up()
        if self._broken is not None:
            raise self._broken
        if self._processor is None:
            raise AssertionError("set_up() makes it, or says why not")
        return self._processor

    def run(
        self,
        frame: pd.DataFrame,
        positions: np.ndarray,
        outcome: Outcome,
        packed: Sequence[str] = (),
    ) -> None:
        """Process a batch. `positions` (len(frame),) is where its rows stand in the block.

        The columns `packed` hold pickles: each try gets values of its own.
        """
        self._packed = tuple(packed)
        self.set_up()
        if self._broken is not None:
            for index in range(len(frame)):
                self._record(frame, index, positions, self._broken, outcome)
        elif self._tried >= PATIENCE and not self._has_succeeded:
            self._give_up(frame, positions, outcome)
        else:
            self._try(frame, positions, outcome)

    def _try(self, frame: pd.DataFrame, positions: np.ndarray, outcome: Outcome) -> None:
        io = IORecord()
        try:
            if self._is_row_by_row and len(frame) > 1:
                raise UnknownLineageError
            with recorded_io(io):
                part, origin = self._call(frame)
        except UnknownLineageError:
            self._is_row_by_row = True
            self._divide(frame, positions, outcome)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary to user code
            if len(frame) == 1:
                self._record(frame, 0, positions, error, outcome)
                if not io.raised(error):  # that says it all
                    outcome.calls.extend(io.calls)
            else:
                self._divide(frame, positions, outcome)
        else:
            self._has_succeeded = True
            outcome.parts.append((part, positions[origin]))
            outcome.calls.extend(io.calls)
            outcome.again.update(positions[io.affected(len(frame))].tolist())

    def _call(self, frame: pd.DataFrame) -> tuple[pa.Table, np.ndarray]:
        if self._processor is None:
            raise AssertionError("set_up() comes first")
        with in_home(self._step.home):
            result = self._processor(unpack_frame(frame, self._packed))
            origin = rows_of_origin(frame, result)
            table, mixed = to_arrow(result, self._vectors, self._step.name, is_last=self._is_last)
        self._mixed.update(dict.fromkeys(mixed))
        return table, origin

    def _divide(self, frame: pd.DataFrame, positions: np.ndarray, outcome: Outcome) -> None:
        """Process a batch in two halves, or row by row where lineage asks for it."""
        rows = np.arange(len(frame))
        if not self._has_succeeded:
            rows = self._sample(frame, positions, outcome)
        pieces = len(rows) if self._is_row_by_row else 2
        for piece in np.array_split(rows, max(1, pieces)):
            if len(piece):
                self._try(*_rows(frame, positions, piece), outcome)

    def _sample(self, frame: pd.DataFrame, positions: np.ndarray, outcome: Outcome) -> np.ndarray:
        """Try rows alone, until one succeeds; returns the rows not tried, in order."""
        order = _spread(len(frame))
        for tried, row in enumerate(order, 1):
            self._try(*_rows(frame, positions, np.array([row])), outcome)
            self._tried += 1
            if self._has_succeeded:
                return np.sort(order[tried:])
        return order[:0]

    def _give_up(self, frame: pd.DataFrame, positions: np.ndarray, outcome: Outcome) -> None:
        if self._last is None:
            raise AssertionError("rows are given up after others failed")
        where = f"not tried: the first {self._tried} rows failed, and none came through"
        for object_id, document_id, position in zip(
            frame["object_id"], frame["document_id"], positions, strict=True
        ):
            outcome.failures[int(position)] = replace(
                self._last, object_id=str(object_id), document_id=str(document_id), where=where
            )

    def _record(
        self,
        frame: pd.DataFrame,
        index: int,
        positions: np.ndarray,
        error: BaseException,
        outcome: Outcome,
    ) -> None:
        row = frame.iloc[index]
        self._last = describe_failure(
            error, str(row["object_id"]), str(row["document_id"]), self._step.name
        )
        outcome.failures[int(positions[index])] = self._last


def _spread(count: int) -> np.ndarray:
    """0 to count - 1, each once: first some over all of it, then more between, shape (count,)."""
    found: dict[int, None] = {}
    step = SPREAD
    while len(found) < count:
        found.update(dict.fromkeys(np.linspace(0, count - 1, min(step, count)).astype(int)))
        step *= 2
    return np.array(list(found), dtype=int)


def _rows(
    frame: pd.DataFrame, positions: np.ndarray, rows: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """Some rows of a batch as a batch of their own."""
    return frame.iloc[rows].reset_index(drop=True), positions[rows]
