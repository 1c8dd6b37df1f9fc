"""What comes back from the engine in a run, block by block."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.models import Failure
from mixpeek_lab.pipeline import PlannedRow, Stamp, read_stamp, split_failures


@dataclass
class Computed:
    """What the engine gave back for the rows to compute."""

    rows: Sequence[PlannedRow] = ()
    """Those that it was given."""
    tables: list[pa.Table] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    failed_rows: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    """Rows that did not fail, but for which items of `concurrent_api_calls` and the like did."""
    stamp: Stamp = field(default_factory=Stamp)
    notes: list[str] = field(default_factory=list)

    def add(self, block: pa.Table) -> tuple[int, int, int]:
        """Take a block in; returns its input rows, failed rows and documents."""
        good, failures, rows = split_failures(block)
        stamp = read_stamp(block)
        self.tables.append(good)
        self.failures.extend(map(self._named, failures))
        self.failed_rows |= rows
        self.again.update(stamp.again)
        self.stamp = self.stamp.including(replace(stamp, again=()))  # rows add up in a set
        return stamp.rows, len(rows), good.num_rows

    @property
    def has_documents(self) -> bool:
        """Whether any document came of the rows."""
        return any(table.num_rows for table in self.tables)

    def _named(self, failure: Failure) -> Failure:
        """The failure, with the name of its object."""
        row = self._by_object.get(failure.object_id)
        return replace(failure, name=object_name(row)) if row else failure

    @cached_property
    def _by_object(self) -> dict[str, InputRow]:
        return {planned.row.object_id: planned.row for planned in reversed(self.rows)}


def object_name(row: InputRow) -> str:
    """What people call a row's object: the `path` in its metadata, or where its file lies.

    Empty where it has neither: a text that came in a table.
    """
    path = json.loads(row.metadata).get("path")
    if isinstance(path, str) and path:
        return path
    return "" if row.type == "text" else row.data
