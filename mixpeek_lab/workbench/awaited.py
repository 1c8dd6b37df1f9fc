"""Collections whose first documents are on their way: defined over already, not searched yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import NotReadyError, RetrieverError
from mixpeek_lab.models import Collection, Feature
from mixpeek_lab.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is known of a snapshot before it is there: the features that its extractor declares."""

    features: Mapping[str, Feature]


def awaited(catalog: Catalog, collection: Collection) -> Snapshot:
    """Stands for the first snapshot where a retriever is defined. Searches ask for documents."""
    record = catalog.extractor(collection.extractor, digest=collection.extractor_digest)
    features = {feature.feature_name: feature for feature in record.manifest.vectors}
    return cast("Snapshot", Awaited(features))


def demand_documents(catalog: Catalog, collections: Iterable[Collection]) -> None:
    """Raise where one of the collections has had no run: NotReadyError if that is on its way."""
    for collection in collections:
        if collection.snapshot is not None:
            continue
        task = catalog.latest_task(collection.collection_id)
        if task is not None and task.is_open:
            raise NotReadyError(
                f"Collection {collection.name!r} is being processed for the first time "
                f"({task.task_id}: {task.state}). Ask again in a moment."
            )
        why = f"its run failed. {task.error}" if task else "process its bucket first."
        raise RetrieverError(f"Collection {collection.name!r} has no documents yet: {why}")
