"""What a collection is made of, as its runs see it: rows, and what is said where there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mixpeek_lab.catalog import Catalog, InputRow
from mixpeek_lab.errors import BodyError, InvalidInputError, NotFoundError
from mixpeek_lab.filters import Filter, parse_filter
from mixpeek_lab.models import Bucket, Collection, CollectionSource
from mixpeek_lab.workbench.derived import Upstream, told_of_source, visible_to_filters


@dataclass(frozen=True)
class Origin:
    """The source of one collection at one moment. Documents are read when they are first used."""

    catalog: Catalog
    folder: Path
    """Where all collections have their snapshots: `folder / collection_id / number`."""
    collection: Collection

    def rows(self, types: Sequence[str]) -> Iterator[InputRow]:
        """Its rows of those types (all), in order: source by source."""
        wanted = self.filters
        for row in self._rows(types):
            if wanted is None or wanted.matches(visible_to_filters(row)):
                yield row

    @property
    def filters(self) -> Filter | None:
        """What of its source it takes; None for everything."""
        body = self.collection.details.get("source_filters")
        return None if body is None else parse_filter(body)

    @cached_property
    def buckets(self) -> list[Bucket]:
        """The buckets that it is made of; none where it is made of collections."""
        source = self.collection.source
        return [self.catalog.bucket(key) for key in source.ids] if source.kind == "bucket" else []

    @cached_property
    def upstream(self) -> list[Upstream]:
        """The collections that it is made of; none where it is made of buckets."""
        if not self.collection.is_derived:
            return []
        return [Upstream.of(self.catalog, self.folder, k) for k in self.collection.source.ids]

    @cached_property
    def where(self) -> str:
        """It in words: `bucket 'a'`, `buckets 'a' and 'b'`, `collection 'c'`."""
        names = [bucket.name for bucket in self.buckets] or [up.name for up in self.upstream]
        return f"{self.collection.source.kind}{'s' if len(names) > 1 else ''} {in_words(names)}"

    @cached_property
    def schema(self) -> dict[str, str]:
        """The fields that it offers → their types."""
        parts: list[Mapping[str, str]] = [bucket.schema for bucket in self.buckets]
        parts += [up.schema for up in self.upstream]
        return {name: kind for part in parts for name, kind in part.items()}

    @property
    def count(self) -> int:
        """How many objects or documents it holds."""
        if self.buckets:
            return sum(bucket.object_count for bucket in self.buckets)
        return sum(up.count for up in self.upstream)

    def held(self) -> dict[str, int]:
        """Blob type → how many of it there are."""
        found: Counter[str] = Counter()
        for bucket in self.buckets:
            found.update(self.catalog.count_blobs(bucket.bucket_id))
        for up in self.upstream:
            found.update(row.type for row in up.rows(self.collection.properties, ()))
        return dict(found)

    def notes(self) -> list[str]:
        """What is to be known of the collections that it is made of: failed runs, lost fields."""
        found = told_of_source(self.catalog, self.collection)
        for up in self.upstream:
            found += up.missing(self.collection.properties)
        return found

    def _rows(self, types: Sequence[str]) -> Iterator[InputRow]:
        for bucket in self.buckets:
            yield from self.catalog.iter_input(bucket.bucket_id, types, self.collection.properties)
        for up in self.upstream:
            yield from up.rows(self.collection.properties, types)


def source_of(catalog: Catalog, names: Sequence[str]) -> CollectionSource:
    """The buckets of those names or ids, or the collections; a bucket's name counts first.

    InvalidInputError where there are none, one comes twice, or both kinds are among them.
    """
    if not names:
        raise InvalidInputError("Name a bucket, several buckets, or a collection.")
    kinds, ids = set(), []
    for name in names:
        kind, key = _found(catalog, name)
        kinds.add(kind)
        ids.append(key)
    if len(kinds) > 1:
        raise InvalidInputError(
            f"{in_words(list(names))}: these are buckets and collections, and a collection is made "
            "of one kind. Make one of the buckets, and another of that."
        )
    demand_once(names, ids)
    if kinds == {"bucket"}:
        demand_alike([catalog.bucket(key) for key in ids])
        return CollectionSource("bucket", tuple(ids))
    return CollectionSource("collection", tuple(ids))


def demand_once(names: Sequence[str], ids: Sequence[str]) -> None:
    """InvalidInputError where two of the names stand for one thing."""
    twice = next((name for n, name in enumerate(names) if ids[n] in ids[:n]), None)
    if twice is not None:
        raise InvalidInputError(f"{twice!r} is named twice. Name it once.")


def demand_alike(buckets: Sequence[Bucket]) -> None:
    """InvalidInputError where a field has one type in one of the buckets and another in another."""
    first: dict[str, tuple[str, str]] = {}
    for bucket in buckets:
        for name, kind in bucket.schema.items():
            known, where = first.setdefault(name, (kind, bucket.name))
            if known != kind:
                raise InvalidInputError(
                    f"Field {name!r} is {known} in bucket {where!r} and {kind} in {bucket.name!r}: "
                    "one collection cannot be made of both. Give it one type, or make a "
                    "collection of each."
                )


def demand_no_cycle(catalog: Catalog, collection: Collection, source: CollectionSource) -> None:
    """BodyError with the path where the collection would be made of itself."""
    if source.kind == "collection" and (path := _path_to(catalog, collection, source.ids)):
        raise BodyError.at(
            "source",
            f"would make {collection.name!r} out of itself: {' is made of '.join(path)}. "
            "Take another collection.",
        )


def root_buckets(catalog: Catalog, source: CollectionSource) -> list[str]:
    """The ids of the buckets that it comes from in the end."""
    if source.kind == "bucket":
        return list(source.ids)
    found = (root_buckets(catalog, catalog.collection(key).source) for key in source.ids)
    return list(dict.fromkeys(key for ids in found for key in ids))


def in_words(names: Sequence[str]) -> str:
    """`'a'`, `'a' and 'b'`, `'a', 'b' and 'c'`."""
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last


def _path_to(catalog: Catalog, wanted: Collection, ids: Sequence[str]) -> list[str]:
    """The names from the collection back to itself; empty where there is no such way."""
    for key in ids:
        if key == wanted.collection_id:
            return [wanted.name, wanted.name]
        source = catalog.collection(key).source
        if source.kind == "collection" and (rest := _path_to(catalog, wanted, source.ids)):
            return [wanted.name, catalog.collection(key).name, *rest[1:]]
    return []


def _found(catalog: Catalog, name: str) -> tuple[str, str]:
    try:
        return "bucket", catalog.bucket(name).bucket_id
    except NotFoundError as no_bucket:
        try:
            return "collection", catalog.collection(name).collection_id
        except NotFoundError:
            raise no_bucket from None
