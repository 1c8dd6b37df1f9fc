"""Evaluations as tasks: what a client polls that was answered with a `task_id`."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.models import JSON

PREFIX = "task_"
_STATES = {"in_progress": "IN_PROGRESS", "completed": "COMPLETED", "failed": "FAILED"}


def task_id_of(evaluation_id: str) -> str:
    """The task of an evaluation: `task_ev_…`."""
    return f"{PREFIX}{evaluation_id}"


def is_evaluation(task_id: str) -> bool:
    """Whether a task is an evaluation's."""
    return task_id.startswith(f"{PREFIX}ev_")


def evaluation_task(catalog: Catalog, task_id: str) -> dict[str, JSON]:
    """An evaluation in the shape of a task. NotFoundError."""
    found = catalog.evaluation(task_id.removeprefix(PREFIX))
    return {
        "task_id": task_id,
        "task_type": "retriever.evaluation",
        "status": _STATES[found.state],
        "inputs": [found.retriever_id] if found.retriever_id else [],
        "outputs": [found.evaluation_id],
        "error": found.error or None,
        "progress": {},
        "additional_data": {
            "evaluation_id": found.evaluation_id,
            "retriever_id": found.retriever_id,
            "dataset_id": found.about.get("dataset_id"),
        },
        "created_at": found.created_at,
        "started_at": found.created_at,
        "finished_at": found.finished_at,
    }
