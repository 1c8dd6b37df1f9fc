"""What it would cost to bring collections to another version: counted, nothing computed."""

from __future__ import annotations

from dataclasses import dataclass

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.models import Collection
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.origins import Origin
from mixpeek_lab.workbench.results import Results, input_rows


@dataclass(frozen=True, slots=True)
class Switch:
    """One collection, as a run with another version would find it."""

    collection: str
    version: str
    """The one that it is made with now."""
    documents: int
    """In it now."""
    rows: int
    """That the other version would read."""
    computed: int
    """Of those, how many it would have to compute."""

    @property
    def reused(self) -> int:
        """Rows whose results are there already."""
        return self.rows - self.computed


def switches(catalog: Catalog, home: Home, record: ExtractorRecord) -> tuple[Switch, ...]:
    """The dry run for every collection of the extractor, by name. Reads ledgers only."""
    return tuple(
        _switch(catalog, home, collection, record)
        for collection in catalog.collections()
        if collection.extractor == record.manifest.name
    )


def _switch(
    catalog: Catalog, home: Home, collection: Collection, record: ExtractorRecord
) -> Switch:
    root = home.snapshots(collection.collection_id)
    origin = Origin(catalog, root.parent, collection)
    keys = [row.key for row in input_rows(origin, record)]
    known = Results.of(root, collection, record.source.digest, collection.parameters).known()
    return Switch(
        collection.name,
        collection.extractor_version,
        collection.document_count,
        len(keys),
        sum(key not in known for key in keys),
    )
