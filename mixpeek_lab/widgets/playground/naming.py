"""What judgements call documents: their id, or the field that carries the corpus's own ids."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.evaluation import match_field

LONGEST_ID = 200
MOST_SEEN = 200_000
OWN = "document_id"


@dataclass
class Naming:
    """`field` is found with the first documents that judgements are compared with."""

    field: str | None = None
    _seen: dict[str, str] = dataclasses.field(default_factory=dict)
    """Document id → name, of those met: a judgement may come after the next search."""

    def find(self, documents: Mapping[str, Mapping[str, Any]], judged: Collection[str]) -> None:
        """Look for the field that holds most of the judged ids, unless it is known."""
        if self.field is not None or not documents or not judged:
            return
        names = dict.fromkeys(
            name for each in documents.values() for name, v in _fields(each).items() if _is_id(v)
        )
        columns: dict[str, list[str | None]] = {OWN: list(documents)}
        for name in names:
            values = [_fields(each).get(name) for each in documents.values()]
            columns.setdefault(name, [str(v) if _is_id(v) else None for v in values])
        try:
            self.field = match_field(columns, set(judged)).field
        except InvalidInputError:
            return  # none of these documents is judged: others may be

    def name(self, document_id: str, document: Mapping[str, Any]) -> str:
        """What judgements call a document; `document` is empty where only its id is known."""
        if self.field in (None, OWN):
            return document_id
        value = _fields(document).get(self.field)
        if value is None:
            return self._seen.get(document_id, document_id)
        if len(self._seen) < MOST_SEEN:
            self._seen[document_id] = str(value)
        return str(value)


def _fields(document: Mapping[str, Any]) -> Mapping[str, Any]:
    lineage = document.get("lineage", {})
    return {"object_id": lineage.get("root_object_id"), **document.get("fields", {})}


def _is_id(value: Any) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number or (isinstance(value, str) and 0 < len(value) <= LONGEST_ID)
