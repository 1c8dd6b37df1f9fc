"""Documents of a collection, as its newest snapshot has them."""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import BodyError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.retrievers import plain
from mixpeek_lab.snapshots import Snapshot, shown_fields
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.bodies import demand_known, optional
from mixpeek_lab.workbench.sources import Source

MOST = 1000


class Documents:
    """Lists documents. The snapshot looked at last stays open."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._last: tuple[str, int, Source] | None = None

    def list_all(
        self, key: str, body: Mapping[str, JSON], offset: int, limit: int
    ) -> tuple[list[JSON], int, int, int]:
        """Some documents, how many match the filters, the offset and the limit.

        `offset`, `limit` and `filters` in the body count before the query string's.
        """
        demand_known(body, ("filters", "limit", "offset"))
        offset = _whole(body, "offset", 0, None, offset)
        limit = _whole(body, "limit", 1, MOST, limit)
        filters = parse_filter(body["filters"]) if body.get("filters") else None
        collection = self._catalog.collection(key)
        if collection.snapshot is None:
            return [], 0, offset, limit
        source = self._source(collection, collection.snapshot)
        allowed = source.snapshot.allowed(filters)
        ids = source.snapshot.document_ids
        if allowed is not None:
            ids = [ids[row] for row in allowed.nonzero()[0].tolist()]
        found = source.snapshot.fetch(ids[offset : offset + limit])
        return [_record(source, row) for row in found.values()], len(ids), offset, limit

    def _source(self, collection: Collection, number: int) -> Source:
        known = self._last
        if known is None or known[:2] != (collection.collection_id, number):
            folder = self._home.snapshots(collection.collection_id) / str(number)
            source = Source(collection, Snapshot(folder, collection.collection_id))
            known = self._last = (collection.collection_id, number, source)
        return known[2]


def _record(source: Source, row: Mapping[str, JSON]) -> dict[str, JSON]:
    fields: dict[str, JSON] = plain(shown_fields(row))
    return {
        **fields,
        "document_id": row["document_id"],
        "collection_id": source.collection.collection_id,
        "_internal": {"lineage": plain(source.lineage(row))},
    }


def _whole(body: Mapping[str, JSON], name: str, least: int, most: int | None, default: int) -> int:
    value = optional(body, name, int)
    if value is None:
        return default
    if value < least or (most is not None and value > most):
        raise BodyError.at(
            name, f"is {value}: it is {least} or more" + (f", {most} at most." if most else ".")
        )
    return value
