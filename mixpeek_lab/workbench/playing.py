"""What a playground asks about a retriever: fields, filters, documents like one, lineage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.documents import is_file_url
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.filters import join, parse_filter
from mixpeek_lab.models import JSON, SearchResult
from mixpeek_lab.retrievers import (
    FetchedDocument,
    RetrieverSpec,
    candidate_ids,
    to_explain,
    told_document,
)
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.workbench.fields_told import told_fields
from mixpeek_lab.workbench.playing_maps import PlayingMaps
from mixpeek_lab.workbench.search import Searcher
from mixpeek_lab.workbench.sources import Sources

LONGEST_QUERY = 1000
"""Characters of a document that lexical legs look for."""
OPTIONS = ("limit", "filters", "top_k", "documents")
"""What a search takes from a playground beside the query."""
WARNING = "A search with a document leaves the retriever's later stages out."


class Playing:
    """Answers from this process's own snapshots; only `ranks` asks the endpoint."""

    def __init__(
        self,
        catalog: Catalog,
        searcher: Searcher,
        explain: Callable[..., dict[str, JSON]],
        depths: Callable[..., dict[str, JSON]],
        maps: PlayingMaps,
    ) -> None:
        """`explain` answers a stored retriever in this process; `depths` answers `ranks`."""
        self._catalog, self._searcher = catalog, searcher
        self._explain, self._depths = explain, depths
        self.maps = maps

    def search(self, retriever: str, request: Mapping[str, JSON]) -> dict[str, JSON]:
        """A playground's payload from this process, without the endpoint: `{query, limit,
        filters, top_k, documents}`. Raises what `Lab.search` raises.
        """
        options = {key: request[key] for key in OPTIONS if request.get(key)}
        return self._explain(retriever, {"query": request["query"], **options})

    def fields(self, retriever: str) -> list[dict[str, JSON]]:
        """The fields that filters can look at, with what they hold: see `told_fields`."""
        _, sources = self._read(retriever)
        return told_fields([source.snapshot.shown_documents for source in sources.all])

    def count(self, retriever: str, filters: JSON) -> tuple[int, int]:
        """How many documents pass the filter and the retriever's own, and how many there are.

        FilterError for a filter that is none.
        """
        spec, sources = self._read(retriever)
        joined = join(spec.filters, parse_filter(filters, "filters"))
        if joined is not None:
            return sources.passing(joined.render({}))
        total = sum(source.snapshot.document_count for source in sources.all)
        return total, total

    def like(self, retriever: str, request: Mapping[str, JSON]) -> dict[str, JSON]:
        """Documents like `document_id`, as a playground's payload: vector legs take its vector,
        lexical ones the beginning of its text. The document itself is left out of what is found,
        and told of beside the query.
        """
        document_id = str(request["document_id"])
        body = self._catalog.retriever(retriever).body
        document = self._document(retriever, document_id)
        words = _words(document)
        filters = [{"NOT": {"field": "document_id", "value": document_id}}, request.get("filters")]
        asked = {
            "query": words,
            "limit": request.get("limit"),
            "filters": {"AND": [each for each in filters if each]},
            "candidates": True,
            "documents": request.get("documents"),
        }
        body = _with_document(body, document_id, bool(words), request.get("top_k") or {})
        prepared = self._searcher.prepare(body, asked)
        result = self._searcher.finish(prepared, {})
        told = self._told(retriever, result, words, prepared.request.documents)
        told["query"] = {"query_text": f"like {document_id}", "document": _named(document, words)}
        told["terms"] = []
        if len(body["stages"]) > 1:
            told["warnings"] = [*told["warnings"], WARNING]
        return told

    def ranks(self, retriever: str, request: Mapping[str, JSON]) -> dict[str, JSON]:
        """Where a document stands in every leg: `{fields, is_filtered, legs}`.

        NotFoundError where no collection of the retriever has it; EngineError while the endpoint
        is down.
        """
        body = {"query": request["query"], "filters": request.get("filters")}
        return self._depths(retriever, body, str(request["document_id"]))

    def documents(self, retriever: str, document_ids: Sequence[str]) -> dict[str, JSON]:
        """Documents of a retriever's collections as its payload has them; others are left out."""
        _, sources = self._read(retriever)
        return {key: told_document(each) for key, each in sources.fetch(document_ids).items()}

    def trace(self, retriever: str, document_id: str) -> list[dict[str, JSON]]:
        """The steps from a document to what it was made of: `{kind, id, facts}` each; the code's
        step has `files` too. What is deleted by now is left out.
        """
        document = self._document(retriever, document_id)
        lineage = document.lineage
        collection = self._catalog.collection(document.collection_id)
        steps = [
            _step("document", document_id, collection=collection.name),
            _step("blob", lineage["blob_id"], property=lineage["blob_property"],
                  type=lineage["mime_type"] or lineage["blob_type"], bytes=lineage["size_bytes"]),
        ]  # fmt: skip
        bucket_id, object_id = str(lineage["root_bucket_id"]), str(lineage["root_object_id"])
        with suppress(NotFoundError):
            found = self._catalog.object(bucket_id, object_id)
            steps.append(_step("object", object_id, **plain(dict(found.object.metadata))))
        with suppress(NotFoundError):
            bucket = self._catalog.bucket(bucket_id)
            steps.append(_step("bucket", bucket.name, objects=bucket.object_count))
        with suppress(NotFoundError):
            steps.append(self._code(collection.extractor, collection.extractor_digest))
        return [*steps, _step("run", lineage["run_id"])]

    def _code(self, name: str, digest: str) -> dict[str, JSON]:
        record = self._catalog.extractor(name, digest=digest)
        commit = next((c for c in self._catalog.commits(name) if c.digest == digest), None)
        told = {"message": commit.message, "author": commit.author} if commit else {}
        step = _step("code", f"{name}@{record.manifest.version}", digest=digest[:12], **told)
        return {**step, "files": [{"path": path, "text": t} for path, t in record.source.files]}

    def _told(
        self, retriever: str, result: SearchResult, words: str, most: int | None
    ) -> dict[str, JSON]:
        """The result with every candidate's document, or the first of each leg."""
        _, sources = self._read(retriever)
        told = to_explain(result, sources.fetch(candidate_ids(result, most)))
        return {**told, "retriever": retriever, "terms": sources.terms(words), "text_field": "data"}

    def _read(self, retriever: str) -> tuple[RetrieverSpec, Sources]:
        record = self._catalog.retriever(retriever)
        spec, _ = self._searcher.resolve(record.body, record.name)
        return spec, Sources(tuple(map(self._searcher.source, spec.collections)))

    def _document(self, retriever: str, document_id: str) -> FetchedDocument:
        _, sources = self._read(retriever)
        found = sources.fetch([document_id])
        if document_id not in found:
            known = [key for source in sources.all for key in source.snapshot.document_ids[:9]]
            raise NotFoundError("document", document_id, known)
        return found[document_id]


