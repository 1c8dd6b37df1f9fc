"""What was changed about documents and objects one by one, in the order it was changed.

A snapshot says which changes it has taken in: up to a serial number. What came after is laid over
it, for readers, until the next one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.edits import DocumentEdit, to_edit
from mixpeek_lab.models import JSON

ObjectKey = tuple[str, str]
"""A bucket's id, and the id of an object in it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a snapshot has not taken in."""

    serial: int
    """Of the newest; equal ones of one collection are the same changes. 0: there are none."""
    edits: Mapping[str, DocumentEdit]
    """By document id."""
    objects: Mapping[ObjectKey, Mapping[str, JSON] | None]
    """The metadata that an object has by now; None where it was deleted, whatever came after."""


class ChangeRecords(Records):
    """Changes by what they concern: a collection's document, or a bucket's object."""

    def last_change(self) -> int:
        """The serial number of the newest change of all; 0 before the first."""
        row = self._one("SELECT seq FROM sqlite_sequence WHERE name = 'document_changes'")
        return int(row[0]) if row else 0

    def changes(self, collection_id: str, buckets: Sequence[str], after: int) -> Changes:
        """What came after the serial number `after`: to the collection, to the buckets' objects."""
        sql = self._database.connection
        edited = sql.execute(
            "SELECT e.document_id, e.row_key, e.fields, e.is_deleted, c.serial "
            "FROM document_changes c JOIN document_edits e "
            "ON e.collection_id = c.scope AND e.document_id = c.key "
            "WHERE c.scope = ? AND c.serial > ? ORDER BY c.serial",
            (collection_id, after),
        ).fetchall()
        changed = sql.execute(
            "SELECT c.scope, c.key, max(c.is_gone), o.metadata, max(c.serial) "
            "FROM document_changes c LEFT JOIN objects o "
            "ON o.bucket_id = c.scope AND o.object_id = c.key "
            f"WHERE c.scope IN ({', '.join('?' * len(buckets))}) AND c.serial > ? "
            "GROUP BY c.scope, c.key",
            (*buckets, after),
        ).fetchall()
        return Changes(
            max((row[4] for row in (*edited, *changed)), default=0),
            {row[0]: to_edit(row) for row in edited},
            {(row[0], row[1]): _metadata(row) for row in changed},
        )

    def count_documents(self, collection_id: str, count: int) -> None:
        """Write down how many documents readers of the collection see."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE collections SET document_count = ? WHERE collection_id = ?",
                (count, collection_id),
            )


def _metadata(row: sqlite3.Row) -> Mapping[str, JSON] | None:
    is_gone = row[2] or row[3] is None
    found: Mapping[str, JSON] | None = None if is_gone else json.loads(row[3])
    return found
