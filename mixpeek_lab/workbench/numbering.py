"""Which version number new contents get: their own, or the next patch where that is taken."""

from __future__ import annotations

from dataclasses import replace

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.findings import Finding
from mixpeek_lab.models import Manifest
from mixpeek_lab.source import ExtractorSource


def keep_numbered(catalog: Catalog, source: ExtractorSource, manifest: Manifest) -> Manifest:
    """Make `source` its extractor's working state; its manifest with the version that it has.

    A version that is committed keeps its contents: other contents with the same number in their
    manifest are the next patch. Contents that are committed have their number for good.
    """
    with catalog.together():
        if catalog.commit(manifest.name, digest=source.digest) is None:
            manifest = replace(
                manifest, version=catalog.free_version(manifest.name, manifest.version)
            )
            catalog.renumber(manifest.name, source.digest, manifest.version)
        catalog.put_extractor(source, manifest)
    return catalog.extractor(manifest.name, digest=source.digest).manifest


def numbered_finding(declared: str, manifest: Manifest) -> tuple[Finding, ...]:
    """What to say where contents have another number than their manifest declares."""
    if declared == manifest.version:
        return ()
    return (
        Finding(
            "LAB003",
            "info",
            f"{manifest.name} {declared} is committed with other contents: this is "
            f"{manifest.version}.",
            f'Write version="{manifest.version}" in the manifest, or any higher one.',
        ),
    )
