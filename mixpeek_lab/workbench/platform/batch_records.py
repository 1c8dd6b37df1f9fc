"""A batch as the API answers it: put together from its tasks, and the rows that failed in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mixpeek_lab.catalog import Batch, Catalog, Task
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.secrets import redact

MOST_SHOWN = 1000
"""Ids of objects that a record lists; `object_count` counts all of them."""
MOST_FAILED = 100
"""Failed objects that a record lists; `failed_object_count` counts all of them."""

ENDED = ("FAILED", "CANCELED", "COMPLETED_WITH_ERRORS", "COMPLETED")
LIFECYCLE = {
    "DRAFT": "accepted", "QUEUED": "queued", "IN_PROGRESS": "extracting", "FAILED": "failed",
    "CANCELED": "canceled", "COMPLETED": "indexed", "COMPLETED_WITH_ERRORS": "indexed",
}  # fmt: skip
"""Status → Mixpeek's word for where the batch is in its life."""
GONE = (0, "bucket")
"""The tier of a collection that is gone, and what it was made of, as far as anybody knows."""


class BatchRecorder:
    """Batches as JSON."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def record(self, batch: Batch) -> dict[str, JSON]:
        """The batch, how far it is, and what failed of it."""
        tasks = self._tasks(batch)
        status, error = _status(batch, tasks), _first_error(tasks)
        failed = self.failures(batch)
        return {
            "batch_id": batch.batch_id,
            "bucket_id": batch.bucket_id,
            "namespace_id": self._catalog.namespace().namespace_id,
            "batch_name": batch.body.get("batch_name"),
            "metadata": batch.body.get("metadata", {}),
            "type": batch.body.get("type", "BUCKET"),
            "status": status,
            **self._objects(batch),
            "dedup_strategy": batch.body.get("dedup_strategy", "skip"),
            "collection_ids": collection_ids(batch),
            **_tiers(batch, tasks, self._tier_of(batch)),
            "error": error,
            **_failed(failed, batch),
            "progress": _progress(tasks),
            "documents_written": sum(task.progress.get("documents", 0) for task in tasks),
            "created_at": batch.created_at,
            "updated_at": batch.submitted_at or batch.created_at,
            "max_node_death_resubmits": 0,
            "max_deploy_resubmits": 0,
            "lifecycle": LIFECYCLE[status],
            "lifecycle_reason": error,
        }

    def status(self, batch: Batch) -> str:
        """DRAFT, or what its tasks come to together."""
        return _status(batch, self._tasks(batch))

    def failures(self, batch: Batch, collection: str | None = None) -> list[JSON]:
        """The rows of its objects that failed, task by task."""
        wanted = None if batch.object_ids is None else set(batch.object_ids)
        only = None if collection is None else self._catalog.collection(collection).collection_id
        tiers = self._tier_of(batch)
        return [
            {
                "object_id": failure.object_id,
                "document_id": failure.document_id,
                "collection_id": task.collection_id,
                "task_id": task.task_id,
                "tier_num": tiers.get(task.collection_id, GONE)[0],
                "step": failure.step,
                "error_type": failure.kind,
                "error": redact(failure.message),
                "where": failure.where,
                "timestamp": task.finished_at or task.created_at,
            }
            for task in self._tasks(batch)
            if task.run_id and only in (None, task.collection_id)
            for failure in self._catalog.failures(task.run_id)
            if wanted is None or failure.object_id in wanted
        ]

    def _tasks(self, batch: Batch) -> list[Task]:
        """Its tasks, apart from those that went with their collection."""
        found = []
        for task_id in batch.tasks.values():
            try:
                found.append(self._catalog.task(task_id))
            except NotFoundError:
                continue
        return found

    def _objects(self, batch: Batch) -> dict[str, JSON]:
        if batch.object_ids is not None:
            return {
                "object_ids": list(batch.object_ids[:MOST_SHOWN]),
                "object_count": len(batch.object_ids),
            }
        buckets = batch.body.get("bucket_ids", [batch.bucket_id])
        ids = [each for key in buckets for each in self._catalog.object_ids(key, MOST_SHOWN)]
        return {
            "object_ids": ids[:MOST_SHOWN],
            "object_count": sum(self._catalog.bucket(key).object_count for key in buckets),
        }

    def _tier_of(self, batch: Batch) -> dict[str, tuple[int, str]]:
        """Collection → how many of the batch's collections are before it, and what it is made of.

        Collections that are gone are left out.
        """
        found: dict[str, tuple[int, str]] = {}
        for key in batch.tasks:  # each behind all that it is made of
            try:
                source = self._catalog.collection(key).source
            except NotFoundError:
                continue
            before = (found[each][0] for each in source.ids if each in found)
            found[key] = 1 + max(before, default=-1), source.kind
        return found


def collection_ids(batch: Batch) -> list[str]:
    """The collections that it is processed for, or is to be; none for all of its bucket's."""
    return list(batch.tasks) or list(batch.body.get("collection_ids", ()))


