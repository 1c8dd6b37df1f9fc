"""Retrievers follow a collection to the next version, where the lab gave that its number."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.models import Collection
from mixpeek_lab.uris import normalise_version


def follow_version(catalog: Catalog, before: Collection, record: ExtractorRecord) -> list[str]:
    """Move the legs of retrievers over a collection that was brought to `record`; what to say.

    A number that was changed in the manifest is the user's word: nothing moves, and retrievers
    that name another are told so when they search.
    """
    manifest = record.manifest
    made = catalog.extractor(before.extractor, digest=before.extractor_digest).manifest
    if normalise_version(made.declared_version) != normalise_version(manifest.declared_version):
        return []
    names = catalog.follow(before.collection_id, before.extractor_version, manifest)
    place = f"{manifest.name}@{manifest.version}"
    return [f"Retriever {name!r} searches {place} from now on." for name in names]
