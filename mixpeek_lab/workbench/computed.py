"""What comes back from the engine in a run, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pyarrow as pa

from mixpeek_lab.models import Failure
from mixpeek_lab.pipeline import Stamp, read_stamp, split_failures


@dataclass
class Computed:
    """What the engine gave back for the rows to compute."""

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
        self.failures.extend(failures)
        self.failed_rows |= rows
        self.again.update(stamp.again)
        self.stamp = self.stamp.including(replace(stamp, again=()))  # rows add up in a set
        return stamp.rows, len(rows), good.num_rows

    @property
    def has_documents(self) -> bool:
        """Whether any document came of the rows."""
        return any(table.num_rows for table in self.tables)