def _status(batch: Batch, tasks: Sequence[Task]) -> str:
    if batch.submitted_at is None:
        return "DRAFT"
    states = {task.state for task in tasks}
    if not states:
        return "CANCELED"
    if not states <= set(ENDED):
        return "QUEUED" if states == {"QUEUED"} else "IN_PROGRESS"
    if len(states) == 1:
        return states.pop()
    return "COMPLETED_WITH_ERRORS"


def _first_error(tasks: Sequence[Task]) -> str | None:
    return next((redact(task.error) for task in tasks if task.error), None)


def _tiers(
    batch: Batch, tasks: Sequence[Task], tier_of: Mapping[str, tuple[int, str]]
) -> dict[str, JSON]:
    """The tasks of one tier run beside each other; each waits for those of what it is made of."""
    tiers: list[list[str]] = [[] for _ in range(1 + max(tier_of.values(), default=(-1, ""))[0])]
    for key, (number, _) in tier_of.items():
        tiers[number].append(key)
    open_tiers = [tier_of.get(task.collection_id, GONE)[0] for task in tasks if task.is_open]
    return {
        "task_id": next(iter(batch.tasks.values()), None),
        "task_ids": list(batch.tasks.values()),
        "tier_tasks": [
            {
                "tier_num": tier_of.get(task.collection_id, GONE)[0],
                "task_id": task.task_id,
                "status": task.state,
                "collection_ids": [task.collection_id],
                "source_type": tier_of.get(task.collection_id, GONE)[1],
                "started_at": task.started_at,
                "completed_at": task.finished_at,
                "documents_written": task.progress.get("documents"),
            }
            for task in tasks
        ],
        "current_tier": min(open_tiers, default=len(tiers) - 1) if tasks else None,
        "total_tiers": max(1, len(tiers)),
        "dag_tiers": tiers,
    }


def _failed(failures: Sequence[Mapping[str, JSON]], batch: Batch) -> dict[str, JSON]:
    first = {failure["object_id"]: failure for failure in reversed(failures)}
    return {
        "failed_object_count": len(first),
        "failed_objects": [
            {
                "object_id": key,
                "error": f"{failure['error_type']}: {failure['error']}",
                "error_type": "permanent",
                "timestamp": failure["timestamp"] or batch.created_at,
            }
            for key, failure in list(first.items())[:MOST_FAILED]
        ],
        "error_summary": dict(Counter(failure["error_type"] for failure in failures)),
    }


def _progress(tasks: Sequence[Task]) -> dict[str, JSON]:
    total, done, errors = (
        sum(int(task.progress.get(name, 0)) for task in tasks)
        for name in ("total_rows", "processed_rows", "failed_rows")
    )
    return {
        "processed": done,
        "total": total,
        "percent": round(100 * done / total, 1) if total else None,
        "errors": errors,
        "batch_count": len(tasks),
    }
