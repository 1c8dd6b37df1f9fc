"""Which objects or documents a trigger is for: ids, buckets, collections, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import BodyError, NotFoundError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.workbench.derived import visible_to_filters
from mixpeek_lab.workbench.origins import Origin, in_words
from mixpeek_lab.workbench.platform.bodies import demand_known, shown, texts
from mixpeek_lab.workbench.platform.sourcing import wanted_filters

FIELDS = (
    "object_ids", "dedup_strategy", "include_buckets", "include_collections", "source_filters",
)  # fmt: skip
REEMBED = (
    "vectors are not made anew from stored text here: a row is computed again as a whole. Leave it "
    'out, and send {"dedup_strategy": "replace"}.'
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a collection's source a trigger is for."""

    sources: tuple[str, ...]
    """Ids of buckets or collections: those that are named, else all that it is made of."""
    object_ids: tuple[str, ...] | None
    """None: all objects of those."""
    rows: tuple[str, ...]
    """For a task's options: see `InputRow.is_among`."""
    count: int
    """Objects, or documents where it is made of collections."""


def selected(
    catalog: Catalog, folder: Path, collection: Collection, body: Mapping[str, JSON]
) -> Selection:
    """What the body of a trigger means. `folder` has all collections' snapshots.

    BodyError for what the collection's source cannot have, or where nothing is left;
    NotFoundError for objects that are not there.
    """
    if body.get("reembed"):
        raise BodyError.at("reembed", REEMBED)
    demand_known(body, FIELDS)
    sources = _sources(catalog, collection, body)
    origin = Origin(catalog, folder, collection)
    chosen = _objects(catalog, collection, sources, texts(body, "object_ids"))
    if (filters := wanted_filters(body, "")) is not None:
        return _filtered(origin, sources, chosen, filters)
    if chosen is not None:
        return Selection(sources, chosen, _rows(collection, sources, chosen), len(chosen))
    rows = ("*",) if sources == collection.source.ids else tuple(f"{key}/*" for key in sources)
    return Selection(sources, None, rows, _count(catalog, collection, sources))


def _sources(catalog: Catalog, collection: Collection, body: Mapping[str, JSON]) -> tuple[str, ...]:
    """The ids that `include_buckets` or `include_collections` name, in the collection's order."""
    is_derived = collection.is_derived
    own, other = "include_buckets", "include_collections"
    own, other = (other, own) if is_derived else (own, other)
    kind = collection.source.kind
    if texts(body, other):
        raise BodyError.at(other, f"is not for this collection: it is made of {kind}s. Use {own}.")
    find = catalog.collection if is_derived else catalog.bucket
    asked = set()
    for number, name in enumerate(texts(body, own) or ()):
        found = find(name)
        key = found.collection_id if isinstance(found, Collection) else found.bucket_id
        if key not in collection.source.ids:
            known = in_words([find(each).name for each in collection.source.ids])
            raise BodyError.at(
                f"{own}[{number}]",
                f"is {shown(name)}, which {collection.name!r} is not made of: its {kind}s are "
                f"{known}.",
            )
        asked.add(key)
    return tuple(key for key in collection.source.ids if not asked or key in asked)


def _objects(
    catalog: Catalog, collection: Collection, sources: Sequence[str], ids: list[str] | None
) -> tuple[str, ...] | None:
    """The ids, each of which one of the buckets has."""
    if ids is None:
        return None
    if collection.is_derived:
        raise BodyError.at(
            "object_ids",
            "is not for a collection that is made of collections. Name their documents: "
            '{"source_filters": {"field": "object_id", "operator": "in", "value": […]}}.',
        )
    if not ids:  # a caller's own selection, and nothing fell into it
        raise BodyError.at("object_ids", "is empty. Leave it out for all objects.")
    missing = ids
    for key in sources:
        missing = catalog.unknown_objects(key, missing)
    if missing:
        known = [each for key in sources for each in catalog.object_ids(key, 8)]
        names = in_words([catalog.bucket(key).name for key in sources])
        raise NotFoundError("object", missing[0], known, f"It is not in {names}.")
    return tuple(dict.fromkeys(ids))


def _filtered(
    origin: Origin, sources: Sequence[str], chosen: Sequence[str] | None, filters: JSON
) -> Selection:
    """What of the source satisfies the filter, and is among the chosen objects."""
    wanted, found = parse_filter(filters), dict[str, str]()
    for row in origin.rows(()):
        source, key = row.place()[:2]
        is_asked = source in sources and (chosen is None or row.object_id in chosen)
        if is_asked and (wanted is None or wanted.matches(visible_to_filters(row))):
            found[f"{source}/{key}"] = row.object_id
    if not found:
        raise BodyError.at("source_filters", f"finds nothing in {origin.where}. Loosen it.")
    objects = tuple(dict.fromkeys(found.values()))
    is_derived = origin.collection.is_derived
    return Selection(tuple(sources), None if is_derived else objects, tuple(found), len(found))


def _rows(collection: Collection, sources: Sequence[str], ids: Sequence[str]) -> tuple[str, ...]:
    """Ids alone where it has one bucket; an id can be in several."""
    if len(collection.source.ids) == 1:
        return tuple(ids)
    return tuple(f"{source}/{key}" for source in sources for key in ids)


def _count(catalog: Catalog, collection: Collection, sources: Sequence[str]) -> int:
    if collection.is_derived:
        return sum(catalog.collection(key).document_count for key in sources)
    return sum(catalog.bucket(key).object_count for key in sources)
