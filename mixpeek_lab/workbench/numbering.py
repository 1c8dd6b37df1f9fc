"""Which version number new contents get: their own, or the next patch where that is taken."""

from __future__ import annotations

from dataclasses import replace

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.findings import Finding
from mixpeek_lab.models import Manifest
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.uris import version_key

NUMBERED = "LAB003"
"""The rule of the finding that tells another number than the manifest's."""


def keep_numbered(catalog: Catalog, source: ExtractorSource, manifest: Manifest) -> Manifest:
    """Make `source` its extractor's working state; its manifest with the version that it has.

    A version that is committed keeps its contents: other contents with the same number in their
    manifest, or with one below the head's, are the next patch. Contents that are committed have
    their number for good.
    """
    with catalog.together():
        if catalog.commit(manifest.name, digest=source.digest) is None:
            manifest = replace(
                manifest, version=catalog.next_version(manifest.name, manifest.version)
            )
            catalog.renumber(manifest.name, source.digest, manifest.version)
        catalog.put_extractor(source, manifest)
    return catalog.extractor(manifest.name, digest=source.digest).manifest


def numbered_finding(
    catalog: Catalog, source: ExtractorSource, declared: str, manifest: Manifest
) -> tuple[Finding, ...]:
    """What to say where contents have another number than their manifest declares."""
    if declared == manifest.version:
        return ()
    why = _why(catalog, source, declared, manifest)
    hint = f'Write version="{manifest.version}" in the manifest, or any higher one.'
    return (Finding(NUMBERED, "info", f"{why}: this is {manifest.version}.", hint),)


def _why(catalog: Catalog, source: ExtractorSource, declared: str, manifest: Manifest) -> str:
    name, head = manifest.name, catalog.head(manifest.name)
    if catalog.commit(name, digest=source.digest):
        return f"The manifest says {declared}, and what it is committed as counts"
    if head is not None and version_key(head) > version_key(declared):
        return f"The manifest says {declared}, and this comes from {name} {head}"
    return f"{name} {declared} is committed with other contents"
