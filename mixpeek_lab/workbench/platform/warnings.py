"""What a new collection's answer warns of: things that are allowed, and rarely meant."""

from __future__ import annotations

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.models import BLOB_TYPES, Collection
from mixpeek_lab.workbench.derived import told_of_source
from mixpeek_lab.workbench.origins import Origin
from mixpeek_lab.workbench.platform.host import States


def creation_warnings(
    origin: Origin, record: ExtractorRecord, collection: Collection, states: States
) -> list[str]:
    """Sentences, each with what to do."""
    manifest = record.manifest
    found = []
    if not manifest.vectors:
        found.append(
            f"{manifest.name} declares no vector index: documents are found by their words alone. "
            "Check `features` in its manifest."
        )
    found += [
        *_unread(origin, record),
        *_lacking(origin),
        *told_of_source(origin.catalog, collection),
    ]
    key = (manifest.name, record.source.digest[:12])
    has_service = record.source.text("realtime.py") is not None
    if has_service and states.get(key, ("", ""))[0] != "RUNNING":
        found.append(
            f"{manifest.name} {manifest.version} is not deployed yet: documents are computed, but "
            "text queries for its features wait for its service."
        )
    return found


def _unread(origin: Origin, record: ExtractorRecord) -> list[str]:
    """Where the extractor takes nothing of what the buckets hold."""
    if not origin.buckets:
        return []
    manifest = record.manifest
    accepted = {"text" if t == "string" else t for t in manifest.supported_input_types}
    blobs = {name: kind for name, kind in origin.schema.items() if kind in BLOB_TYPES}
    used = origin.collection.properties or tuple(blobs)
    if any(blobs[name] in accepted or not accepted for name in used):
        return []
    have = "have" if len(origin.buckets) > 1 else "has"
    return [
        f"{manifest.name} takes {', '.join(sorted(accepted))}, and {origin.where} {have} "
        f"{', '.join(f'{name} ({kind})' for name, kind in blobs.items()) or 'no blobs'}: "
        "there will be no documents."
    ]


def _lacking(origin: Origin) -> list[str]:
    """The fields that only some of the buckets have: Mixpeek demands the same of all."""
    return [
        f"Bucket {bucket.name!r} has no field {', '.join(map(repr, lost))}, which others of "
        "this collection have: it is empty in its documents. Mixpeek takes buckets with the same "
        "fields only."
        for bucket in origin.buckets
        if (lost := [name for name in origin.schema if name not in bucket.schema])
    ]
