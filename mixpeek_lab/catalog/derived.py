"""Collections that are made of other collections: which follow which, in what order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from mixpeek_lab.catalog.access import Records
from mixpeek_lab.catalog.records import to_collection
from mixpeek_lab.errors import ConflictError
from mixpeek_lab.models import JSON, Collection, CollectionSource, SourceKind

IS_DERIVED = "json_extract(source, '$.kind') = 'collection'"
"""SQL: whether a row of `collections` is made of other collections."""


class DerivedRecords(Records):
    """What is made of what."""

    def derived(self) -> list[Collection]:
        """The collections that are made of other collections, by name."""
        query = f"SELECT * FROM collections WHERE {IS_DERIVED} ORDER BY name"
        return [to_collection(row) for row in self._all(query)]

    def followers(self, collection_ids: Iterable[str]) -> list[Collection]:
        """What is to be brought up to date after these, each behind all that it is made of.

        Through any number of steps, and not through collections that are disabled.
        """
        enabled = [collection for collection in self.derived() if collection.is_enabled]
        return _in_order(enabled, tuple(collection_ids))

    def demand_unread(self, kind: SourceKind, key: str) -> None:
        """ConflictError where a collection is made of that bucket or collection."""
        rows = self._database.connection.execute(
            "SELECT name FROM collections c, json_each(c.source, '$.ids') s "
            "WHERE json_extract(c.source, '$.kind') = ? AND s.value = ? ORDER BY name",
            (kind, key),
        ).fetchall()
        if rows:
            find = {"bucket": "buckets", "collection": "collections"}[kind]
            named = self._one(f"SELECT name FROM {find} WHERE {kind}_id = ?", key)
            name = named["name"] if named else key
            raise ConflictError(
                f"{kind.capitalize()} {name!r} is the source of "
                f"{', '.join(row[0] for row in rows)}: delete that first."
            )

    def change_source(self, collection_id: str, source: CollectionSource) -> None:
        """Have a collection made of something else from its next run on."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE collections SET source = ? WHERE collection_id = ?",
                (json.dumps({"kind": source.kind, "ids": source.ids}), collection_id),
            )

    def last_run(self, collection_id: str) -> tuple[str, str, dict[str, JSON]] | None:
        """The state, end and report of the newest run that has ended; None before the first."""
        row = self._one(
            "SELECT state, finished_at, report FROM runs WHERE collection_id = ? "
            "AND state != 'running' ORDER BY rowid DESC LIMIT 1",
            collection_id,
        )
        if row is None:
            return None
        return row["state"], row["finished_at"] or "", json.loads(row["report"] or "{}")


def _in_order(derived: Sequence[Collection], begun: tuple[str, ...]) -> list[Collection]:
    """Depth first: what is left last comes first. Sources have no cycles: see `origins.cycle`."""
    found: dict[str, Collection] = {}

    def visit(key: str) -> None:
        for each in derived:
            if each.reads("collection", key) and each.collection_id not in found:
                visit(each.collection_id)
                found[each.collection_id] = each

    for key in begun:
        visit(key)
    return [each for key, each in reversed(found.items()) if key not in begun]
