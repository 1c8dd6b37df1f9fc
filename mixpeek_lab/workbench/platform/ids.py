"""Ids that the API makes of names: `sec_filing_embedder_1_0_0`."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.workbench import addresses


def extractor_id(name: str, version: str) -> str:
    """`sec_filing_embedder`, `1.0.0` → `sec_filing_embedder_1_0_0`."""
    return f"{name}_{version.replace('.', '_')}"


def find_extractor(catalog: Catalog, key: str) -> ExtractorRecord:
    """The version that the id names, or the current one of an extractor of that name."""
    try:
        return addresses.find_extractor(catalog, addresses.ref_of(key))[0]
    except (NotFoundError, InvalidInputError):
        known = [extractor_id(r.manifest.name, r.manifest.version) for r in catalog.versions()]
        raise NotFoundError("extractor", key, known) from None
