"""The lab's one namespace: its id, and what it is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import new_id, now
from mixpeek_lab.models import JSON

_KEYS = ("namespace_id", "created_at", "namespace_name", "namespace_details")


@dataclass(frozen=True, slots=True)
class Namespace:
    """The namespace that a lab is."""

    namespace_id: str
    created_at: str
    name: str | None = None
    """None until somebody gives it one."""
    details: Mapping[str, JSON] = field(default_factory=dict)
    """What else was said of it: `description`."""


class NamespaceRecords(Records):
    """The one namespace."""

    def namespace(self) -> Namespace:
        """The namespace. It gets its id when it is first asked for."""
        facts = self._facts()
        if "namespace_id" not in facts:
            with self._database.transaction() as sql:
                for key, value in (("namespace_id", new_id("ns")), ("created_at", now())):
                    sql.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (key, value))
            facts = self._facts()
        details = json.loads(facts.get("namespace_details", "{}"))
        return Namespace(
            facts["namespace_id"], facts["created_at"], facts.get("namespace_name"), details
        )

    def name_namespace(self, name: str, details: Mapping[str, JSON]) -> None:
        """Give it a name, and say what it is."""
        with self._database.transaction() as sql:
            for key, value in (
                ("namespace_name", name), ("namespace_details", json.dumps(dict(details)))
            ):  # fmt: skip
                sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))

    def forget_namespace(self) -> None:
        """Forget its id and its name: what is asked for next has new ones."""
        with self._database.transaction() as sql:
            sql.executemany("DELETE FROM facts WHERE key = ?", [(key,) for key in _KEYS])

    def _facts(self) -> dict[str, str]:
        """Read without a transaction: every request that names the namespace asks."""
        return {row[0]: row[1] for row in self._all("SELECT key, value FROM facts")}
