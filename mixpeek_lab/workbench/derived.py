"""A collection as the source of another: its documents as the rows of a run."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mixpeek_lab.catalog import Catalog, InputRow, Parent
from mixpeek_lab.documents import DocumentTable, is_file_url
from mixpeek_lab.media import promised_kind
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.retrievers import plain
from mixpeek_lab.snapshots import shown_fields
from mixpeek_lab.workbench.seen import seen
from mixpeek_lab.workbench.steps import chain_of

CONTENT = "data"
ATTEMPTS = 5
"""A snapshot can go while it is opened, because a run has shown the next."""


@dataclass(frozen=True)
class Upstream:
    """The documents that a collection shows, for another that is made of them."""

    name: str
    collection_id: str
    documents: DocumentTable | None
    """Without their vectors; None before its first run."""

    @classmethod
    def of(cls, catalog: Catalog, folder: Path, collection_id: str) -> Upstream:
        """As the collection is now. `folder` has all collections' snapshots."""
        for attempt in range(ATTEMPTS):
            shown = catalog.collection(collection_id)
            try:
                documents = None if shown.snapshot is None else _read(catalog, folder, shown)
            except FileNotFoundError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                break
        return cls(shown.name, collection_id, documents)

    @property
    def count(self) -> int:
        """How many documents there are."""
        return 0 if self.documents is None else self.documents.table.num_rows

    @cached_property
    def schema(self) -> dict[str, str]:
        """The fields of its documents → what they hold: text for what a run can read."""
        if self.documents is None:
            return {}
        schema = self.documents.table.schema
        fields = {n: _kind_of_column(schema.field(n).type) for n in self.documents.field_names}
        return {**dict.fromkeys(self._properties, "text"), **fields}

    def missing(self, fields: Sequence[str]) -> list[str]:
        """A sentence for each of the fields that no document has."""
        if not self.count:
            return []
        return [
            f"input_mappings takes `{name}`, and no document of collection {self.name!r} has it. "
            f"They have: {', '.join(self.schema)}."
            for name in fields
            if name not in self.schema
        ]

    def rows(self, fields: Sequence[str], types: Sequence[str]) -> Iterator[InputRow]:
        """Each document's fields (`data`, if none is named) as rows of those types (all)."""
        if self.documents is None:
            return
        for batch in self.documents.table.to_batches(max_chunksize=4096):
            for document in batch.to_pylist():
                for row in self._rows_of(document, fields or (CONTENT,)):
                    if not types or row.type in types:
                        yield row

    @cached_property
    def _properties(self) -> frozenset[str]:
        """The fields of the bucket that became `data` in these documents."""
        table = self.documents.table if self.documents else None
        if table is None or "blob_property" not in table.column_names:
            return frozenset()
        return frozenset(key for key in table.column("blob_property").unique().to_pylist() if key)

    def _rows_of(self, document: Mapping[str, JSON], fields: Sequence[str]) -> Iterator[InputRow]:
        own: dict[str, JSON] = plain(shown_fields(document))
        about = {k: v for k, v in own.items() if v is not None and k != CONTENT}
        metadata = json.dumps(about, sort_keys=True)
        chain = json.dumps(chain_of(self.collection_id, document))
        parent = Parent(self.collection_id, document["document_id"], chain)
        bucket = document.get("_bucket_id") or ""
        about_hash = _hash(metadata, chain, bucket)
        for field in fields:
            name = self._column(field, document)
            if (text := _text(own.get(name))) is None:
                continue
            kind, mime, size, digest = _content(name, text, document)
            yield InputRow(
                document["object_id"], document.get("blob_id") or "",
                (document.get("blob_property") or CONTENT) if name == CONTENT else name, kind,
                text, mime, digest, size, metadata, about_hash, bucket, parent,
            )  # fmt: skip

    def _column(self, name: str, document: Mapping[str, JSON]) -> str:
        """Where a field is: what was a bucket's property is the `data` of what was made of it."""
        is_content = name not in document and document.get("blob_property") == name
        return CONTENT if is_content else name


