"""Tasks: how far the runs are that uploads, new collections and triggers set going."""

from __future__ import annotations

import time
from contextlib import suppress

from mixpeek_lab.catalog import Catalog, Task
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.secrets import redact
from mixpeek_lab.snapshots import writing
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.evaluation_tasks import evaluation_task, is_evaluation
from mixpeek_lab.workbench.platform.lost import close_lost_work

SHOWN_FAILURES = 20
CANCELED = "It was canceled. Its documents are those of the run before."
FREED_SECONDS = 10.0
"""How long a cancellation waits for the processes to end; they do in any case."""


class Tasks:
    """Tasks by id. Whoever looks also sees that a worker died, and its task with it."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home

    def list_all(self) -> list[JSON]:
        """All tasks, newest first."""
        close_lost_work(self._catalog, self._home)
        return [self._record(task) for task in self._catalog.tasks()]

    def get(self, task_id: str) -> dict[str, JSON]:
        """One task, with the first rows that failed."""
        if is_evaluation(task_id):
            return evaluation_task(self._catalog, task_id)
        task = self._catalog.task(task_id)
        if task.is_open:
            close_lost_work(self._catalog, self._home)
            task = self._catalog.task(task_id)
        failed = self._catalog.failures(task.run_id, SHOWN_FAILURES) if task.run_id else []
        record = self._record(task)
        record["additional_data"]["failures"] = [
            {
                "object_id": failure.object_id,
                "document_id": failure.document_id,
                "step": failure.step,
                "type": failure.kind,
                "message": redact(failure.message),
                "where": failure.where,
            }
            for failure in failed
        ]
        return record

    def cancel(self, task_id: str) -> dict[str, JSON]:
        """End a task that has not ended; what it has of processes ends with it.

        Its collection stays at the snapshot that readers see. ConflictError where the task has
        ended by itself; one that was canceled stays so.
        """
        task = self._catalog.task(task_id)
        if not self._catalog.cancel_task(task_id, CANCELED) and task.state != "CANCELED":
            task = self._catalog.task(task_id)
            if task.state != "CANCELED":
                raise ConflictError(f"Task {task_id} has ended already: {task.state}.")
        if task.state == "IN_PROGRESS":
            self._await_freed(task)
        return self.get(task_id)

    def _await_freed(self, task: Task) -> None:
        """Wait a moment until whoever was at work on the collection is gone."""
        end = time.monotonic() + FREED_SECONDS
        while time.monotonic() < end:
            with suppress(ConflictError), writing(self._home.snapshots(task.collection_id)):
                return
            time.sleep(0.05)

    def _record(self, task: Task) -> dict[str, JSON]:
        try:
            name = self._catalog.collection(task.collection_id).name
        except NotFoundError:
            name = ""
        return {
            "task_id": task.task_id,
            "task_type": "engine_feature_extractor_run",
            "status": task.state,
            "inputs": [task.collection_id],
            "outputs": [task.run_id] if task.run_id else [],
            "error": redact(task.error) or None,
            "progress": dict(task.progress),
            "additional_data": {
                "collection_id": task.collection_id,
                "collection_name": name,
                "run_id": task.run_id,
                "attempts": task.attempts,
                **task.options,
            },
            "created_at": task.created_at,
            "started_at": task.started_at,
            "finished_at": task.finished_at,
        }
