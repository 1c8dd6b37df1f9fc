"""Namespaces: which one a catalog is of, and, in the lab's own catalog, which others there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import new_id, now
from mixpeek_lab.errors import ConflictError
from mixpeek_lab.models import JSON

DEFAULT = "default"
"""What the lab's own namespace is called before it has a name, and answers to in any case."""
_BESIDE = "is_beside_default"


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace."""

    namespace_id: str
    created_at: str
    name: str = DEFAULT
    details: Mapping[str, JSON] = field(default_factory=dict)
    """What else was said of it: `description`, `metadata`."""
    is_default: bool = False


class NamespaceRecords(Records):
    """The namespace that a catalog is of, and those beside it.

    Each namespace has a catalog of its own. The default one's is the lab's, and lists the others.
    """

    def namespace(self) -> Namespace:
        """The one that this catalog is of. The lab's gets its id when it is first asked for."""
        facts = self._facts()
        if "namespace_id" not in facts:
            self._be(new_id("ns"), now())
            facts = self._facts()
        details = json.loads(facts.get("namespace_details", "{}"))
        name, is_default = facts.get("namespace_name", DEFAULT), _BESIDE not in facts
        return Namespace(facts["namespace_id"], facts["created_at"], name, details, is_default)

    def be_beside(self, namespace: Namespace) -> None:
        """Be the catalog of one beside the default one; which knows its name and details."""
        self._be(namespace.namespace_id, namespace.created_at, (_BESIDE, "yes"))

    def _be(self, namespace_id: str, created_at: str, *more: tuple[str, str]) -> None:
        with self._database.transaction() as sql:
            pairs = ("namespace_id", namespace_id), ("created_at", created_at), *more
            sql.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", pairs)

    def namespaces(self) -> list[Namespace]:
        """All of them, as they came; the first is this catalog's own, the default one here."""
        query = "SELECT * FROM namespaces WHERE is_deleted = 0 ORDER BY rowid"
        return [replace(self.namespace(), is_default=True), *map(_namespace, self._all(query))]

    def add_namespace(self, name: str, details: Mapping[str, JSON]) -> Namespace:
        """A new one. ConflictError where its name is taken."""
        made = Namespace(new_id("ns"), now(), name, dict(details))
        with self._database.transaction() as sql:
            self._demand_free(name)
            sql.execute(
                "INSERT INTO namespaces VALUES (?, ?, ?, ?, 0)",
                (made.namespace_id, name, json.dumps(made.details), made.created_at),
            )
        return made

    def name_namespace(self, namespace: Namespace, name: str, details: Mapping[str, JSON]) -> None:
        """Give one another name, and say what it is. ConflictError where the name is taken."""
        with self._database.transaction() as sql:
            self._demand_free(name, namespace.namespace_id)
            told = json.dumps(dict(details))
            if namespace.is_default:
                for pair in (("namespace_name", name), ("namespace_details", told)):
                    sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", pair)
            else:
                sql.execute(
                    "UPDATE namespaces SET name = ?, details = ? WHERE namespace_id = ?",
                    (name, told, namespace.namespace_id),
                )

    def mark_deleted(self, namespace_id: str) -> None:
        """Have one found no more: its name is free from here on. Its id is kept, and means it."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE namespaces SET is_deleted = 1 WHERE namespace_id = ?", (namespace_id,)
            )

    def deleted_namespaces(self) -> list[str]:
        """Ids of those that were."""
        query = "SELECT namespace_id FROM namespaces WHERE is_deleted = 1 ORDER BY rowid"
        return [row[0] for row in self._all(query)]

    def _demand_free(self, name: str, but: str = "") -> None:
        for other in self.namespaces():
            taken = [other.name, other.namespace_id, *([DEFAULT] if other.is_default else [])]
            if other.namespace_id != but and name in taken:
                raise ConflictError(
                    f"There is a namespace called {name!r} already ({other.namespace_id}). Use it, "
                    "or take a new name."
                )

    def _facts(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self._all("SELECT key, value FROM facts")}


def _namespace(row: sqlite3.Row) -> Namespace:
    return Namespace(
        row["namespace_id"], row["created_at"], row["name"], json.loads(row["details"])
    )
