"""Runs as a list for people: newest first, a page at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.models import JSON

_FOUND = (
    "FROM runs LEFT JOIN collections USING (collection_id) "
    "WHERE instr(lower(coalesce(collections.name, '')), lower(?)) "
)
_MADE_OF = (
    "SELECT json_group_array(coalesce(buckets.name, others.name)) "
    "FROM json_each(collections.source, '$.ids') AS made "
    "LEFT JOIN buckets ON bucket_id = made.value "
    "LEFT JOIN collections AS others ON others.collection_id = made.value"
)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run, and what it was of."""

    run_id: str
    state: str
    started_at: str
    finished_at: str | None
    collection: str
    """Empty where it was deleted."""
    extractor: str
    made_of: tuple[str, ...]
    """Names of buckets, or of collections."""
    report: Mapping[str, JSON]
    """What `RunReport` holds, without the failures; empty while the run goes on."""


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Rows of a run that failed alike."""

    kind: str
    """The exception's type name."""
    rows: int
    message: str
    """What one of them says."""


class RunRowRecords(Records):
    """Runs, for lists."""

    def run_rows(self, limit: int, offset: int = 0, filter_text: str = "") -> list[RunRow]:
        """Runs whose collection's name holds `filter_text`, newest first."""
        rows = self._database.connection.execute(
            "SELECT run_id, state, started_at, finished_at, coalesce(collections.name, '') AS "
            "collection, coalesce(extractor, '') AS extractor, "
            f"({_MADE_OF}) AS made_of, report {_FOUND} ORDER BY runs.rowid DESC LIMIT ? OFFSET ?",
            (filter_text, limit, offset),
        )
        return [_run_row(row) for row in rows]

    def count_runs(self, filter_text: str = "") -> int:
        """How many of them there are."""
        counted = self._database.connection.execute(f"SELECT count(*) {_FOUND}", (filter_text,))
        return int(counted.fetchone()[0])

    def failure_kinds(self, run_ids: Sequence[str]) -> dict[str, list[FailureKind]]:
        """Run → what failed in it, the most frequent kind first; no entry where nothing did."""
        rows = self._database.connection.execute(
            "SELECT run_id, kind, count(*), min(message) FROM failures WHERE run_id IN "
            "(SELECT value FROM json_each(?)) GROUP BY run_id, kind ORDER BY count(*) DESC, kind",
            (json.dumps(list(run_ids)),),
        )
        found: dict[str, list[FailureKind]] = {}
        for run_id, kind, count, message in rows:
            found.setdefault(run_id, []).append(FailureKind(kind, count, message))
        return found


def _run_row(row: sqlite3.Row) -> RunRow:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    made_of = tuple(name for name in json.loads(row["made_of"] or "[]") if name)
    return RunRow(**{**values, "made_of": made_of, "report": json.loads(row["report"] or "{}")})
