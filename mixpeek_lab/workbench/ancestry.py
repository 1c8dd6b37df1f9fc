"""What collections are made of, and what each document comes from: `lab.lineage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ConflictError, NotFoundError
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.workbench.cycles import demand_sound
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.origins import source_of
from mixpeek_lab.workbench.seen import seen
from mixpeek_lab.workbench.steps import lineage_of


@dataclass(frozen=True, slots=True)
class Step:
    """One document on the way from an object to another document."""

    collection: str
    extractor: str
    """As an id: `name_1_0_0`."""
    document_id: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a document comes from: `str` shows it on a line."""

    bucket: str
    object_id: str
    steps: tuple[Step, ...]
    """The first was made of the object, the last is the document."""

    def __str__(self) -> str:
        steps = (f"{step.collection}/{step.document_id}" for step in self.steps)
        return " → ".join([f"{self.bucket}/{self.object_id}", *steps])


class Ancestry:
    """Collections that are made of several buckets, or of other collections."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home

    def sources(self, collection: str) -> list[str]:
        """The names of the buckets or collections that it is made of. NotFoundError."""
        source = self._catalog.collection(collection).source
        find = self._catalog.bucket if source.kind == "bucket" else self._catalog.collection
        return [find(key).name for key in source.ids]

    def followers(self, collection: str) -> list[str]:
        """The names of what is made of it, through any number of steps, in the order of runs."""
        found = self._catalog.collection(collection)
        return [each.name for each in self._catalog.followers([found.collection_id])]

    def change(self, collection: str, sources: Sequence[str]) -> Collection:
        """Have it made of other buckets or collections from its next run on.

        Documents of what is left out go with that run, and what stays is not computed again.
        NotFoundError; InvalidInputError for what does not fit together; BodyError where it would
        be made of itself; ConflictError where buckets would take the place of collections.
        """
        source = source_of(self._catalog, sources)
        with self._catalog.together():
            found = self._catalog.collection(collection)
            demand_kind(found, source.kind)
            demand_sound(self._catalog, source, found)
            self._catalog.change_source(found.collection_id, source)
        return self._catalog.collection(collection)

    def trace(self, collection: str, document_id: str) -> Trace:
        """Every step from the object to a document of the collection. NotFoundError."""
        found = self._catalog.collection(collection)
        lineage = lineage_of(found, self._row(found, document_id))
        bucket = self._catalog.bucket(lineage["root_bucket_id"])
        steps = tuple(
            Step(self._name(step["collection_id"]), step["feature_extractor_id"],
                 step["document_id"])
            for step in lineage["chain"]
        )  # fmt: skip
        return Trace(bucket.name, lineage["root_object_id"], steps)

    def _row(self, collection: Collection, document_id: str) -> Mapping[str, JSON]:
        if collection.snapshot is None:
            raise NotFoundError("document", document_id)
        snapshot = seen(self._catalog, self._home.snapshots(collection.collection_id), collection)
        row = snapshot.fetch([document_id]).get(document_id)
        if row is None:
            raise NotFoundError("document", document_id, snapshot.document_ids[:8])
        return row

    def _name(self, collection_id: str) -> str:
        try:
            return self._catalog.collection(collection_id).name
        except NotFoundError:  # it was left out since
            return collection_id


def demand_kind(collection: Collection, kind: str) -> None:
    """ConflictError where buckets would take the place of collections, or the other way round."""
    if collection.source.kind != kind:
        raise ConflictError(
            f"Collection {collection.name!r} is made of {collection.source.kind}s, and not of "
            f"{kind}s. Make another collection of those."
        )
