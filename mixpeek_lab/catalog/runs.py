"""Collections and their runs: what readers are shown, and when that changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import now, to_collection
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import Collection, Failure, RunReport


class RunRecords(Records):
    """Collections, runs and failures."""

    def create_collection(self, collection: Collection) -> Collection:
        """Keep a new collection; ConflictError where the name is taken."""
        with self._unique("collection", collection.name), self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO collections VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, 0, ?, ?)",
                (
                    collection.collection_id,
                    collection.name,
                    collection.extractor,
                    collection.extractor_version,
                    collection.extractor_digest,
                    json.dumps(dict(collection.parameters)),
                    json.dumps(asdict(collection.settings)),
                    collection.created_at,
                    json.dumps(dict(collection.details)),
                    json.dumps(asdict(collection.source)),
                ),
            )
        return collection

    def collection(self, name_or_id: str) -> Collection:
        """The collection of that name or id."""
        row = self._one(
            "SELECT * FROM collections WHERE name = ? OR collection_id = ?", name_or_id, name_or_id
        )
        if row is None:
            raise NotFoundError("collection", name_or_id, self._names("collections"))
        return to_collection(row)

    def collections(self) -> list[Collection]:
        """All collections, by name."""
        return [to_collection(row) for row in self._all("SELECT * FROM collections ORDER BY name")]

    def start_run(self, run_id: str, collection_id: str) -> None:
        """Note that a run began. One whose task was canceled meanwhile is closed at once."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO runs SELECT ?, ?, iif(EXISTS (SELECT 1 FROM tasks WHERE run_id = ? "
                "AND state != 'IN_PROGRESS'), 'interrupted', 'running'), ?, NULL, NULL",
                (run_id, collection_id, run_id, now()),
            )

    def finish_run(
        self, report: RunReport, collection: Collection | None, failures: Iterable[Failure]
    ) -> None:
        """Record the run's end and, where `collection` is given, show its new snapshot.

        One transaction: readers see the old snapshot with the run open, or the new one with
        the run closed.
        """
        body = {k: v for k, v in asdict(report).items() if k != "failures"}
        with self._database.transaction() as sql:
            closed = sql.execute(
                "UPDATE runs SET state = ?, finished_at = ?, report = ? "
                "WHERE run_id = ? AND state = 'running'",
                (report.state, now(), json.dumps(body), report.run_id),
            ).rowcount
            if not closed:  # an interrupt came after the run had ended
                return
            sql.executemany(
                "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (report.run_id, f.object_id, f.document_id, f.step, f.kind, f.message, f.where)
                    for f in failures
                ),
            )
            if collection is not None:
                sql.execute(
                    "UPDATE collections SET snapshot = ?, document_count = ?, "
                    "extractor_version = ?, extractor_digest = ?, parameters = ?, settings = ? "
                    "WHERE collection_id = ?",
                    (
                        collection.snapshot,
                        collection.document_count,
                        collection.extractor_version,
                        collection.extractor_digest,
                        json.dumps(dict(collection.parameters)),
                        json.dumps(asdict(collection.settings)),
                        collection.collection_id,
                    ),
                )

    def collections_running(self) -> list[str]:
        """Ids of the collections that have a run under way, or one that a dead process left."""
        rows = self._all("SELECT DISTINCT collection_id FROM runs WHERE state = 'running'")
        return [row[0] for row in rows]

    def mark_lost_runs(self, collection_id: str) -> int:
        """Close the runs that dead processes left open. Returns how many.

        For whoever holds the collection's right to write: nobody else can have a run under way.
        """
        with self._database.transaction() as sql:
            return sql.execute(
                "UPDATE runs SET state = 'interrupted', finished_at = ? "
                "WHERE state = 'running' AND collection_id = ?",
                (now(), collection_id),
            ).rowcount
