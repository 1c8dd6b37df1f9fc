"""What somebody changed about documents that an extractor made: fields, or that they are gone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import now
from mixpeek_lab.models import JSON


@dataclass(frozen=True, slots=True)
class DocumentEdit:
    """A change to one document. It holds for the content that the document was made of."""

    document_id: str
    row_key: str
    """Of that content: where it is another one, the change does not count any more."""
    fields: Mapping[str, JSON] = field(default_factory=dict)
    is_deleted: bool = False


class EditRecords(Records):
    """Changes by collection and document."""

    def put_edit(self, collection_id: str, edit: DocumentEdit) -> None:
        """Keep a change, in place of the one before."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO document_edits VALUES (?, ?, ?, ?, ?, ?)",
                (collection_id, edit.document_id, edit.row_key, json.dumps(dict(edit.fields)),
                 edit.is_deleted, now()),
            )  # fmt: skip
            note_change(sql, collection_id, edit.document_id)

    def edits(self, collection_id: str) -> dict[str, DocumentEdit]:
        """All changes to a collection's documents, by document id."""
        rows = self._database.connection.execute(
            "SELECT document_id, row_key, fields, is_deleted FROM document_edits "
            "WHERE collection_id = ? ORDER BY document_id",
            (collection_id,),
        )
        return {row[0]: to_edit(row) for row in rows}


def to_edit(row: sqlite3.Row) -> DocumentEdit:
    """A change; the row begins with its document id, row key, fields, and whether it is deleted."""
    return DocumentEdit(row[0], row[1], json.loads(row[2]), bool(row[3]))


def note_change(sql: sqlite3.Connection, scope: str, key: str, *, is_gone: bool = False) -> None:
    """Note that a document or an object (`key`) of a collection or bucket (`scope`) changed."""
    sql.execute(
        "INSERT INTO document_changes (scope, key, is_gone) VALUES (?, ?, ?)",
        (scope, key, is_gone),
    )
