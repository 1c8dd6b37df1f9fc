"""The collection that a run writes to: a new one, or an existing one with today's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mixpeek_lab.catalog import Catalog, ExtractorRecord, new_id, now
from mixpeek_lab.errors import ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.indexes import check_analyzer
from mixpeek_lab.inspection import is_reserved
from mixpeek_lab.models import (
    INDEX_KINDS,
    JSON,
    Collection,
    CollectionSource,
    IndexKind,
    IndexSettings,
)
from mixpeek_lab.workbench.cycles import demand_sound
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.origins import in_words

ANOTHER = "Say collection=… (in the magic: --into)."


def target_collection(
    catalog: Catalog,
    name: str,
    source: CollectionSource,
    record: ExtractorRecord,
    parameters: Mapping[str, JSON] | None,
    analyzer: str | None,
    indexes: Mapping[str, IndexKind] | None,
    check: Callable[[Mapping[str, JSON]], None],
    fields: Sequence[str] | None = None,
) -> Collection:
    """The collection as the run will leave it. None means: as it was, else the default.

    A source may come to those that it has: it is made of them all from then on. `fields` are those
    that it reads of them, in place of what it read before; none, for what is read by default.

    `check` raises where the extractor cannot take the parameters; then nothing is made.
    ConflictError where the name belongs to another extractor or source; InvalidInputError where
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
        fresh = _new(new_name(name, "collection", ANOTHER), source, record, parameters, settings)
        return catalog.create_collection(replace(fresh, details=_reading(fresh, fields)))
    _check_owner(catalog, found, source, record)
    check(found.parameters if parameters is None else parameters)
    source = _joined(found.source, source)
    if source != found.source:
        demand_sound(catalog, source, found)
        catalog.change_source(found.collection_id, source)
    told = _reading(found, fields)
    if told != found.details:
        catalog.describe_collection(found.collection_id, told)
    settings = IndexSettings(
        analyzer or found.settings.analyzer,
        dict(found.settings.kinds if indexes is None else indexes),
    )
    return replace(
        found,
        source=source,
        extractor_version=record.manifest.version,
        extractor_digest=record.source.digest,
        parameters=dict(found.parameters if parameters is None else parameters),
        settings=settings,
        details=told,
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
    source: CollectionSource,
    record: ExtractorRecord,
    parameters: Mapping[str, JSON] | None,
    settings: IndexSettings,
) -> Collection:
    return Collection(
        collection_id=new_id("col"),
        name=name,
        source=source,
        extractor=record.manifest.name,
        extractor_version=record.manifest.version,
        extractor_digest=record.source.digest,
        parameters=dict(parameters or {}),
        settings=settings,
        created_at=now(),
    )


def _reading(collection: Collection, fields: Sequence[str] | None) -> dict[str, JSON]:
    """What is said of it, with the fields that it reads; None leaves them."""
    told = dict(collection.details)
    if fields is None:
        return told
    told.pop("input_mappings", None)
    told.pop("properties", None)
    return told | ({"properties": sorted(set(fields))} if fields else {})


def _joined(old: CollectionSource, new: CollectionSource) -> CollectionSource:
    """What was there first comes first."""
    return replace(old, ids=tuple(dict.fromkeys((*old.ids, *new.ids))))


def _check_owner(
    catalog: Catalog, found: Collection, source: CollectionSource, record: ExtractorRecord
) -> None:
    if found.extractor != record.manifest.name:
        raise ConflictError(
            f"Collection {found.name!r} belongs to extractor {found.extractor!r}. "
            "Give this one a name of its own."
        )
    same = found.source.kind == source.kind
    if same and set(found.source.ids) <= set(source.ids):
        return
    lost = [key for key in found.source.ids if key not in source.ids]
    if not same or len(lost) == len(found.source.ids):
        raise ConflictError(
            f"Collection {found.name!r} holds what {found.extractor!r} made of another "
            f"{found.source.kind}. Give this one a name of its own."
        )
    find = catalog.bucket if source.kind == "bucket" else catalog.collection
    left = in_words([find(key).name for key in lost])
    raise ConflictError(
        f"Collection {found.name!r} is made of {left} as well. Name that too, give this one a name "
        f"of its own, or take it away first: lab.lineage.change({found.name!r}, […])."
    )
