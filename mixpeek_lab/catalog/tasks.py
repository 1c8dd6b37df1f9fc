"""Tasks: work that goes on in the background, and how far it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import new_id, now
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON

OPEN = ("QUEUED", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a collection that was asked for."""

    task_id: str
    collection_id: str
    state: str
    """QUEUED, IN_PROGRESS, COMPLETED, COMPLETED_WITH_ERRORS, FAILED or CANCELED."""
    options: Mapping[str, JSON]
    """`force`: the objects to compute again, by id; `["*"]` for all of them."""
    progress: Mapping[str, JSON]
    run_id: str | None
    error: str
    created_at: str
    started_at: str | None
    finished_at: str | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN


class TaskRecords(Records):
    """Tasks, oldest first."""

    def queue_task(
        self, collection_id: str, options: Mapping[str, JSON] | None = None
    ) -> tuple[Task, bool]:
        """The task that will bring the collection up to date, and whether it is a new one.

        One that waits already will do: a run reads its bucket when it begins. One that has begun
        will not, as its bucket may have been read.
        """
        wanted = json.dumps(dict(options or {}), sort_keys=True)
        with self._database.transaction() as sql:
            waiting = sql.execute(
                "SELECT task_id FROM tasks WHERE collection_id = ? AND state = 'QUEUED' "
                "AND options = ?",
                (collection_id, wanted),
            ).fetchone()
            task_id = waiting[0] if waiting else new_id("task")
            if not waiting:
                sql.execute(
                    "INSERT INTO tasks (task_id, collection_id, state, options, created_at) "
                    "VALUES (?, ?, 'QUEUED', ?, ?)",
                    (task_id, collection_id, wanted, now()),
                )
        return self.task(task_id), not waiting

    def begin_task(self, task_id: str, run_id: str) -> bool:
        """Note that a waiting task begins. False where it does not wait any more."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE tasks SET state = 'IN_PROGRESS', run_id = ?, started_at = ? "
                    "WHERE task_id = ? AND state = 'QUEUED'",
                    (run_id, now(), task_id),
                ).rowcount
            )

    def note_progress(self, task_id: str, progress: Mapping[str, JSON]) -> None:
        """How far a task is."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE tasks SET progress = ? WHERE task_id = ?",
                (json.dumps(dict(progress)), task_id),
            )

    def end_task(self, task_id: str, state: str, error: str = "") -> None:
        """Close a task that has not ended."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE tasks SET state = ?, error = ?, finished_at = ? "
                "WHERE task_id = ? AND state IN ('QUEUED', 'IN_PROGRESS')",
                (state, error, now(), task_id),
            )

    def close_lost_tasks(self, error: str) -> int:
        """Close the tasks that a dead worker left in progress. Returns how many there were.

        For whoever holds the worker's lock: nobody else can have one in progress.
        """
        with self._database.transaction() as sql:
            return sql.execute(
                "UPDATE tasks SET state = 'FAILED', error = ?, finished_at = ? "
                "WHERE state = 'IN_PROGRESS'",
                (error, now()),
            ).rowcount

    def task(self, task_id: str) -> Task:
        """The task of that id."""
        row = self._one("SELECT * FROM tasks WHERE task_id = ?", task_id)
        if row is None:
            raise NotFoundError("task", task_id, [t.task_id for t in self.tasks()[:8]])
        return _task(row)

    def tasks(self, collection_id: str | None = None) -> list[Task]:
        """All tasks, or those of one collection, newest first."""
        where, values = ("", ()) if collection_id is None else (
            "WHERE collection_id = ? ", (collection_id,)
        )  # fmt: skip
        query = f"SELECT * FROM tasks {where}ORDER BY rowid DESC"
        return [_task(row) for row in self._database.connection.execute(query, values)]

    def latest_task(self, collection_id: str) -> Task | None:
        """The collection's newest task; None where it never had one."""
        row = self._one(
            "SELECT * FROM tasks WHERE collection_id = ? ORDER BY rowid DESC LIMIT 1", collection_id
        )
        return None if row is None else _task(row)

    def waiting_tasks(self) -> list[Task]:
        """The tasks that wait, in the order they came."""
        query = "SELECT * FROM tasks WHERE state = 'QUEUED' ORDER BY rowid"
        return [_task(row) for row in self._all(query)]

    def has_work_in_progress(self) -> bool:
        """Whether the catalog says that somebody works in the background."""
        query = (
            "SELECT 1 FROM tasks WHERE state = 'IN_PROGRESS' UNION ALL "
            "SELECT 1 FROM deployments WHERE owner = 'api' AND state IN ('PENDING', 'IN_PROGRESS')"
        )
        return bool(self._all(query))

    def has_open_tasks(self) -> bool:
        """Whether any task has not ended."""
        query = "SELECT 1 FROM tasks WHERE state IN ('QUEUED', 'IN_PROGRESS') LIMIT 1"
        return bool(self._all(query))


def _task(row: sqlite3.Row) -> Task:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["options"] = json.loads(values["options"])
    values["progress"] = json.loads(values["progress"])
    return Task(**values)