def _step(kind: str, key: JSON, **facts: JSON) -> dict[str, JSON]:
    return {"kind": kind, "id": key, "facts": {k: v for k, v in facts.items() if v is not None}}


def _words(document: FetchedDocument) -> str:
    data, kind = document.fields.get("data"), document.lineage.get("blob_type")
    if not isinstance(data, str) or is_file_url(data, kind if isinstance(kind, str) else None):
        return ""
    return data[:LONGEST_QUERY].strip()


def _named(document: FetchedDocument, words: str) -> dict[str, JSON]:
    """What a view calls the document by: its fields, and of its text the beginning."""
    fields = {name: value for name, value in document.fields.items() if name != "data"}
    return {"fields": {**plain(fields), **({"data": words} if words else {})}}


def _with_document(
    body: Mapping[str, Any], document_id: str, has_words: bool, top_k: Mapping[str, int]
) -> dict[str, JSON]:
    """The retriever's feature_search alone, its vector legs asked with a document.

    Lexical legs are left out where the document has no text. InvalidInputError where no leg stays.
    """
    first = body["stages"][0]
    parameters = dict(first["parameters"])
    reference = {"input_mode": "document", "document_ref": {"document_id": document_id}}
    searches: Sequence[Mapping[str, JSON]] = parameters["searches"]
    parameters["searches"] = [
        {key: value for key, value in leg.items() if key != "query"}
        | ({} if leg.get("lexical") else {"query": reference})
        | ({"top_k": top_k[leg["name"]]} if leg.get("name") in top_k else {})
        for leg in searches
        if has_words or not leg.get("lexical")
    ]
    if not parameters["searches"]:
        raise InvalidInputError(
            f"Document {document_id!r} has no text, and this retriever looks for words only."
        )
    stage = {"stage_id": "feature_search", "parameters": parameters}
    return {
        "retriever_name": body["retriever_name"],
        "collection_identifiers": body["collection_identifiers"],
        "stages": [stage],
    }
