"""What a collection is made of, as its runs see it: rows, and what is said where there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mixpeek_lab.catalog import Catalog, InputRow
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.filters import Filter, parse_filter
from mixpeek_lab.models import BLOB_TYPES, Bucket, Collection, CollectionSource
from mixpeek_lab.workbench.cycles import demand_sound
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

    InvalidInputError where there are none, one comes twice, both kinds are among them, or what
    is made of them would be too many steps away from a bucket.
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
    source = CollectionSource("collection", tuple(ids))
    demand_sound(catalog, source)
    return source


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


def demand_fields(
    catalog: Catalog, folder: Path, source: CollectionSource, fields: Sequence[str]
) -> None:
    """NotFoundError for a field that the source does not have, as far as that is known by now.

    InvalidInputError for one of a bucket that no extractor reads. `folder` has all snapshots.
    """
    schema: dict[str, str] = {}
    for key in source.ids:
        is_bucket = source.kind == "bucket"
        schema |= (
            catalog.bucket(key).schema if is_bucket else Upstream.of(catalog, folder, key).schema
        )
    for name in fields:
        if name not in schema and (schema or source.kind == "bucket"):
            raise NotFoundError("field", name, schema)
        if source.kind == "bucket" and schema[name] not in BLOB_TYPES:
            raise InvalidInputError(
                f"Field {name!r} is a {schema[name]}: extractors read blobs "
                f"({', '.join(BLOB_TYPES)}). What else an object has comes with its documents."
            )


def in_words(names: Sequence[str]) -> str:
    """`'a'`, `'a' and 'b'`, `'a', 'b' and 'c'`."""
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last


def _found(catalog: Catalog, name: str) -> tuple[str, str]:
    try:
        return "bucket", catalog.bucket(name).bucket_id
    except NotFoundError as no_bucket:
        try:
            return "collection", catalog.collection(name).collection_id
        except NotFoundError:
            made = [each.name for each in catalog.collections()]
            if not made:
                raise no_bucket from None
            known = [*(bucket.name for bucket in catalog.buckets()), *made]
            raise NotFoundError("bucket or collection", name, known) from None
