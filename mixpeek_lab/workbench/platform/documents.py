"""Documents of a collection, as searches find them: a change to one is there at once.

It is one row in the catalog, laid over the newest snapshot for whoever reads it. The run that it
sets going takes it into the next one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from mixpeek_lab.catalog import Catalog, DocumentEdit
from mixpeek_lab.documents import RESERVED
from mixpeek_lab.errors import BodyError, ConflictError, InvalidInputError, NotFoundError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.retrievers import plain
from mixpeek_lab.snapshots import Shown, shown_fields
from mixpeek_lab.workbench.cycles import root_buckets
from mixpeek_lab.workbench.platform.bodies import demand_known, optional
from mixpeek_lab.workbench.platform.file_roots import FileRoots
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.listed import Listed
from mixpeek_lab.workbench.platform.reading import field_problems, file_problems
from mixpeek_lab.workbench.sources import Source
from mixpeek_lab.workbench.values import plain as plain_value

MOST = 1000
SHOWING = ("return_presigned_urls", "include_total")
"""What Mixpeek's client says of how its service shows documents: the same here in any case."""
ANCHORS = 8
"""Documents that a place in the list names: it is lost when all of them are gone."""
OWN = ("_internal", "collection_id", *RESERVED)
"""Names that no change can have."""


class Documents:
    """Documents by collection and id."""

    def __init__(self, catalog: Catalog, host: Host, shown: Shown, roots: FileRoots) -> None:
        self._catalog, self._host, self._shown, self._roots = catalog, host, shown, roots

    def list_all(
        self, key: str, body: Mapping[str, JSON], offset: int, limit: int, after: JSON = None
    ) -> Listed:
        """Some documents of those that match the filters. `return_vectors` shows vectors too.

        `after`, the place of a document, counts before the offset. ConflictError where nothing of
        that place is left.
        """
        demand_known(body, ("filters", "limit", "offset", "page", "page_size", "return_vectors",
                            "cursor", *SHOWING))  # fmt: skip
        filters = parse_filter(body["filters"]) if body.get("filters") else None
        with_vectors = bool(optional(body, "return_vectors", bool))
        source = self._source(self._catalog.collection(key))
        if source is None:
            return Listed([], 0)
        allowed = source.snapshot.allowed(filters)
        every = source.snapshot.document_ids
        rows = list(range(len(every))) if allowed is None else allowed.nonzero()[0].tolist()
        start = bisect_right(rows, _row_of(every, after)) if after else offset
        shown = [every[row] for row in rows[start : start + limit]]
        vectors = source.snapshot.all_vectors_of(shown) if with_vectors else {}
        found = source.snapshot.fetch(shown).items()
        items = [{**_record(source, row), **vectors.get(key, {})} for key, row in found]
        return Listed(items, len(rows), shown[-ANCHORS:] if start + limit < len(rows) else None)

    def get(self, key: str, document_id: str, *, with_vectors: bool = False) -> dict[str, JSON]:
        """One document; NotFoundError where it is not there, or was deleted."""
        source, row = self._row(self._catalog.collection(key), document_id)
        vectors = source.snapshot.all_vectors_of([document_id]) if with_vectors else {}
        return {**_record(source, row), **vectors.get(document_id, {})}

    def patch(self, key: str, document_id: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Set fields of one document. It keeps them for as long as its content is the same.

        BodyError for what the extractor computed, and for what says where a document comes from.
        """
        if not body:
            raise InvalidInputError('Say which fields: {"reviewed": true}.')
        collection = self._catalog.collection(key)
        if refused := file_problems(body, "", self._roots.refusal):
            raise BodyError(refused)
        with self._catalog.together():  # what others change meanwhile is kept
            source, row = self._row(collection, document_id)
            _demand_free(body, source)
            for bucket_id in root_buckets(self._catalog, collection.source):
                if problems := field_problems(body, self._catalog.bucket(bucket_id), ""):
                    raise BodyError(problems)
            old = self._catalog.edits(collection.collection_id).get(document_id)
            before = old.fields if old and old.row_key == row["_row_key"] else {}
            fields = {**before, **plain_value(body)}
            edit = DocumentEdit(document_id, row["_row_key"], fields)
            self._catalog.put_edit(collection.collection_id, edit)
            self._catalog.queue_task(collection.collection_id)
            answer = _record(*self._row(collection, document_id))
        self._host.wake()
        return answer

    def delete(self, key: str, document_id: str) -> None:
        """Take one document out. It stays out for as long as its content is the same."""
        with self._catalog.together():
            self.remove(key, document_id)
            self._catalog.queue_task(self._catalog.collection(key).collection_id)
        self._host.wake()

    def remove(self, key: str, document_id: str) -> None:
        """The same, without a run that is set going."""
        with self._catalog.together():
            collection = self._catalog.collection(key)
            _, row = self._row(collection, document_id)
            edit = DocumentEdit(document_id, row["_row_key"], is_deleted=True)
            self._catalog.put_edit(collection.collection_id, edit)
            count = self._shown.of(collection).document_count
            self._catalog.count_documents(collection.collection_id, count)

    # ------------------------------------------------------------ inside

    def _row(self, collection: Collection, document_id: str) -> tuple[Source, Mapping[str, JSON]]:
        source = self._source(collection)
        row = source.snapshot.fetch([document_id]).get(document_id) if source else None
        if source is None or row is None:
            known = list(source.snapshot.row_of)[:8] if source else []
            raise NotFoundError("document", document_id, known)
        return source, row

    def _source(self, collection: Collection) -> Source | None:
        """What readers see; None before the first run."""
        if collection.snapshot is None:
            return None
        return Source(collection, self._shown.of(collection))


def _row_of(every: Sequence[str], after: JSON) -> int:
    """The row of the last document before, or of one shown shortly before it, that is there."""
    wanted = set(after)
    found = [row for row, key in enumerate(every) if key in wanted]
    if not found:
        raise ConflictError(
            "The documents that this cursor names are gone, and with them its place in the list. "
            "Begin again, without a cursor."
        )
    return found[-1]


def _record(source: Source, row: Mapping[str, JSON]) -> dict[str, JSON]:
    fields: dict[str, JSON] = plain(shown_fields(row))
    return {
        **fields,
        "document_id": row["document_id"],
        "collection_id": source.collection.collection_id,
        "_internal": {"lineage": plain(source.lineage(row))},
    }


def _demand_free(body: Mapping[str, JSON], source: Source) -> None:
    documents = source.snapshot.documents
    computed = {*documents.table.column_names, *source.snapshot.features}
    computed -= {*documents.metadata_fields, *OWN}
    for name in body:
        if not name.strip():
            raise BodyError.at("body", "has a field without a name.")
        if name in OWN:
            raise BodyError.at(name, "says what the document is or where it comes from: it stays.")
        if name in computed:
            raise BodyError.at(
                name, "is computed by the extractor: change the extractor, or take another name."
            )
