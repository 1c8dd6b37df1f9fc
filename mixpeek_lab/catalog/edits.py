"""What somebody changed about documents that an extractor made: fields, or that they are gone."""

from __future__ import annotations

import json
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

    def edits(self, collection_id: str) -> dict[str, DocumentEdit]:
        """All changes to a collection's documents, by document id."""
        rows = self._database.connection.execute(
            "SELECT document_id, row_key, fields, is_deleted FROM document_edits "
            "WHERE collection_id = ? ORDER BY document_id",
            (collection_id,),
        )
        return {
            row[0]: DocumentEdit(row[0], row[1], json.loads(row[2]), bool(row[3])) for row in rows
        }
