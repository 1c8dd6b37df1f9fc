"""What people give for a try, as the rows that an extractor gets of it."""

from __future__ import annotations

import json

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import Manifest
from mixpeek_lab.pipeline import input_types
from mixpeek_lab.workbench.objects import Loaded


def sample_rows(loaded: Loaded, manifest: Manifest) -> list[InputRow]:
    """The blobs that the extractor takes. InvalidInputError where there is none."""
    types = input_types(manifest)
    rows = [
        InputRow(o.object_id, b.blob_id, b.property, b.type, b.data, b.mime_type, b.content_hash,
                 b.size_bytes, json.dumps(dict(o.metadata)), "")
        for o in loaded.objects for b in o.blobs if not types or b.type in types
    ]  # fmt: skip
    if not rows:
        raise InvalidInputError(_nothing_to_try(manifest, loaded))
    return rows


def _nothing_to_try(manifest: Manifest, loaded: Loaded) -> str:
    held = sorted({blob.type for item in loaded.objects for blob in item.blobs})
    if not held:
        return "A try needs at least one row with text, or with a file."
    return (
        f"{manifest.name} takes {', '.join(manifest.supported_input_types)}, and these rows hold "
        f"{', '.join(held)}. Give it others: a folder, a list of paths or URLs, a DataFrame "
        f"(%extractor test {manifest.name} ROWS)."
    )