def told_of_source(catalog: Catalog, collection: Collection) -> list[str]:
    """What is to be known of the last runs of the collections that this one is made of."""
    if not collection.is_derived:
        return []
    return [
        note for key in collection.source.ids if (note := _told(catalog, catalog.collection(key)))
    ]


def visible_to_filters(row: InputRow) -> dict[str, JSON]:
    """A row as `source_filters` see it: its own fields, ids, and `blobs.type`, `metadata.year`."""
    fields = json.loads(row.metadata)
    blob = {"type": row.type, "property": row.property, "mime_type": row.mime_type}
    ids = {"object_id": row.object_id, "bucket_id": row.bucket_id, "root_object_id": row.object_id,
           "root_bucket_id": row.bucket_id}  # fmt: skip
    if row.parent is not None:
        ids |= {"document_id": row.parent.document_id, "collection_id": row.parent.collection_id}
    content = {row.property: row.data, CONTENT: row.data}
    return {"metadata": fields, "blobs": blob, **content, **fields, **ids}


def _read(catalog: Catalog, folder: Path, collection: Collection) -> DocumentTable:
    return seen(catalog, folder / collection.collection_id, collection).shown_documents


def _told(catalog: Catalog, upstream: Collection) -> str:
    """How the newest run of it ended, where that is to be known; empty where all is well."""
    name, reason = f"collection {upstream.name!r}", _failed(catalog, upstream)
    if upstream.snapshot is None:
        if not reason:
            return f"C{name[1:]} has no documents yet: this one is made of them."
        return f"C{name[1:]} has no documents, because its last run failed: {reason}."
    if reason:
        return (
            f"The last run of {name} failed: {reason}. This one is made of the documents that it "
            "had before."
        )
    last = catalog.last_run(upstream.collection_id)
    failed = 0 if last is None else last[2].get("failed", 0)
    if failed and last is not None and last[0] == "completed_with_errors":
        rows = "row" if failed == 1 else "rows"
        return (
            f"{failed:,} {rows} failed in the last run of {name}: what would be made of their "
            "documents is not here."
        )
    return ""


def _failed(catalog: Catalog, upstream: Collection) -> str:
    """Why the newest run or task of a collection failed; empty where it did not."""
    last = catalog.last_run(upstream.collection_id)
    task = catalog.latest_task(upstream.collection_id)
    is_newer = task is not None and (last is None or (task.finished_at or "") >= last[1])
    if task is not None and is_newer and task.state in ("FAILED", "CANCELED"):
        return task.error.rstrip(".") or task.state
    if last is not None and last[0] in ("failed", "interrupted"):
        notes = last[2].get("notes") or [last[0]]
        return str(notes[0]).rstrip(".")
    return ""


def _content(name: str, text: str, document: Mapping[str, JSON]) -> tuple[str, str, int, str]:
    """Type, MIME type, bytes and hash of what a field holds: a text, or the URL of a file.

    What a URL's file holds is not known here: with the row that it was made of, it changes.
    """
    kind = document.get("blob_type") if name == CONTENT else promised_kind(text)
    if kind is None or not is_file_url(text, kind):
        return "text", "text/plain", len(text.encode()), _hash(text)
    if name == CONTENT:
        mime, size = document.get("mime_type") or "", document.get("size_bytes") or 0
    else:
        mime, size = mimetypes.guess_type(text)[0] or "", 0
    return kind, mime, size, _hash(text, document.get("_row_key") or "")


def _text(value: JSON) -> str | None:
    """A field's value as a processor reads it; None where there is nothing in it."""
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, ensure_ascii=False)


def _kind_of_column(kind: object) -> str:
    return "text" if str(kind) in ("string", "large_string") else str(kind)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
