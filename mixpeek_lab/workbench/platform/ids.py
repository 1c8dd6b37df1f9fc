"""Ids that the API makes of names: `sec_filing_embedder_1_0_0`."""

from __future__ import annotations

import re

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.errors import NotFoundError

_ID = re.compile(r"(?P<name>.+)_(?P<version>\d+_\d+_\d+)")


def extractor_id(name: str, version: str) -> str:
    """`sec_filing_embedder`, `1.0.0` → `sec_filing_embedder_1_0_0`."""
    return f"{name}_{version.replace('.', '_')}"


def find_extractor(catalog: Catalog, key: str) -> ExtractorRecord:
    """The version that the id names, or the current one of an extractor of that name."""
    match = _ID.fullmatch(key)
    try:
        if match:
            return catalog.extractor(match["name"], version=match["version"].replace("_", "."))
    except NotFoundError:
        pass  # a name may look like an id
    try:
        return catalog.extractor(key)
    except NotFoundError:
        known = [extractor_id(r.manifest.name, r.manifest.version) for r in catalog.versions()]
        raise NotFoundError("extractor", key, known) from None
