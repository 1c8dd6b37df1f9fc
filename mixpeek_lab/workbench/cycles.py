"""Collections made of collections: no circles, not too many steps, and the buckets at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import Collection, CollectionSource

MOST_STEPS = 32
"""From a bucket to a document, through as many collections."""


def demand_sound(catalog: Catalog, source: CollectionSource, of: Collection | None = None) -> None:
    """BodyError where a collection cannot be made of this source.

    Because it (`of`; None for a new one) would be made of itself: the message has the way. Or
    because a document would have more than `MOST_STEPS` steps behind it.
    """
    if source.kind == "bucket":
        return
    derived = {each.collection_id: each for each in catalog.derived()}
    if of is not None and (path := _path_to(of, derived, source.ids, set())):
        raise BodyError.at(
            "source",
            f"would make {of.name!r} out of itself: {' is made of '.join(path)}. "
            "Take another collection.",
        )
    sources = {key: each.source for key, each in derived.items()}
    sources[of.collection_id if of else ""] = source
    depths: dict[str, int] = {}
    if max(_depth(sources, key, depths) for key in sources) > MOST_STEPS:
        raise BodyError.at(
            "source", f"would put more than {MOST_STEPS} collections one behind the other."
        )


def root_buckets(catalog: Catalog, source: CollectionSource) -> list[str]:
    """The ids of the buckets that it comes from in the end, each once."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [source]
    while waiting:
        each = waiting.pop(0)
        if each.kind == "bucket":
            found |= dict.fromkeys(each.ids)
            continue
        new = [key for key in each.ids if key not in seen]
        seen.update(new)
        waiting += [catalog.collection(key).source for key in new]
    return list(found)


def _path_to(
    wanted: Collection, derived: Mapping[str, Collection], ids: Sequence[str], seen: set[str]
) -> list[str]:
    """The names from the collection back to itself; empty where there is no such way."""
    for key in ids:
        if key == wanted.collection_id:
            return [wanted.name, wanted.name]
        if key in seen or key not in derived:
            continue
        seen.add(key)
        if rest := _path_to(wanted, derived, derived[key].source.ids, seen):
            return [wanted.name, derived[key].name, *rest[1:]]
    return []


def _depth(sources: Mapping[str, CollectionSource], key: str, known: dict[str, int]) -> int:
    """How many collections there are on the longest way from a bucket to this one."""
    if key not in sources:
        return 1
    if key not in known:
        known[key] = 1 + max(_depth(sources, each, known) for each in sources[key].ids)
    return known[key]
