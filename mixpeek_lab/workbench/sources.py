"""A retriever's collections as a search sees them: features, services, candidates, documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Several
from dataclasses import dataclass
from typing import Any

from mixpeek_lab.errors import NotFoundError, RetrieverError
from mixpeek_lab.filters import Filter
from mixpeek_lab.filters.fields import unknown_field
from mixpeek_lab.models import JSON, Candidates, Collection
from mixpeek_lab.retrievers import DocumentQuery, FetchedDocument, SearchContext, SearchLeg
from mixpeek_lab.snapshots import Snapshot, shown_fields
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.steps import lineage_of


@dataclass(frozen=True, slots=True)
class Service:
    """What embeds a query: an extractor's version, with the parameters of the batch run."""

    extractor: str
    digest: str
    parameters: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Source:
    """A collection with the snapshot that readers see."""

    collection: Collection
    snapshot: Snapshot

    def uri(self, feature: str) -> str:
        """The address of one of its features."""
        version = self.collection.extractor_version
        return str(FeatureURI(self.collection.extractor, version, feature))

    def is_called(self, collection: str) -> bool:
        """Whether that is the collection's name or id."""
        return collection in (self.collection.collection_id, self.collection.name)

    def has(self, uri: FeatureURI) -> bool:
        """Whether it holds vectors of that feature."""
        made_by = (self.collection.extractor, self.collection.extractor_version)
        return made_by == (uri.extractor, uri.version) and uri.feature in self.snapshot.features

    def lineage(self, row: Mapping[str, JSON]) -> dict[str, JSON]:
        """Where a document of this collection comes from, as the API tells it."""
        return lineage_of(self.collection, row)


def _nowhere(collection: str) -> Source:
    raise NotFoundError("collection", collection)


