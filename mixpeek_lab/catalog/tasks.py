"""Tasks: work that goes on in the background, and how far it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.catalog.derived import DerivedRecords
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
    """`force`: the objects to compute again, by id; `["*"]` for all of them. `beside`: the objects
    whose new documents come beside those that there are."""
    progress: Mapping[str, JSON]
    run_id: str | None
    error: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    attempts: int = 0
    """How often it has begun in this session of Ray."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN


class TaskRecords(DerivedRecords):
    """Tasks, oldest first."""

    def queue_task(
        self, collection_id: str, options: Mapping[str, JSON] | None = None
    ) -> tuple[Task, bool]:
        """The task that will bring the collection up to date, and whether it is a new one.

        One that waits already will do: a run reads its source when it begins. One that has begun
        will not, as its source may have been read. Collections that are made of this one get
        tasks as well, which wait for this one: see `queue_tasks`.
        """
        before = self._waiting(collection_id, _options(options), 0)
        task_id = self.queue_tasks([collection_id], options)[collection_id]
        return self.task(task_id), before is None or before[1] != task_id

    def queue_tasks(
        self, collection_ids: Sequence[str], options: Mapping[str, JSON] | None = None
    ) -> dict[str, str]:
        """Collection → the task that brings it up to date: for these, and all made of them.

        `options` are for these alone. Each task comes behind those of what its collection is made
        of, and waits until they have ended.
        """
        numbers: dict[str, int] = {}
        with self._database.transaction():
            found = {}
            for key in collection_ids:
                numbers[key], found[key] = self._queue(key, _options(options), 0)
            for each in self.followers(collection_ids):
                last = max(numbers[key] for key in each.source.ids if key in numbers)
                key = each.collection_id
                numbers[key], found[key] = self._queue(key, _options(None), last)
        return found

    def _queue(self, collection_id: str, options: str, last: int) -> tuple[int, str]:
        """A waiting task behind number `last`, or a new one: its number and id."""
        if waiting := self._waiting(collection_id, options, last):
            return waiting
        task_id = new_id("task")
        row = self._database.connection.execute(
            "INSERT INTO tasks (task_id, collection_id, state, options, created_at) "
            "VALUES (?, ?, 'QUEUED', ?, ?) RETURNING rowid",
            (task_id, collection_id, options, now()),
        ).fetchone()
        return int(row[0]), task_id

    def _waiting(self, collection_id: str, options: str, last: int) -> tuple[int, str] | None:
        row = self._database.connection.execute(
            "SELECT rowid, task_id FROM tasks WHERE collection_id = ? AND state = 'QUEUED' "
            "AND options = ? AND rowid > ? ORDER BY rowid LIMIT 1",
            (collection_id, options, last),
        ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def begin_task(self, task_id: str, run_id: str) -> bool:
        """Note that a waiting task begins. False where it does not wait any more."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE tasks SET state = 'IN_PROGRESS', run_id = ?, started_at = ?, "
                    "progress = '{}', error = '', attempts = attempts + 1 "
                    "WHERE task_id = ? AND state = 'QUEUED'",
                    (run_id, now(), task_id),
                ).rowcount
            )

    def note_progress(self, task_id: str, progress: Mapping[str, JSON], run_id: str) -> bool:
        """How far a task is. False where that run does not work on it any more."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE tasks SET progress = ? "
                    "WHERE task_id = ? AND run_id = ? AND state = 'IN_PROGRESS'",
                    (json.dumps(dict(progress)), task_id, run_id),
                ).rowcount
            )

    def end_task(self, task_id: str, state: str, error: str, run_id: str) -> bool:
        """Close the task that a run works on. False where it does not work on it any more."""
        with self._database.transaction() as sql:
            return bool(
                sql.execute(
                    "UPDATE tasks SET state = ?, error = ?, finished_at = ? "
                    "WHERE task_id = ? AND run_id = ? AND state = 'IN_PROGRESS'",
                    (state, error, now(), task_id, run_id),
                ).rowcount
            )

    def cancel_task(self, task_id: str, error: str) -> bool:
        """Close a task that has not ended. False where it has.

        Its run cannot show a snapshot from here on: the collection stays as readers see it now.
        """
        with self._database.transaction() as sql:
            found = sql.execute(
                "UPDATE tasks SET state = 'CANCELED', error = ?, finished_at = ? "
                "WHERE task_id = ? AND state IN ('QUEUED', 'IN_PROGRESS')",
                (error, now(), task_id),
            ).rowcount
            _interrupt(sql, "SELECT run_id FROM tasks WHERE task_id = ?", task_id)
            return bool(found)

    def is_canceled(self, task_id: str) -> bool:
        """Whether it was canceled, or went with its collection."""
        row = self._one("SELECT state FROM tasks WHERE task_id = ?", task_id)
        return row is None or row[0] == "CANCELED"

    def run_report(self, run_id: str) -> dict[str, JSON] | None:
        """The report of a run that has shown its snapshot, by its fields; else None."""
        row = self._one(
            "SELECT report FROM runs WHERE run_id = ? AND report IS NOT NULL "
            "AND state IN ('completed', 'completed_with_errors')",
            run_id,
        )
        return None if row is None else json.loads(row[0])

    def requeue_lost_task(self, task_id: str, most: int, error: str) -> None:
        """Have a task wait again whose process ended; after `most` attempts it has failed.

        For whoever started that process, or holds the worker's lock.
        """
        with self._database.transaction() as sql:
            _interrupt(
                sql, "SELECT run_id FROM tasks WHERE task_id = ? AND state = 'IN_PROGRESS'", task_id
            )
            waits = "state IN ('QUEUED', 'IN_PROGRESS') AND task_id = ?"
            # One that never began has been tried as well: or it would be for ever.
            sql.execute(
                f"UPDATE tasks SET attempts = attempts + 1 WHERE {waits} AND state = 'QUEUED'",
                (task_id,),
            )
            sql.execute(
                f"UPDATE tasks SET state = 'FAILED', error = ?, finished_at = ? "
                f"WHERE {waits} AND attempts >= ?",
                (error, now(), task_id, most),
            )
            sql.execute(
                f"UPDATE tasks SET state = 'QUEUED', run_id = NULL, progress = '{{}}' "
                f"WHERE {waits}",
                (task_id,),
            )

    def lost_tasks(self) -> list[str]:
        """Ids of the tasks in progress, oldest first: lost ones, where nobody is at work."""
        query = "SELECT task_id FROM tasks WHERE state = 'IN_PROGRESS' ORDER BY rowid"
        return [row[0] for row in self._all(query)]

    def excuse_tasks(self, session: str) -> None:
        """Attempts count within one session of Ray: what ended with the one before is excused."""
        with self._database.transaction() as sql:
            query = "SELECT 1 FROM facts WHERE key = 'ray_session' AND value = ?"
            if sql.execute(query, (session,)).fetchone() is None:
                sql.execute("INSERT OR REPLACE INTO facts VALUES ('ray_session', ?)", (session,))
                sql.execute(
                    "UPDATE tasks SET attempts = 0 WHERE state IN ('QUEUED', 'IN_PROGRESS')"
                )
                sql.execute("UPDATE deployments SET attempts = 0")

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
        """The tasks that wait, in the order they came.

        Not those that wait for another: for an open one, queued before, of a collection that
        theirs is made of.
        """
        query = (
            "SELECT * FROM tasks t WHERE state = 'QUEUED' AND NOT EXISTS ("
            "SELECT 1 FROM collections c, json_each(c.source, '$.ids') s JOIN tasks u "
            "ON u.collection_id = s.value WHERE c.collection_id = t.collection_id "
            "AND u.state IN ('QUEUED', 'IN_PROGRESS') AND u.rowid < t.rowid) ORDER BY rowid"
        )
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


def _options(options: Mapping[str, JSON] | None) -> str:
    return json.dumps(dict(options or {}), sort_keys=True)


def _interrupt(sql: sqlite3.Connection, run: str, task_id: str) -> None:
    """Close the run that the query finds; one that is closed cannot show a snapshot any more."""
    sql.execute(
        f"UPDATE runs SET state = 'interrupted', finished_at = ? "
        f"WHERE state = 'running' AND run_id = ({run})",
        (now(), task_id),
    )


def _task(row: sqlite3.Row) -> Task:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["options"] = json.loads(values["options"])
    values["progress"] = json.loads(values["progress"])
    return Task(**values)
