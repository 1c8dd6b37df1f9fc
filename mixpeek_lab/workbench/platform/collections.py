"""Collections: what an extractor makes of buckets or of other collections, in the background."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id, now
from mixpeek_lab.errors import BodyError, ConflictError
from mixpeek_lab.models import JSON, Collection, IndexSettings
from mixpeek_lab.snapshots import writing
from mixpeek_lab.workbench.ancestry import demand_kind
from mixpeek_lab.workbench.cycles import demand_sound
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.origins import Origin
from mixpeek_lab.workbench.platform.batches import Batches
from mixpeek_lab.workbench.platform.bodies import demand_known, details, optional, required
from mixpeek_lab.workbench.platform.collection_records import collection_record, features_of
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.mappings import mapped_properties
from mixpeek_lab.workbench.platform.recipes import (
    wanted_config,
    wanted_extractor,
    wanted_parameters,
)
from mixpeek_lab.workbench.platform.sourcing import wanted_filters, wanted_source
from mixpeek_lab.workbench.platform.warnings import creation_warnings
from mixpeek_lab.workbench.targets import demand_sayable
from mixpeek_lab.workbench.values import plain

FIELDS = ("collection_name", "name", "source", "feature_extractor", "feature_extractors",
          "description", "metadata", "enabled")  # fmt: skip
CHECK_PARAMETERS = "mixpeek_lab.workbench.parameters:check_parameters"
SHORTEST = 3
"""Characters of a collection's name, as Mixpeek has it."""


