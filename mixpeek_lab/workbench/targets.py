"""The collection that a run writes to: a new one, or an existing one with today's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id, now
from mixpeek_lab.errors import ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.indexes import check_analyzer
from mixpeek_lab.inspection import is_reserved
from mixpeek_lab.models import JSON, Bucket, Collection, IndexKind, IndexSettings


def target_collection(
    catalog: Catalog,
    name: str,
    bucket: Bucket,
    record: ExtractorRecord,
    parameters: Mapping[str, JSON] | None,
    analyzer: str | None,
    indexes: Mapping[str, IndexKind] | None,
) -> Collection:
    """The collection as the run will leave it. None means: as it was, else the default.

    ConflictError where the name belongs to another extractor or bucket.
    """
    if analyzer is not None:
        check_analyzer(analyzer)
    if is_reserved(name):
        raise InvalidInputError(
            f"A collection cannot be called {name!r}: `sql` has a table of that name."
        )
    try:
        found = catalog.collection(name)
    except NotFoundError:
        settings = IndexSettings(analyzer or "english", dict(indexes or {}))
        return catalog.create_collection(_new(name, bucket, record, parameters or {}, settings))
    _check_owner(found, bucket, record)
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


def _new(
    name: str,
    bucket: Bucket,
    record: ExtractorRecord,
    parameters: Mapping[str, JSON],
    settings: IndexSettings,
) -> Collection:
    return Collection(
        collection_id=new_id("col"),
        name=name,
        bucket_id=bucket.bucket_id,
        extractor=record.manifest.name,
        extractor_version=record.manifest.version,
        extractor_digest=record.source.digest,
        parameters=dict(parameters),
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
