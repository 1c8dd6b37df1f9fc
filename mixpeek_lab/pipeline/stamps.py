"""What a block tells the driver beside its rows: how many went in, when, and remarks.

It travels in the schema's metadata, so that processors never see it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import pyarrow as pa

from mixpeek_lab.models import Spending, Spent, add_spent
from mixpeek_lab.pipeline.io_failures import FailedItems, add_failed_items

KEY = b"mixpeek_lab"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of one block, or of several together. Times are seconds since the epoch."""

    rows: int = 0
    """Input rows that the block was made of, whatever the processors made of them."""
    begun: float = math.inf
    """When the first processor got its first batch, set-up done."""
    ended: float = 0.0
    setup: float = 0.0
    """The longest set-up of a processor, in seconds."""
    notes: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Step → rows that it got, did not fail on, and gave nothing back for."""
    llm: Spent = field(default_factory=dict)
    """`provider/model` → the processors' calls of `container.llm`."""
    io: tuple[FailedItems, ...] = ()
    """The items of the processors' `concurrent_api_calls` and `parallel_io`."""
    again: tuple[int, ...] = ()
    """Input rows (`ROW`) that did not fail, but for which such items did."""

    def including(self, other: Stamp) -> Stamp:
        """This stamp and `other` as one."""
        return Stamp(
            self.rows + other.rows,
            min(self.begun, other.begun),
            max(self.ended, other.ended),
            max(self.setup, other.setup),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
            dict(Counter(self.dropped) + Counter(other.dropped)),
            add_spent(self.llm, other.llm),
            add_failed_items((*self.io, *other.io)),
            tuple(sorted({*self.again, *other.again})),
        )

    @property
    def seconds(self) -> float:
        """From the first batch in to the last block out; 0 where no processor ran."""
        return max(0.0, self.ended - self.begun)


def read_stamp(table: pa.Table) -> Stamp:
    """The stamp that a block carries; an empty one where it has none."""
    found = json.loads((table.schema.metadata or {}).get(KEY, b"{}"))
    spent = {name: Spending(**each) for name, each in found.get("llm", {}).items()}
    lists = {name: tuple(found.get(name, ())) for name in ("notes", "again")}
    items = tuple(FailedItems(**each) for each in found.get("io", ()))
    return Stamp(**{**found, **lists, "llm": spent, "io": items})


def put_stamp(table: pa.Table, stamp: Stamp) -> pa.Table:
    """The same block with `stamp` on it."""
    return table.replace_schema_metadata({KEY: json.dumps(asdict(stamp))})
