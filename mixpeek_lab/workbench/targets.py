"""The collection that a run writes to: a new one, or an existing one with today's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id, now
from mixpeek_lab.errors import ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.indexes import check_analyzer
from mixpeek_lab.inspection import is_reserved
from mixpeek_lab.models import INDEX_KINDS, JSON, Bucket, Collection, IndexKind, IndexSettings
from mixpeek_lab.workbench.names import new_name

ANOTHER = "Say collection=… (in the magic: --into)."


def target_collection(
    catalog: Catalog,
    name: str,
    bucket: Bucket,
    record: ExtractorRecord,
    parameters: Mapping[str, JSON] | None,
    analyzer: str | None,
    indexes: Mapping[str, IndexKind] | None,
    check: Callable[[Mapping[str, JSON]], None],
) -> Collection:
    """The collection as the run will leave it. None means: as it was, else the default.

    `check` raises where the extractor cannot take the parameters; then nothing is made.
    ConflictError where the name belongs to another extractor or bucket; InvalidInputError where
    a new collection cannot have it.
    """
    if analyzer is not None:
        check_analyzer(analyzer)
    demand_sayable(catalog, name)
    _check_indexes(record, indexes or {})
    try:
        found = catalog.collection(name)
    except NotFoundError:
        check({} if parameters is None else parameters)
        settings = IndexSettings(analyzer or "english", dict(indexes or {}))
        fresh = _new(new_name(name, "collection", ANOTHER), bucket, record, parameters, settings)
        return catalog.create_collection(fresh)
    _check_owner(found, bucket, record)
    check(found.parameters if parameters is None else parameters)
    settings = IndexSettings(
        analyzer or found.settings.analyzer,
        dict(found.settings.kinds if indexes is None else indexes),
    )
    return replace(
        found,
        extractor_version=record.manifest.version,
        extractor_digest=record.source.digest,
        parameters=dict(found.parameters if parameters is None else parameters),
        settings=settings,
    )


def demand_sayable(catalog: Catalog, name: str) -> None:
    """Raise where SQL could not tell a collection of this name from another table."""
    if is_reserved(name):
        raise InvalidInputError(
            f"A collection cannot be called {name!r}: `sql` has a table of that name."
        )
    twin = next((c.name for c in catalog.collections() if c.name.lower() == name.lower()), name)
    if twin != name:
        raise ConflictError(
            f"There is a collection {twin!r}, and SQL does not tell it from {name!r}. "
            "Use that one, or take a name that differs in more than case."
        )


def _check_indexes(record: ExtractorRecord, indexes: Mapping[str, IndexKind]) -> None:
    known = [feature.feature_name for feature in record.manifest.vectors]
    for name, kind in indexes.items():
        if name not in known:
            raise NotFoundError("vector feature", name, known)
        if kind not in INDEX_KINDS:
            raise InvalidInputError(
                f"{name}: there is no index kind {kind!r}; it is one of {', '.join(INDEX_KINDS)}."
            )


def _new(
    name: str,
    bucket: Bucket,
    record: ExtractorRecord,
    parameters: Mapping[str, JSON] | None,
    settings: IndexSettings,
) -> Collection:
    return Collection(
        collection_id=new_id("col"),
        name=name,
        bucket_id=bucket.bucket_id,
        extractor=record.manifest.name,
        extractor_version=record.manifest.version,
        extractor_digest=record.source.digest,
        parameters=dict(parameters or {}),
        settings=settings,
        created_at=now(),
    )


def _check_owner(found: Collection, bucket: Bucket, record: ExtractorRecord) -> None:
    if found.extractor != record.manifest.name:
        raise ConflictError(
            f"Collection {found.name!r} belongs to extractor {found.extractor!r}. "
            "Give this one a name of its own."
        )
    if found.bucket_id != bucket.bucket_id:
        raise ConflictError(
            f"Collection {found.name!r} holds what {found.extractor!r} made of another bucket. "
            "Give this one a name of its own."
        )