class Collections:
    """Collections by id or name."""

    def __init__(self, catalog: Catalog, home: Home, host: Host, batches: Batches) -> None:
        self._catalog, self._home, self._host = catalog, home, host
        self._batches = batches

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """A new collection. Its documents are computed in the background."""
        demand_known(body, FIELDS)
        name = self._new_name(body)
        source = wanted_source(self._catalog, body)
        config = wanted_config(body)
        record = wanted_extractor(self._catalog, config)
        parameters = plain(wanted_parameters(config, record))
        self._check_parameters(record, parameters)
        told = details(body)
        if optional(body, "enabled", bool) is False:
            told["enabled"] = False
        if (filters := wanted_filters(body["source"], "source.")) is not None:
            told["source_filters"] = plain(filters)
        collection = Collection(
            new_id("col"), name, source, record.manifest.name, record.manifest.version,
            record.source.digest, parameters,
            IndexSettings(), now(), details=told,
        )  # fmt: skip
        collection = self._mapped(collection, config.get("input_mappings"))
        with self._catalog.together():
            wanted_source(self._catalog, body)  # nothing of it was deleted meanwhile
            self._catalog.create_collection(collection)
            if collection.is_enabled:
                self._catalog.queue_task(collection.collection_id)
        self._host.wake()
        origin = self._origin(collection)
        warnings = creation_warnings(origin, record, collection, self._host.services())
        return {**self.get(collection.collection_id), "warnings": warnings}

    def list_all(self) -> list[JSON]:
        """All collections, by name."""
        return [self._record(collection) for collection in self._catalog.collections()]

    def get(self, key: str) -> dict[str, JSON]:
        """One collection."""
        return self._record(self._catalog.collection(key))

    def features(self, key: str) -> list[JSON]:
        """The features that its documents can be searched by."""
        return features_of(self._made_by(self._catalog.collection(key)))

    def patch(self, key: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Another description or metadata; `enabled` says whether what is new is processed.

        `source`: other buckets, or other collections. Documents of what is left out go with the
        next run; Mixpeek has no such change.
        """
        demand_known(body, ("description", "metadata", "enabled", "source"))
        enabled = optional(body, "enabled", bool)
        changes = details(body) | ({} if enabled is None else {"enabled": enabled})
        with self._catalog.together():
            collection = self._catalog.collection(key)
            told = {**collection.details, **changes}
            is_new = "source" in body and self._change_source(collection, body, told)
            self._catalog.describe_collection(collection.collection_id, told)
            is_on = collection.is_enabled if enabled is None else enabled
            if (enabled and not collection.is_enabled) or (is_new and is_on):
                self._catalog.queue_task(collection.collection_id)
        self._host.wake()
        return self.get(collection.collection_id)

    def trigger(self, key: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Bring it up to date; objects that are new or changed are computed in any case.

        `dedup_strategy`, for those that have documents (or those of them that `object_ids`,
        `include_buckets`, `include_collections` and `source_filters` name): `skip` leaves
        them, `replace` computes them again, `force` too and lets both be: the new documents come
        beside the old ones, until the object changes. What is made of this one follows.
        """
        collection = self._catalog.collection(key)
        batch, found = self._batches.start(collection, body)
        task_id = batch.tasks[collection.collection_id]
        kind = collection.source.kind
        return {
            "batch_id": batch.batch_id,
            "task_id": task_id,
            "collection_id": collection.collection_id,
            f"source_{kind}_ids": list(found.sources),
            **({"document_count": found.count} if collection.is_derived else {}),
            "object_count": None if collection.is_derived else found.count,
            "total_tiers": self._batches.tiers(batch),
            "message": f"Task {task_id} brings {collection.name!r} up to date.",
        }

    def delete(self, key: str) -> None:
        """Remove a collection with its documents.

        ConflictError where a retriever searches it, another collection is made of it, or a run of
        it is under way: cancel that first.
        """
        collection = self._catalog.collection(key)
        self._catalog.demand_unread("collection", collection.collection_id)
        names = {collection.collection_id, collection.name}
        users = [
            r.name for r in self._catalog.retrievers()
            if names & set(r.body.get("collection_identifiers", ()))
        ]  # fmt: skip
        if users:
            raise ConflictError(
                f"Collection {collection.name!r} is searched by {', '.join(users)}: "
                "delete that first."
            )
        root = self._home.snapshots(collection.collection_id)
        try:
            with writing(root):
                self._catalog.delete_collection(collection.collection_id)
                shutil.rmtree(root, ignore_errors=True)
        except ConflictError as error:
            raise self._in_use(collection) or error from None

    # ------------------------------------------------------------ inside

    def _origin(self, collection: Collection) -> Origin:
        folder = self._home.snapshots(collection.collection_id).parent
        return Origin(self._catalog, folder, collection)

    def _mapped(self, collection: Collection, mappings: JSON) -> Collection:
        """The collection with what it reads of its source. BodyError where that is not there."""
        properties = mapped_properties(mappings, self._origin(collection))
        if not properties:
            return collection
        told = {"input_mappings": plain(mappings), "properties": properties}
        return replace(collection, details={**collection.details, **told})

    def _change_source(
        self, collection: Collection, body: Mapping[str, JSON], told: dict[str, JSON]
    ) -> bool:
        """Write its new source down, and the filters in `told`. False where it is the old one."""
        source = wanted_source(self._catalog, body)
        demand_kind(collection, source.kind)
        demand_sound(self._catalog, source, collection)
        changed = replace(collection, source=source)
        self._mapped(changed, collection.details.get("input_mappings"))
        self._catalog.change_source(collection.collection_id, source)
        filters = wanted_filters(body["source"], "source.")
        if "source_filters" in body["source"]:
            told |= {"source_filters": plain(filters)}
        is_same_filter = told.get("source_filters") == collection.details.get("source_filters")
        return source != collection.source or not is_same_filter

    def _in_use(self, collection: Collection) -> ConflictError | None:
        """What to say where a task is at work on the collection; None where that is no task."""
        for task in self._catalog.tasks(collection.collection_id):
            if task.state == "IN_PROGRESS":
                return ConflictError(
                    f"Task {task.task_id} is at work on collection {collection.name!r}. Wait for "
                    f"it, or cancel it first: POST /v1/tasks/{task.task_id}/cancel."
                )
        return None

    def _new_name(self, body: Mapping[str, JSON]) -> str:
        name = new_name(required(body, ("collection_name", "name"), str), "collection")
        if len(name) < SHORTEST:
            raise BodyError.at(
                "collection_name", f"is {name!r}: it has {SHORTEST} to 100 characters."
            )
        demand_sayable(self._catalog, name)
        return name

    def _check_parameters(self, record: ExtractorRecord, parameters: Mapping[str, JSON]) -> None:
        """InvalidInputError where they do not fit. That runs the extractor's manifest: not here."""
        if parameters or "parameter_schema" in (record.source.text("manifest.py") or ""):
            self._host.apart(CHECK_PARAMETERS, record, self._home.path, parameters)

    def _made_by(self, collection: Collection) -> ExtractorRecord:
        return self._catalog.extractor(collection.extractor, digest=collection.extractor_digest)

    def _record(self, collection: Collection) -> dict[str, JSON]:
        return collection_record(self._catalog, collection, self._made_by(collection))
