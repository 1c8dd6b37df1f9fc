"""What readers see of collections: the snapshot that is shown, and what was changed since.

A change to a document or an object over the API is one row in the catalog: it is there for every
reader from that transaction on, in this process and others, whatever dies then. The run that it
sets going takes it into the next snapshot, which says so, and then it does not count any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixpeek_lab.catalog import Catalog, Changes, DocumentEdit
from mixpeek_lab.models import JSON, Collection
from mixpeek_lab.snapshots.changed import ChangedSnapshot
from mixpeek_lab.snapshots.reader import Snapshot

Fields = dict[int, dict[str, JSON]]
"""Row → metadata field → its value."""


class Shown:
    """Opens snapshots, and keeps them until others take their place. Safe between threads."""

    def __init__(self, catalog: Catalog, folder: Callable[[str], Path]) -> None:
        """`folder`: a collection's id → where its snapshots are."""
        self._catalog, self._folder = catalog, folder
        self._opened: dict[str, Snapshot] = {}
        self._changed: dict[str, tuple[Snapshot, int, Snapshot]] = {}

    def of(self, collection: Collection) -> Snapshot:
        """What readers see of a collection that was run, by what the catalog says now."""
        key = collection.collection_id
        folder = self._folder(key) / str(collection.snapshot)
        base = self._opened.get(key)
        if base is None or base.folder != folder:
            base = self._opened[key] = Snapshot(folder, key)
        if self._catalog.last_change() <= base.taken_in:
            return base
        changes = self._catalog.changes(key, base.bucket_ids, base.taken_in)
        if not changes.serial:
            return base
        known = self._changed.get(key)
        if known is None or known[0] is not base or known[1] != changes.serial:
            found = _laid_over(base, changes, lambda: self._catalog.edits(key))
            known = self._changed[key] = (base, changes.serial, found)
        return known[2]


def _laid_over(
    base: Snapshot, changes: Changes, every_edit: Callable[[], Mapping[str, DocumentEdit]]
) -> Snapshot:
    gone: set[int] = set()
    fields: Fields = {}
    edits = dict(changes.edits)
    for row, metadata in _rows_of_objects(base, changes):
        if metadata is None:
            gone.add(row)
        else:  # an object's field that is gone is gone from its documents
            fields[row] = {**dict.fromkeys(base.documents.metadata_fields), **metadata}
    if fields:  # what was changed of its documents counts before the object
        names = {base.document_ids[row] for row in fields}
        edits |= {key: edit for key, edit in every_edit().items() if key in names}
    keys = base.documents.table.column("_row_key")
    for key, edit in edits.items():
        at = base.row_of.get(key)
        if at is None or keys[at].as_py() != edit.row_key:
            continue
        if edit.is_deleted:
            gone.add(at)
        else:
            fields[at] = {**fields.get(at, {}), **edit.fields}
    return ChangedSnapshot(base, gone, fields) if gone or fields else base


def _rows_of_objects(
    base: Snapshot, changes: Changes
) -> Iterator[tuple[int, Mapping[str, JSON] | None]]:
    """The rows made of objects that changed, and the metadata that these have now."""
    if not changes.objects:
        return
    table = base.documents.table
    objects, buckets = table.column("object_id"), table.column("_bucket_id")
    wanted = pa.array([object_id for _, object_id in changes.objects], pa.string())
    for row in pc.indices_nonzero(pc.is_in(objects, wanted)).to_pylist():
        key = buckets[row].as_py(), objects[row].as_py()
        if key in changes.objects:
            yield row, changes.objects[key]
