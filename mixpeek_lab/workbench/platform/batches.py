"""Batches: some of a bucket's objects, processed for some of its collections.

What is uploaded is processed in any case. A batch says which objects count together, has them
computed again where that is wanted, and tells what came of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mixpeek_lab.catalog import Batch, Catalog
from mixpeek_lab.errors import BodyError, ConflictError, NotFoundError
from mixpeek_lab.models import JSON, Bucket, Collection
from mixpeek_lab.workbench.cycles import root_buckets
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.batch_records import BatchRecorder, collection_ids
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, shown, texts
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.lost import close_lost_work
from mixpeek_lab.workbench.platform.triggers import Selection, selected
from mixpeek_lab.workbench.values import plain

FIELDS = ("object_ids", "collection_ids", "limit", "dedup_strategy", "metadata", "batch_name",
          "auto_submit", "trigger_processing")  # fmt: skip
STRATEGIES = ("skip", "replace", "force")
MOST = 50_000
"""Objects of a batch that names them."""


class Batches:
    """Batches by the id or name of their bucket, and their own id."""

    def __init__(self, catalog: Catalog, home: Home, host: Host) -> None:
        self._catalog, self._home, self._host = catalog, home, host
        self._recorder = BatchRecorder(catalog)

    def create(
        self, bucket: str, body: Mapping[str, JSON], *, submit: bool = False
    ) -> dict[str, JSON]:
        """A new draft; submitted at once where that is wanted, here or in the body."""
        demand_known(body, FIELDS)
        found = self._catalog.bucket(bucket)
        strategy(body)
        self._collections(found, texts(body, "collection_ids"))
        kept = {name: plain(body[name]) for name in FIELDS if body.get(name) is not None}
        kept.pop("object_ids", None)
        now = [optional(body, name, bool) for name in ("auto_submit", "trigger_processing")]
        batch = self._catalog.add_batch(found.bucket_id, self._objects(found, body), kept)
        if submit or any(now):
            batch = self._submit(batch, None)
        return self._recorder.record(batch)

    def extend(self, bucket: str, batch_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Put more objects into a draft."""
        demand_known(body, ("object_ids",))
        found, batch = self._found(bucket, batch_id)
        if batch.object_ids is None:
            raise ConflictError("The batch holds all objects of the bucket already.")
        more = self._known(found, texts(body, "object_ids") or [])
        if not more:
            raise BodyError.at("object_ids", "is missing: it is a list of ids.")
        return self._recorder.record(self._catalog.extend_batch(batch, more))

    def submit(self, bucket: str, batch_id: str, body: Mapping[str, JSON]) -> Batch:
        """Have a draft processed. ConflictError where it was submitted, or nothing processes it."""
        demand_known(body, ("include_processing_history", "collection_ids"))
        _, batch = self._found(bucket, batch_id)
        return self._submit(batch, texts(body, "collection_ids"))

    def start(self, collection: Collection, body: Mapping[str, JSON]) -> tuple[Batch, Selection]:
        """A batch of one collection, processed at once, and what it is for: see `selected`."""
        folder = self._home.snapshots(collection.collection_id).parent
        kept = {
            "dedup_strategy": strategy(body),
            "type": "COLLECTION",
            "collection_ids": [collection.collection_id],
        }
        if not collection.is_enabled:
            raise ConflictError(f"Collection {collection.name!r} is disabled: enable it first.")
        found = selected(self._catalog, folder, collection, body)
        with self._catalog.together():
            buckets = root_buckets(self._catalog, collection.source)
            if not collection.is_derived:
                buckets = list(found.sources)
            if buckets != [buckets[0]]:
                kept["bucket_ids"] = buckets
            batch = self._catalog.add_batch(buckets[0], found.object_ids, kept)
            options = _dedup_options(strategy(body), found.rows)
            return self._queue(batch, [collection], options), found

    def tiers(self, batch: Batch) -> int:
        """How many collections are made one of the other in it: the longest way."""
        return int(self._recorder.record(batch)["total_tiers"])

    def list_all(self, bucket: str, body: Mapping[str, JSON]) -> list[JSON]:
        """A bucket's batches, newest first; of one status or collection where that is asked for."""
        found = self._catalog.bucket(bucket)
        close_lost_work(self._catalog, self._home)
        status, collection = (optional(body, name, str) for name in ("status", "collection_id"))
        return [
            self._recorder.record(batch)
            for batch in self._catalog.batches(found.bucket_id)
            if status in (None, self._recorder.status(batch))
            and (collection is None or collection in collection_ids(batch))
        ]

    def get(self, bucket: str | None, batch_id: str) -> dict[str, JSON]:
        """One batch, and how far it is."""
        close_lost_work(self._catalog, self._home)
        return self._recorder.record(self._found(bucket, batch_id)[1])

    def failed(self, bucket: str, batch_id: str, collection: str | None) -> list[JSON]:
        """The rows of a batch's objects that failed; of one collection where that is asked for."""
        return self._recorder.failures(self._found(bucket, batch_id)[1], collection)

    def delete(self, bucket: str, batch_id: str) -> None:
        """Forget a batch. ConflictError while it is processed."""
        record = self.get(bucket, batch_id)
        if record["status"] in ("PENDING", "QUEUED", "IN_PROGRESS", "PROCESSING"):
            raise ConflictError(f"Batch {batch_id} is being processed: wait for its task.")
        self._catalog.delete_batch(batch_id)

    # ------------------------------------------------------------ inside

    def _submit(self, batch: Batch, only: Sequence[str] | None) -> Batch:
        bucket = self._catalog.bucket(batch.bucket_id)
        wanted = self._collections(bucket, only or batch.body.get("collection_ids"))
        if not wanted:
            raise ConflictError(
                f"No enabled collection is made of bucket {bucket.name!r}: create one, then submit "
                "the batch."
            )
        several = any(len(one.source.ids) > 1 for one in wanted)
        place = f"{bucket.bucket_id}/" if several else ""  # an id can be in several buckets
        chosen = [f"{place}{key}" for key in batch.object_ids or ("*",)]
        return self._queue(batch, wanted, _dedup_options(strategy(batch.body), chosen))

    def _queue(
        self, batch: Batch, wanted: Sequence[Collection], options: Mapping[str, JSON]
    ) -> Batch:
        """Have collections processed, and then what is made of them, as the tasks of a batch."""
        with self._catalog.together():
            tasks = self._catalog.queue_tasks([one.collection_id for one in wanted], options)
            submitted = self._catalog.submit_batch(batch, tasks)
        self._host.wake()
        return submitted

    def _found(self, bucket: str | None, batch_id: str) -> tuple[Bucket, Batch]:
        key = None if bucket is None else self._catalog.bucket(bucket).bucket_id
        batch = self._catalog.batch(batch_id, key)
        return self._catalog.bucket(batch.bucket_id), batch

    def _objects(self, bucket: Bucket, body: Mapping[str, JSON]) -> list[str] | None:
        """The ids that are named, else the first `limit` of the bucket; None for all of it."""
        chosen, limit = texts(body, "object_ids"), optional(body, "limit", int)
        if limit is not None and not 1 <= limit <= MOST:
            raise BodyError.at("limit", f"is {limit}: it is 1 to {MOST:,}.")
        if chosen is None:
            return None if limit is None else self._catalog.object_ids(bucket.bucket_id, limit)
        if not 1 <= len(chosen) <= MOST:
            raise BodyError.at("object_ids", f"holds {len(chosen):,} ids: it is 1 to {MOST:,}.")
        return self._known(bucket, chosen)[:limit]

    def _known(self, bucket: Bucket, chosen: list[str]) -> list[str]:
        """The ids, each of which the bucket has."""
        for key in self._catalog.unknown_objects(bucket.bucket_id, chosen):
            known = self._catalog.object_ids(bucket.bucket_id, 8)
            raise NotFoundError("object", key, known, f"It is not in bucket {bucket.name!r}.")
        return chosen

    def _collections(self, bucket: Bucket, names: Sequence[str] | None) -> list[Collection]:
        """Those of the bucket's collections that are named: all that are enabled, if none is."""
        if not names:
            made = self._catalog.collections()
            return [c for c in made if c.is_enabled and c.reads("bucket", bucket.bucket_id)]
        found = [self._catalog.collection(name) for name in names]
        for collection in found:
            if not collection.reads("bucket", bucket.bucket_id):
                raise BodyError.at(
                    "collection_ids", f"holds {shown(collection.name)}, which is made of another "
                    f"{collection.source.kind}."
                )  # fmt: skip
            if not collection.is_enabled:
                raise ConflictError(f"Collection {collection.name!r} is disabled: enable it first.")
        return found


def strategy(body: Mapping[str, JSON]) -> str:
    """`dedup_strategy`: skip, unless something else is asked for."""
    found = optional(body, "dedup_strategy", str) or "skip"
    if found not in STRATEGIES:
        raise BodyError.at("dedup_strategy", f"is {found!r}: {', '.join(STRATEGIES)}.")
    return found


def _dedup_options(name: str, chosen: Sequence[str]) -> dict[str, list[str]]:
    """A task's options for a strategy and the rows it is for: see Collections.trigger."""
    again = sorted(chosen)
    return {"skip": {}, "replace": {"force": again}, "force": {"beside": again}}[name]
