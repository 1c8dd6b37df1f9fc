"""Batches: objects of a bucket that somebody wants processed, and the tasks that do it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import new_id, now
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. It is a draft until it is submitted."""

    batch_id: str
    bucket_id: str
    object_ids: tuple[str, ...] | None
    """None: whatever the bucket holds."""
    body: Mapping[str, JSON] = field(default_factory=dict)
    """`batch_name`, `metadata`, `dedup_strategy`, `collection_ids`, `type`, as they were given."""
    tasks: Mapping[str, str] = field(default_factory=dict)
    """Collection → the task that processes it, once it is submitted."""
    created_at: str = ""
    submitted_at: str | None = None


class BatchRecords(Records):
    """Batches by id."""

    def add_batch(
        self, bucket_id: str, object_ids: Sequence[str] | None, body: Mapping[str, JSON]
    ) -> Batch:
        """Keep a new draft."""
        ids = None if object_ids is None else tuple(dict.fromkeys(object_ids))
        batch = Batch(new_id("btch"), bucket_id, ids, dict(body), created_at=now())
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO batches VALUES (?, ?, ?, ?, '{}', ?, NULL)",
                (batch.batch_id, bucket_id, json.dumps(ids), json.dumps(batch.body),
                 batch.created_at),
            )  # fmt: skip
        return batch

    def extend_batch(self, batch: Batch, object_ids: Sequence[str]) -> Batch:
        """Put more objects into a draft. ConflictError where it is submitted."""
        ids = tuple(dict.fromkeys((*(batch.object_ids or ()), *object_ids)))
        with self._database.transaction() as sql:
            changed = sql.execute(
                "UPDATE batches SET object_ids = ? WHERE batch_id = ? AND submitted_at IS NULL",
                (json.dumps(ids), batch.batch_id),
            ).rowcount
        _demand(changed, batch)
        return replace(batch, object_ids=ids)

    def submit_batch(self, batch: Batch, tasks: Mapping[str, str]) -> Batch:
        """Note what processes a batch. ConflictError where it is submitted already."""
        submitted = now()
        with self._database.transaction() as sql:
            changed = sql.execute(
                "UPDATE batches SET tasks = ?, submitted_at = ? "
                "WHERE batch_id = ? AND submitted_at IS NULL",
                (json.dumps(dict(tasks)), submitted, batch.batch_id),
            ).rowcount
            _demand(changed, batch)
        return replace(batch, tasks=dict(tasks), submitted_at=submitted)

    def batch(self, batch_id: str, bucket_id: str | None = None) -> Batch:
        """The batch of that id, in that bucket if one is named."""
        row = self._one("SELECT * FROM batches WHERE batch_id = ?", batch_id)
        if row is None or bucket_id not in (None, row["bucket_id"]):
            known = [b.batch_id for b in self.batches(bucket_id)[:8]]
            raise NotFoundError("batch", batch_id, known)
        return _batch(row)

    def batches(self, bucket_id: str | None = None) -> list[Batch]:
        """All batches, or those of one bucket, newest first."""
        where, values = ("", ()) if bucket_id is None else ("WHERE bucket_id = ? ", (bucket_id,))
        query = f"SELECT * FROM batches {where}ORDER BY rowid DESC"
        return [_batch(row) for row in self._database.connection.execute(query, values)]

    def delete_batch(self, batch_id: str) -> None:
        """Forget a batch; what it made stays."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM batches WHERE batch_id = ?", (batch_id,))

    def object_ids(self, bucket_id: str, limit: int = -1) -> list[str]:
        """The ids of the bucket's objects in the order they came; `limit` of them (all)."""
        rows = self._database.connection.execute(
            "SELECT object_id FROM objects WHERE bucket_id = ? ORDER BY ordinal, object_id LIMIT ?",
            (bucket_id, limit),
        )
        return [row[0] for row in rows]


def _demand(changed: int, batch: Batch) -> None:
    if not changed:
        raise ConflictError(f"Batch {batch.batch_id} is submitted already: make a new one.")


def _batch(row: sqlite3.Row) -> Batch:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    ids = json.loads(values["object_ids"])
    values["object_ids"] = None if ids is None else tuple(ids)
    values["body"], values["tasks"] = json.loads(values["body"]), json.loads(values["tasks"])
    return Batch(**values)
