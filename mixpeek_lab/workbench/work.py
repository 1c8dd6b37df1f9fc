"""What goes on in the background: the runs and deployments that were asked for over HTTP."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog, Deployment, Task
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.tasks import Tasks

LOADING = ("QUEUED", "PENDING", "IN_PROGRESS")


class Work:
    """Tasks and deployments, from the notebook."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog = catalog
        self._tasks = Tasks(catalog, home)

    def tasks(self) -> list[JSON]:
        """All tasks, newest first: state, progress (rows in and out, failures), error."""
        return self._tasks.list_all()

    def task(self, task_id: str) -> dict[str, JSON]:
        """One task, with the first rows that failed. NotFoundError."""
        return self._tasks.get(task_id)

    def cancel(self, task_id: str) -> dict[str, JSON]:
        """End a task; its collection stays as it is. ConflictError where it has ended."""
        return self._tasks.cancel(task_id)

    def deployments(self) -> list[Deployment]:
        """What is to be served, and what came of it, in the order it was asked for."""
        return self._catalog.deployments()

    def describe(self) -> str:
        """What is under way, for people: `docs 40 %; 2 waiting; slow loads`. May be empty."""
        tasks = [task for task in self._catalog.tasks() if task.is_open]
        running = [self._told(task) for task in tasks if task.state == "IN_PROGRESS"]
        waiting = len(tasks) - len(running)
        loading = [f"{d.name} loads" for d in self.deployments() if d.state in LOADING]
        parts = [*running, *([f"{waiting} waiting"] if waiting else []), *loading]
        return "; ".join(parts)

    def _told(self, task: Task) -> str:
        try:
            name = self._catalog.collection(task.collection_id).name
        except NotFoundError:  # deleted this moment
            name = task.collection_id
        failed = task.progress.get("failed_rows")
        done = f"{name} {task.progress.get('percentage', 0):.0f} %"
        return f"{done} ({failed:,} rows failed)" if failed else done
