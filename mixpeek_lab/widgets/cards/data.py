"""Buckets, runs, and pages of a query's rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pyarrow as pa

from mixpeek_lab.models import Bucket, Printed, RunReport
from mixpeek_lab.widgets.cards.values import shown, shown_cells
from mixpeek_lab.widgets.cards.view import (
    COLOURS,
    MUTED,
    TableView,
    View,
    facts_html,
    framed,
    line_html,
    note_lines,
)
from mixpeek_lab.widgets.printed import printed_html
from mixpeek_lab.widgets.report import (
    STATES,
    failure_kinds,
    failure_lines,
    format_report,
    report_facts,
    timing_facts,
)
from mixpeek_lab.widgets.static import table_html, table_text

RECORD_COLUMNS = 4
"""A single row with more columns than this stands upright: one field a line."""

LONGEST_FIELD = 400
"""Characters of one field of such a row."""


@dataclass(frozen=True, repr=False)
class BucketCard(View):
    """A bucket's size and fields, and notes on what it was just made of."""

    bucket: Bucket

    def __str__(self) -> str:
        fields = ", ".join(f"{name} ({kind})" for name, kind in self.bucket.schema.items())
        title = f"Bucket {self.bucket.name}: {_objects(self.bucket)} with {fields}"
        return "\n".join([title, *note_lines(self.bucket.notes)])

    def _repr_html_(self) -> str:
        fields = facts_html((kind, name) for name, kind in self.bucket.schema.items())
        notes = [line_html(note) for note in self.bucket.notes]
        return framed(self.bucket.name, f"bucket of {_objects(self.bucket)}", fields, *notes)


class BucketList(TableView):
    """The buckets there are."""

    def __init__(self, buckets: Iterable[Bucket]) -> None:
        rows = [[b.name, f"{b.object_count:,}", ", ".join(b.schema)] for b in buckets]
        super().__init__(
            ["bucket", "objects", "fields"], rows, "No buckets yet. `%bucket NAME DATA` makes one."
        )


@dataclass(frozen=True, repr=False)
class RunCard(View):
    """What a run did. `report` has the numbers."""

    report: RunReport
    printed: Printed = field(default_factory=Printed)
    """What the extractor printed meanwhile."""

    def __str__(self) -> str:
        return format_report(self.report)

    def _repr_html_(self) -> str:
        counts = [(name, value) for name, value in report_facts(self.report) if value != "0"]
        return framed(
            self.report.collection,
            STATES[self.report.state],
            facts_html([*counts, *timing_facts(self.report)]),
            *(self._failures(kind, count) for kind, count in failure_kinds(self.report)),
            *(line_html(note) for note in self.report.notes),
            printed_html(self.printed),
        )

    def _failures(self, kind: str, count: int) -> str:
        examples = "".join(
            f'<li><code style="overflow-wrap:anywhere">{escape(line)}</code></li>'
            for line in failure_lines(self.report, kind, count)
        )
        title = f'<b style="color:{COLOURS["error"]}">{escape(kind)} × {count:,}</b>'
        return f'<div style="margin-top:.4em">{title}<ul style="margin:0">{examples}</ul></div>'


@dataclass(frozen=True, repr=False)
class TablePage(View):
    """One page of a query's rows; `table` has them all."""

    table: pa.Table
    """All rows."""
    page: int = 1
    """The one that is shown, from 1."""
    size: int = 20
    """Rows of a page."""

    def to_pandas(self) -> Any:
        """All rows, not only this page, as a DataFrame."""
        return self.table.to_pandas()

    def __str__(self) -> str:
        if not self.table.num_columns:
            return self._position()
        return f"{table_text(*self._cells())}\n{self._position()}"

    def _repr_html_(self) -> str:
        if not self.table.num_columns:
            return line_html(self._position())
        table = f'<div style="overflow-x:auto">{table_html(*self._cells())}</div>'
        return f"{table}{line_html(self._position(), MUTED)}"

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        rows = self.table.slice((self.page - 1) * self.size, self.size)
        if self.table.num_rows == 1 and self.table.num_columns > RECORD_COLUMNS:
            (row,) = rows.to_pylist()
            return ["field", "value"], [[k, shown(v, LONGEST_FIELD)] for k, v in row.items()]
        return shown_cells(rows)

    def _position(self) -> str:
        total = self.table.num_rows
        pages = max(1, -(-total // self.size))
        rows = f"{total:,} row{'' if total == 1 else 's'}"
        return rows if pages == 1 else f"{rows}, page {self.page} of {pages}"


def _objects(bucket: Bucket) -> str:
    return f"{bucket.object_count:,} object{'' if bucket.object_count == 1 else 's'}"
