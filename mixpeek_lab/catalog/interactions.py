"""Interactions: what people did with hits, newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import new_id, now
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.models import JSON

_COLUMNS = ("retriever_id", "execution_id", "document_id", "user_id", "session_id")


@dataclass(frozen=True, slots=True)
class Interaction:
    """What somebody did with one hit of one search."""

    document_id: str
    types: tuple[str, ...]
    """`click`, `skip`, …: see `workbench.interactions.TYPES`."""
    position: int
    """Of the hit among the results, from 0."""
    retriever_id: str | None = None
    execution_id: str | None = None
    legs: tuple[str, ...] = ()
    """The legs that the hit is credited to: names, or feature URIs."""
    user_id: str | None = None
    session_id: str | None = None
    details: Mapping[str, JSON] = field(default_factory=dict)
    """The other fields, as they were given."""
    interaction_id: str = ""
    created_at: str = ""


class InteractionRecords(Records):
    """Interactions by id."""

    def add_interactions(self, found: Sequence[Interaction]) -> list[str | None]:
        """Keep them, all or none; their new ids.

        None for one that is there already: same execution, document and types.
        """
        with self._database.transaction() as sql:
            return [self._add(sql, each) for each in found]

    def interaction(self, interaction_id: str) -> Interaction:
        """The interaction of that id."""
        row = self._one("SELECT * FROM interactions WHERE interaction_id = ?", interaction_id)
        if row is None:
            raise NotFoundError(
                "interaction", interaction_id, [i.interaction_id for i in self.interactions()[:8]]
            )
        return _interaction(row)

    def interactions(
        self, kind: str | None = None, offset: int = 0, limit: int = -1, **equal: str | None
    ) -> list[Interaction]:
        """Newest first: all, or those of a type and with these columns (`user_id="me"`)."""
        where, values = _where(kind, equal)
        query = f"SELECT * FROM interactions{where} ORDER BY rowid DESC LIMIT ? OFFSET ?"
        rows = self._database.connection.execute(query, (*values, limit, offset))
        return [_interaction(row) for row in rows]

    def count_interactions(self, kind: str | None = None, **equal: str | None) -> int:
        """How many of them there are."""
        where, values = _where(kind, equal)
        query = f"SELECT count(*) FROM interactions{where}"
        count: int = self._database.connection.execute(query, values).fetchone()[0]
        return count

    def newest_interaction(self, retriever_id: str) -> tuple[int, str]:
        """How many a retriever has, and the id of the newest: equal while they are the same."""
        row = self._database.connection.execute(
            "SELECT count(*), (SELECT interaction_id FROM interactions WHERE retriever_id = ? "
            "ORDER BY rowid DESC LIMIT 1) FROM interactions WHERE retriever_id = ?",
            (retriever_id, retriever_id),
        ).fetchone()
        return row[0], row[1] or ""

    def delete_interactions(self, kind: str | None = None, **equal: str | None) -> int:
        """Forget them; how many there were."""
        where, values = _where(kind, equal)
        with self._database.transaction() as sql:
            return sql.execute(f"DELETE FROM interactions{where}", values).rowcount

    def _add(self, sql: sqlite3.Connection, each: Interaction) -> str | None:
        types = json.dumps(sorted(each.types))
        if each.execution_id and sql.execute(
            "SELECT 1 FROM interactions WHERE execution_id = ? AND document_id = ? AND types = ?",
            (each.execution_id, each.document_id, types),
        ).fetchone():  # fmt: skip
            return None
        interaction_id = new_id("int")
        sql.execute(
            "INSERT INTO interactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                interaction_id, each.retriever_id, each.execution_id, each.document_id,
                each.user_id, each.session_id, types, json.dumps(each.legs), each.position,
                json.dumps(dict(each.details)), now(),
            ),
        )  # fmt: skip
        return interaction_id


def _where(kind: str | None, equal: Mapping[str, str | None]) -> tuple[str, list[str]]:
    given = {name: value for name, value in equal.items() if value is not None}
    for name in given:
        if name not in (*_COLUMNS, "interaction_id"):
            raise TypeError(f"interactions have no {name!r}.")
    clauses = [f"{name} = ?" for name in given]
    values = list(given.values())
    if kind is not None:
        clauses.append("EXISTS (SELECT 1 FROM json_each(types) WHERE value = ?)")
        values.append(kind)
    return (f" WHERE {' AND '.join(clauses)}" if clauses else ""), values


@lru_cache(maxsize=1024)
def _texts(written: str) -> tuple[str, ...]:
    """A list of texts. There are few, and thousands of rows that have them."""
    return tuple(json.loads(written))


def _interaction(row: sqlite3.Row) -> Interaction:
    return Interaction(
        document_id=row["document_id"],
        types=_texts(row["types"]),
        position=row["position"],
        retriever_id=row["retriever_id"],
        execution_id=row["execution_id"],
        legs=_texts(row["legs"]),
        user_id=row["user_id"],
        session_id=row["session_id"],
        details=json.loads(row["details"]),
        interaction_id=row["interaction_id"],
        created_at=row["created_at"],
    )
