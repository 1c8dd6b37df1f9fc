"""Sample rows after an extractor's steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from mixpeek_lab.models import Failure, Spent
from mixpeek_lab.widgets.cards.values import shown_cells, with_media
from mixpeek_lab.widgets.cards.view import (
    COLOURS,
    View,
    facts_html,
    framed,
    line_html,
    note_lines,
)
from mixpeek_lab.widgets.report import format_seconds
from mixpeek_lab.widgets.spending import llm_facts
from mixpeek_lab.widgets.static import printable, table_html, table_text

LINEAGE = (
    "blob_id", "blob_property", "blob_type", "mime_type", "size_bytes", "object_id", "document_id",
)  # fmt: skip
"""Columns that every document has."""


@dataclass(frozen=True, repr=False)
class PreviewCard(View):
    """Sample rows after an extractor's steps."""

    name: str
    documents: pa.Table
    failures: tuple[Failure, ...]
    rows_in: int
    seconds: float
    setup_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    llm: Spent = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """One phrase with the counts."""
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return f"{self.rows_in} rows in, {self.documents.num_rows} documents out{failed}"

    def to_pandas(self) -> Any:
        """The documents as a DataFrame."""
        return self.documents.to_pandas()

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.verdict}"]
        if self.documents.num_rows:
            lines.append(table_text(*shown_cells(self._shown())))
        lines += [f"  {line}" for line in self._failed()]
        lines += [f"  {name}: {value}" for name, value in llm_facts(self.llm)]
        return "\n".join([*lines, *note_lines(self.notes)])

    def _repr_html_(self) -> str:
        colour = f"color:{COLOURS['error']}"
        failed = [line_html(line, colour) for line in self._failed()]
        table = table_html(*shown_cells(self._shown())) if self.documents.num_rows else ""
        notes = [line_html(note) for note in self.notes]
        spent = facts_html(llm_facts(self.llm)) if self.llm else ""
        return framed(self.name, f"{self.verdict} · {self._times()}", table, *failed, spent, *notes)

    def _failed(self) -> list[str]:
        """What went wrong, each thing once: how many rows, the error, the line of code."""
        alike: dict[tuple[str, str, str], list[Failure]] = {}
        for failure in self.failures:
            alike.setdefault((failure.step, failure.kind, failure.message), []).append(failure)
        return [_failure_text(failures) for failures in alike.values()]

    def _times(self) -> str:
        took = format_seconds(self.seconds)
        if self.setup_seconds < 0.1:
            return took
        return f"{took} after {format_seconds(self.setup_seconds)} of set-up"

    def _shown(self) -> pa.Table:
        hidden = (name in LINEAGE or name.startswith("_") for name in self.documents.column_names)
        names = [n for n, h in zip(self.documents.column_names, hidden, strict=True) if not h]
        return with_media(self.documents).select(names)


def _failure_text(alike: Sequence[Failure]) -> str:
    first = alike[0]
    rows = f"{len(alike)} row{'s' if len(alike) > 1 else ''} failed in {first.step}"
    where = f" ({first.where})" if first.where else ""
    return f"{rows}: {first.kind}: {' '.join(printable(first.message).split())}{where}"
