"""One run that was asked for over HTTP: from a task that waits to a task that has ended."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mixpeek_lab.catalog import Catalog, Task, new_id
from mixpeek_lab.errors import ConflictError, LabError, NotFoundError
from mixpeek_lab.loader import load_schemas
from mixpeek_lab.models import JSON, Progress, RunReport
from mixpeek_lab.snapshots import writing
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.runs import Engine, Run

log = logging.getLogger(__name__)

STATES = {
    "completed": "COMPLETED",
    "completed_with_errors": "COMPLETED_WITH_ERRORS",
    "failed": "FAILED",
}
INTERVAL = 0.5
"""Seconds between two notes of how far a task is: each is a write to the disk."""


class Processing:
    """Takes waiting tasks through a run of their collection."""

    def __init__(self, catalog: Catalog, home: Home, engine: Engine) -> None:
        self._catalog, self._home, self._engine = catalog, home, engine

    def step(self) -> bool:
        """Do the first waiting task whose collection nobody else works on. False where none is."""
        return any(self._try(task) for task in self._catalog.waiting_tasks())

    def do(self, task_id: str) -> bool:
        """Do one task. False where it does not wait, or somebody else works on its collection."""
        task = self._catalog.task(task_id)
        return task.state == "QUEUED" and self._try(task)

    def _try(self, task: Task) -> bool:
        try:
            with writing(self._home.snapshots(task.collection_id)):
                self._run(task)
        except ConflictError:  # the notebook runs it; that run may have missed what was uploaded
            return False
        return True

    def _run(self, task: Task) -> None:
        """Do one task; whatever goes wrong ends it, and nothing else."""
        run_id = new_id("run")
        # Before any code of the extractor's runs: if that ends the process, it has been tried.
        if not self._catalog.begin_task(task.task_id, run_id):
            return
        try:
            report = self._execute(task, run_id)
        except _CanceledError:
            return
        except NotFoundError as error:
            state, reason = "CANCELED", str(error)
        except LabError as error:
            state, reason = "FAILED", str(error)
        except Exception as error:
            log.exception("task %s failed", task.task_id)
            state, reason = "FAILED", f"{type(error).__name__}: {error}"
        else:
            self._catalog.note_progress(task.task_id, summary(asdict(report)), run_id)
            state, reason = STATES[report.state], _reason(report)
        self._catalog.end_task(task.task_id, state, reason, run_id)

    def _execute(self, task: Task, run_id: str) -> RunReport:
        """The run, with the collection as it is now that nobody else can change it."""
        collection = self._catalog.collection(task.collection_id)
        record = self._catalog.extractor(collection.extractor, digest=collection.extractor_digest)
        run = Run(
            self._catalog,
            self._home.snapshots(collection.collection_id),
            collection,
            record,
            self._engine,
            load_schemas(record.source, self._home.path),
            _Notes(self._catalog, task.task_id, run_id).add,
            run_id,
            force=frozenset(task.options.get("force", ())),
            beside=frozenset(task.options.get("beside", ())),
        )
        return run.execute_held()


class _CanceledError(Exception):
    """The task was canceled, or is somebody else's by now."""


class _Notes:
    """Writes down how far a run is, not too often."""

    def __init__(self, catalog: Catalog, task_id: str, run_id: str) -> None:
        self._catalog, self._task_id, self._run_id = catalog, task_id, run_id
        self._last, self._phase = 0.0, ""

    def add(self, progress: Progress) -> None:
        """Ten times a second at most, as runs tell it."""
        now = time.monotonic()
        if progress.phase == self._phase and now - self._last < INTERVAL:
            return
        self._last, self._phase = now, progress.phase
        done = progress.done / progress.total if progress.total else 0.0
        told: dict[str, JSON] = {
            "phase": progress.phase,
            "total_rows": progress.total,
            "processed_rows": progress.done,
            "failed_rows": progress.failed,
            "documents": progress.documents,
            "percentage": round(100 * done, 1),
        }
        if not self._catalog.note_progress(self._task_id, told, self._run_id):
            raise _CanceledError


def summary(report: Mapping[str, Any]) -> dict[str, JSON]:
    """A run's report, by its fields, as a task's progress. `failures` may be missing."""
    kinds = Counter(failure["kind"] for failure in report.get("failures", ()))
    return {
        "phase": report["state"],
        "total_rows": report["processed"],
        "processed_rows": report["processed"],
        "failed_rows": report["failed"],
        "failed_kinds": dict(kinds.most_common()),
        "reused_rows": report["reused"],
        "documents": report["documents"],
        "percentage": 100.0,
        "seconds": round(report["seconds"], 3),
        "notes": list(report["notes"]),
    }


def _reason(report: RunReport) -> str:
    """Why rows failed, in a sentence; empty where none did."""
    if not report.failures:
        return ""
    first = report.failures[0]
    place = f" at {first.where}" if first.where else ""
    return (
        f"{report.failed:,} of {report.processed:,} rows failed. The first: "
        f"{first.kind}: {first.message}{place}."
    )
