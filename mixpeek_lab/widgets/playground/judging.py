"""Judgements made in a playground: which documents answer which query, and how well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixpeek_lab.beir import write_judgements
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.evaluation import read_judgements
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.playground.naming import Naming

GRADES = (0, 1, 2, 3)


class Judging:
    """Grades from 0 (does not answer) to 3 (answers best) by query and document.

    A query that is judged first gets the next free id: q1, q2, … Documents are called by their
    `document_id`, or by the field that judgements from elsewhere name them with.
    """

    def __init__(self) -> None:
        self.qrels: dict[str, dict[str, int]] = {}
        """Query id → judged document → grade."""
        self.queries: dict[str, str] = {}
        """Query id → its text."""
        self.naming = Naming()
        self._past: list[tuple[str, str, int | None]] = []

    def grade(self, query: str, document_id: str, document: Mapping[str, Any], grade: JSON) -> None:
        """Judge a document; None takes a judgement back. InvalidInputError for another grade."""
        if grade is not None and (isinstance(grade, bool) or grade not in GRADES):
            raise InvalidInputError(f"grade: {grade!r} is not one of 0, 1, 2, 3.")
        if not query.strip():
            raise InvalidInputError("There is no query that the document could answer.")
        query_id = self._id_of(query)
        name = self.naming.name(document_id, document)
        self._past.append((query_id, name, self.qrels.get(query_id, {}).get(name)))
        self._put(query_id, name, grade)

    def undo(self) -> tuple[str, str] | None:
        """Take the last judgement back: its query's text and its document; None where none is."""
        if not self._past:
            return None
        query_id, name, grade = self._past.pop()
        query = self.queries[query_id]
        self._put(query_id, name, grade)
        return query, name

    def grades_of(self, query: str, documents: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
        """Document id → grade, of those of `documents` that are judged for the query."""
        query_id = next((key for key, text in self.queries.items() if text == query), None)
        judged = self.qrels.get(query_id or "", {})
        if not judged:
            return {}
        self.naming.find(documents, {name for each in self.qrels.values() for name in each})
        names = {key: self.naming.name(key, document) for key, document in documents.items()}
        return {key: judged[name] for key, name in names.items() if name in judged}

    def replace(self, qrels: Any, queries: Any = None) -> None:
        """Take judgements from a BEIR folder, a file, or values; all others are forgotten.

        `queries`: see `evaluation.read_judgements`; without them, those known by the same ids.
        """
        if isinstance(qrels, Mapping) and not qrels:
            self.__init__()  # type: ignore[misc]
            return
        if queries is None and isinstance(qrels, Mapping):
            queries = self.queries
        found = read_judgements(qrels, queries)
        self.qrels = {key: dict(judged) for key, judged in found.qrels.items()}
        self.queries = {key: _text(query) for key, query in found.queries.items()}
        self.naming, self._past = Naming(), []

    def save(self, path: str | Path, layout: str) -> Path:
        """See `beir.write_judgements`. InvalidInputError where nothing is judged."""
        if not self.qrels:
            raise InvalidInputError("There are no judgements to save: press 0 to 3 on a result.")
        return write_judgements(path, self.qrels, self.queries, layout)

    def _put(self, query_id: str, name: str, grade: int | None) -> None:
        judged = self.qrels.setdefault(query_id, {})
        if grade is None:
            judged.pop(name, None)
        else:
            judged[name] = grade
        if not judged:
            del self.qrels[query_id]

    def _id_of(self, query: str) -> str:
        for query_id, text in self.queries.items():
            if text == query:
                return query_id
        number = 1
        while f"q{number}" in self.queries:
            number += 1
        self.queries[f"q{number}"] = query
        return f"q{number}"


def _text(query: Any) -> str:
    """The words of a query, which may be given as the inputs of a retriever."""
    if isinstance(query, str):
        return query
    return next((each for each in query.values() if isinstance(each, str)), "")
