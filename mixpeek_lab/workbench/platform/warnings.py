"""What a new collection's answer warns of: things that are allowed, and rarely meant."""

from __future__ import annotations

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.models import BLOB_TYPES, Bucket, Collection
from mixpeek_lab.workbench.platform.host import States


def creation_warnings(
    bucket: Bucket, record: ExtractorRecord, collection: Collection, states: States
) -> list[str]:
    """Sentences, each with what to do."""
    manifest = record.manifest
    found = []
    if not manifest.vectors:
        found.append(
            f"{manifest.name} declares no vector index: documents are found by their words alone. "
            "Check `features` in its manifest."
        )
    accepted = {"text" if t == "string" else t for t in manifest.supported_input_types}
    blobs = {name: kind for name, kind in bucket.schema.items() if kind in BLOB_TYPES}
    used = collection.properties or tuple(blobs)
    if not any(blobs[name] in accepted or not accepted for name in used):
        found.append(
            f"{manifest.name} takes {', '.join(sorted(accepted))}, and bucket {bucket.name!r} has "
            f"{', '.join(f'{name} ({kind})' for name, kind in blobs.items()) or 'no blobs'}: "
            "there will be no documents."
        )
    key = (manifest.name, record.source.digest[:12])
    has_service = record.source.text("realtime.py") is not None
    if has_service and states.get(key, ("", ""))[0] != "RUNNING":
        found.append(
            f"{manifest.name} {manifest.version} is not deployed yet: documents are computed, but "
            "text queries for its features wait for its service."
        )
    return found