@dataclass(frozen=True, slots=True)
class Sources:
    """The collections of one retriever."""

    all: tuple[Source, ...]
    elsewhere: Callable[[str], Source] = _nowhere
    """Another collection, by name or id. NotFoundError where there is none."""

    def uri_of(self, feature: str) -> str:
        """The address of a feature that is given by its bare name.

        NotFoundError where no collection has it, RetrieverError where several extractors do.
        """
        uris = sorted({s.uri(feature) for s in self.all if feature in s.snapshot.features})
        if not uris:
            raise NotFoundError(
                "feature", feature, {n for s in self.all for n in s.snapshot.features}
            )
        if len(uris) > 1:
            raise RetrieverError(
                f"Feature {feature!r} is in several extractors. "
                f"Write its feature_uri: {', '.join(uris)}."
            )
        return uris[0]

    def holding(self, uri: FeatureURI) -> list[Source]:
        """The collections that hold the feature; RetrieverError names the features there are."""
        found = [source for source in self.all if source.has(uri)]
        if not found:
            known = sorted({s.uri(name) for s in self.all for name in s.snapshot.features})
            raise RetrieverError(
                f"No collection of this retriever has {uri}. "
                f"They have: {', '.join(known) or 'no vectors'}. "
                "Define the retriever again with one."
            )
        return found

    def service(self, uri: FeatureURI) -> Service:
        """What embeds queries for the feature: the code that made the collections' vectors.

        RetrieverError where that is not the same for all of them.
        """
        holders = self.holding(uri)
        made_by = {_made_by(source.collection) for source in holders}
        if len(made_by) > 1:
            names = ", ".join(source.collection.name for source in holders)
            raise RetrieverError(
                f"{uri}: {names} were made by different code or parameters under one version, so "
                "one query vector does not fit them all. Process them again with the same."
            )
        first = holders[0].collection
        return Service(first.extractor, first.extractor_digest, dict(first.parameters))

    def dimension(self, uri: FeatureURI) -> int | None:
        """The length of the feature's vectors, as the manifest declared it."""
        return self.holding(uri)[0].snapshot.features[uri.feature].embedding_dim

    def fetch(self, document_ids: Sequence[str]) -> dict[str, FetchedDocument]:
        """Documents by id; ids that no collection has are left out."""
        found: dict[str, FetchedDocument] = {}
        for source in self.all:
            for key, row in source.snapshot.fetch(document_ids).items():
                collection = source.collection.collection_id
                found[key] = FetchedDocument(collection, shown_fields(row), source.lineage(row))
        return found

    def vectors_of(self, document_ids: Sequence[str]) -> dict[str, dict[str, JSON]]:
        """The vectors of documents: id → feature → numbers."""
        found: dict[str, dict[str, JSON]] = {}
        for source in self.all:
            for key, vectors in source.snapshot.all_vectors_of(document_ids).items():
                found.setdefault(key, {}).update(vectors)
        return found

    def terms(self, text: str) -> list[str]:
        """A query's words as the collections' lexical indexes know them, each once."""
        found = (s.snapshot.lexical_index.query_terms(text) for s in self.all)
        return list(dict.fromkeys(term for terms in found for term in terms)) if text else []

    def field_warnings(self, fields: Several[str]) -> list[str]:
        """A warning for each of a filter's fields that no document has."""
        filled = [s for s in self.all if s.snapshot.document_count]
        known = frozenset().union(*(s.snapshot.filter_fields for s in filled))
        missing = sorted(set(fields) - known) if filled else []
        return [_unknown_field(field, filled) for field in missing]

    def has_texts(self) -> bool:
        """Whether any document has a text that words can be looked up in."""
        return any(source.snapshot.has_texts for source in self.all)

    def context(self) -> SearchContext:
        """The collections as the callables that a search needs."""
        return SearchContext(
            dense=self._dense,
            lexical=self._lexical,
            fetch=self.fetch,
            vector_of=self._vector_of,
            metric_of=self._metric_of,
            field_warnings=self.field_warnings,
            has_texts=self.has_texts,
            passing=self.passing,
            matching=self._matching,
        )

    def passing(self, filters: Filter) -> tuple[int, int]:
        """How many documents pass a filter, and how many there are."""
        masks = [source.snapshot.allowed(filters) for source in self.all]
        total = sum(source.snapshot.document_count for source in self.all)
        return sum(int(mask.sum()) for mask in masks if mask is not None), total

    def _matching(self, filters: Filter | None, fields: Several[str]) -> list[FetchedDocument]:
        """Every document that passes the filter, with some of its fields."""
        return [
            FetchedDocument(source.collection.collection_id, shown_fields(row), source.lineage(row))
            for source in self.all
            for row in source.snapshot.matching(filters, list(fields))
        ]

    def _dense(self, leg: SearchLeg, vector: Any, top_k: int, filters: Filter | None) -> Candidates:
        uri = _uri(leg)
        found = [s.snapshot.dense(uri.feature, vector, top_k, filters) for s in self.holding(uri)]
        return _best(found, top_k)

    def _lexical(self, _: SearchLeg, text: str, top_k: int, filters: Filter | None) -> Candidates:
        return _best([s.snapshot.lexical(text, top_k, filters) for s in self.all], top_k)

    def _metric_of(self, leg: SearchLeg) -> str:
        uri = _uri(leg)
        return self.holding(uri)[0].snapshot.features[uri.feature].distance_metric

    def _vector_of(self, leg: SearchLeg, document_id: str) -> Sequence[float]:
        uri = _uri(leg)
        wanted = leg.query.collection_id if isinstance(leg.query, DocumentQuery) else None
        holders = self.holding(uri)
        if wanted is not None:
            holders = [s for s in holders if s.is_called(wanted)] or [
                self._comparable(wanted, uri, leg)
            ]
        for source in holders:
            if document_id in source.snapshot.row_of:
                return source.snapshot.vector_of(uri.feature, document_id)
        raise RetrieverError(
            f"leg {leg.name!r}: document {document_id!r} is not in "
            f"{wanted or 'any collection of this retriever that has the feature'}."
        )

    def _comparable(self, collection: str, uri: FeatureURI, leg: SearchLeg) -> Source:
        """A collection beside the retriever's own, whose vectors can be compared with theirs."""
        try:
            source = self.elsewhere(collection)
        except NotFoundError as error:  # of a collection: a feature that is not there is another
            raise RetrieverError(f"leg {leg.name!r}, query.document_ref: {error}") from error
        made_by = {_made_by(holder.collection) for holder in self.holding(uri)}
        if not source.has(uri) or made_by != {_made_by(source.collection)}:
            raise RetrieverError(
                f"leg {leg.name!r}, query.document_ref: {source.collection.name} has no {uri} "
                "made by the code and parameters of the collections that are searched, so its "
                "vectors cannot be compared with theirs."
            )
        return source


def _unknown_field(field: str, sources: Sequence[Source]) -> str:
    where = ", ".join(source.collection.name for source in sources)
    known = dict.fromkeys(name for source in sources for name in source.snapshot.field_names)
    is_content = any(field in source.snapshot.blob_properties for source in sources)
    return unknown_field(field, where, list(known), "data" if is_content else None)


def _uri(leg: SearchLeg) -> FeatureURI:
    return FeatureURI.parse(leg.feature_uri or "")


def _made_by(collection: Collection) -> tuple[str, str]:
    return collection.extractor_digest, json.dumps(dict(collection.parameters), sort_keys=True)


def _best(found: list[Candidates], top_k: int) -> Candidates:
    """The best of several collections' candidates; ties by document id."""
    if len(found) == 1:
        return found[0]
    joined = [(-score, key) for each in found for key, score in zip(*each, strict=True)]
    best = sorted(joined)[:top_k]
    return Candidates([key for _, key in best], [-score for score, _ in best])
