"""Collections: what an extractor makes of a bucket, kept up to date in the background."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id, now
from mixpeek_lab.errors import BodyError, ConflictError, NotFoundError
from mixpeek_lab.models import JSON, Collection, IndexSettings
from mixpeek_lab.snapshots import writing
from mixpeek_lab.uris import normalise_version
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.platform.bodies import (
    demand_known,
    details,
    optional,
    required,
    shown,
)
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.ids import extractor_id
from mixpeek_lab.workbench.platform.mappings import mapped_properties, sources_bucket
from mixpeek_lab.workbench.platform.shapes import bucket_schema, output_schema, vector_indexes
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

    def __init__(self, catalog: Catalog, home: Home, host: Host) -> None:
        self._catalog, self._home, self._host = catalog, home, host

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """A new collection. Its documents are computed in the background."""
        demand_known(body, FIELDS)
        name = self._new_name(body)
        bucket = sources_bucket(self._catalog, body)
        config = _config(body)
        record = self._extractor(config)
        parameters = plain(optional(config, "parameters", dict, "feature_extractor.") or {})
        self._check_parameters(record, parameters)
        mappings = config.get("input_mappings")
        told = details(body)
        if properties := mapped_properties(mappings, bucket):
            told |= {"input_mappings": plain(mappings), "properties": properties}
        collection = Collection(
            new_id("col"), name, bucket.bucket_id, record.manifest.name, record.manifest.version,
            record.source.digest, parameters,
            IndexSettings(), now(), details=told,
        )  # fmt: skip
        with self._catalog.together():
            self._catalog.create_collection(collection)
            self._catalog.queue_task(collection.collection_id)
        self._host.wake()
        warnings = creation_warnings(bucket, record, collection, self._host.services())
        return {**self.get(collection.collection_id), "warnings": warnings}

    def list_all(self) -> list[JSON]:
        """All collections, by name."""
        return [self._record(collection) for collection in self._catalog.collections()]

    def get(self, key: str) -> dict[str, JSON]:
        """One collection."""
        return self._record(self._catalog.collection(key))

    def features(self, key: str) -> list[JSON]:
        """The features that its documents can be searched by."""
        record = self._made_by(self._catalog.collection(key))
        return [
            {
                "feature_uri": index["feature_uri"],
                "feature_address": index["feature_uri"],
                "feature_name": index["name"],
                "feature_extractor_name": record.manifest.name,
                "version": record.manifest.version,
                "vector_index": {"name": index["name"], "type": "dense", **index["index"]},
                "primary": number == 0,
            }
            for number, index in enumerate(vector_indexes(record.manifest))
        ]

    def trigger(self, key: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Bring it up to date; objects that are new or changed are computed in any case.

        `dedup_strategy`, for those that have documents (or `object_ids` of them): `skip` leaves
        them, `replace` computes them again, `force` too and lets both be: the new documents come
        beside the old ones, until the object changes.
        """
        demand_known(body, ("object_ids", "dedup_strategy"))
        collection = self._catalog.collection(key)
        chosen = self._chosen(collection, body)
        options = dedup_options(optional(body, "dedup_strategy", str), chosen)
        task, _ = self._catalog.queue_task(collection.collection_id, options)
        self._host.wake()
        count = len(chosen) or self._catalog.bucket(collection.bucket_id).object_count
        return {
            "batch_id": None,
            "task_id": task.task_id,
            "collection_id": collection.collection_id,
            "source_bucket_ids": [collection.bucket_id],
            "object_count": count,
            "total_tiers": 1,
            "message": f"Task {task.task_id} brings {collection.name!r} up to date.",
        }

    def delete(self, key: str) -> None:
        """Remove a collection with its documents.

        ConflictError where a retriever searches it, or a run of it is under way: cancel that first.
        """
        collection = self._catalog.collection(key)
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

    def _extractor(self, config: Mapping[str, JSON]) -> ExtractorRecord:
        where = "feature_extractor."
        demand_known(
            config,
            ("feature_extractor_name", "version", "input_mappings", "parameters",
             "feature_extractor_id"),
            where,
        )  # fmt: skip
        name = required(config, ("feature_extractor_name",), str, where)
        version = optional(config, "version", str, where)
        return self._catalog.extractor(
            name, version=normalise_version(version) if version else None
        )

    def _check_parameters(self, record: ExtractorRecord, parameters: Mapping[str, JSON]) -> None:
        """InvalidInputError where they do not fit. That runs the extractor's manifest: not here."""
        if parameters or "parameter_schema" in (record.source.text("manifest.py") or ""):
            self._host.apart(CHECK_PARAMETERS, record, self._home.path, parameters)

    def _chosen(self, collection: Collection, body: Mapping[str, JSON]) -> list[str]:
        chosen = optional(body, "object_ids", list) or []
        wrong = next((key for key in chosen if not isinstance(key, str)), None)
        if wrong is not None:
            raise BodyError.at("object_ids", f"holds {shown(wrong)}: it is a list of ids.")
        unknown = self._catalog.unknown_objects(collection.bucket_id, chosen)
        if unknown:
            raise NotFoundError("object", unknown[0], [], "It is not in the collection's bucket.")
        return list(chosen)

    def _made_by(self, collection: Collection) -> ExtractorRecord:
        return self._catalog.extractor(collection.extractor, digest=collection.extractor_digest)

    def _record(self, collection: Collection) -> dict[str, JSON]:
        record = self._made_by(collection)
        bucket = self._catalog.bucket(collection.bucket_id)
        manifest, task = record.manifest, self._catalog.latest_task(collection.collection_id)
        told = collection.details
        return {
            "collection_id": collection.collection_id,
            "collection_name": collection.name,
            "description": told.get("description"),
            "metadata": told.get("metadata", {}),
            "source": {"type": "bucket", "bucket_id": bucket.bucket_id,
                       "bucket_ids": [bucket.bucket_id]},
            "feature_extractor": {
                "feature_extractor_name": manifest.name,
                "feature_extractor_id": extractor_id(manifest.name, manifest.version),
                "version": manifest.version,
                "parameters": dict(collection.parameters),
                "input_mappings": told.get("input_mappings", {}),
            },
            "vector_indexes": vector_indexes(manifest),
            "input_schema": bucket_schema(bucket),
            "output_schema": output_schema(bucket, manifest),
            "enabled": True,
            "document_count": collection.document_count,
            "snapshot": collection.snapshot,
            "status": task.state if task else "ACTIVE",
            "task_id": task.task_id if task else None,
            "error": (task.error or None) if task else None,
            "warnings": [],
            "created_at": collection.created_at,
        }  # fmt: skip


def dedup_options(strategy: str | None, chosen: Sequence[str] = ()) -> dict[str, list[str]]:
    """A task's options for a `dedup_strategy` and the objects it is for (all); see `trigger`.

    BodyError where there is no such strategy.
    """
    again = sorted(chosen) or ["*"]
    options = {"skip": {}, "replace": {"force": again}, "force": {"beside": again}}
    if (strategy or "skip") not in options:
        raise BodyError.at("dedup_strategy", f"is {strategy!r}: skip, replace or force.")
    return options[strategy or "skip"]


def _config(body: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The one extractor: `feature_extractor`, or a list of one."""
    several = optional(body, "feature_extractors", list)
    if several is None or "feature_extractor" in body:
        return required(body, ("feature_extractor",), dict)
    if len(several) != 1 or not isinstance(several[0], Mapping):
        raise BodyError.at(
            "feature_extractors",
            f"holds {len(several)}: a collection has one. Make a collection for each.",
        )
    return several[0]
