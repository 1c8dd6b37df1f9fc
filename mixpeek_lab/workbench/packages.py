"""Extractor packages on disk: folders and archives read, archives written after the checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mixpeek_lab.archives import Packed, pack, read_contents
from mixpeek_lab.errors import ManifestError, SourceError
from mixpeek_lab.findings import Finding
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.missing import expanded, no_path
from mixpeek_lab.source import ExtractorSource, other_files, read_source
from mixpeek_lab.uris import NAME
from mixpeek_lab.workbench.extractors import Definition, check_named

SHOWN = 5
"""Files that are left out and named in a finding."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package as it was read."""

    source: ExtractorSource
    left_out: tuple[str, ...] = ()
    """Its files that are no text of an extractor. Sorted."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be said of its reading."""
        if not self.left_out:
            return ()
        more = len(self.left_out) - SHOWN
        names = ", ".join(self.left_out[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
        message = f"Left out, being no text of an extractor: {names}."
        return (Finding("LAB002", "info", message, "Download data and weights in setup()."),)


def read_package(given: Path, name: str | None = None) -> Package:
    """Read a folder, a .zip or a .tar.gz. SourceError.

    The extractor's name is `name` where it is given, else the one that its manifest says: what a
    folder or an archive is called changes with every clone.
    """
    path = expanded(given)
    if path.is_dir() or not (path.is_file() or path.suffix):
        if not path.exists():
            raise SourceError(no_path(given, "folder or archive"))
        called = name or (path.resolve().name if NAME.match(path.resolve().name) else "extractor")
        package = Package(read_source(path, called), other_files(path))
    else:
        contents = read_contents(path, name)
        package = Package(contents.source, contents.left_out)
    return package if name else replace(package, source=_as_declared(package.source))


def _as_declared(source: ExtractorSource) -> ExtractorSource:
    """The same files under the name that the manifest gives, where it can be read."""
    manifest = read_manifest(source).manifest
    if manifest is None or not NAME.match(manifest.name) or manifest.name == source.name:
        return source
    return ExtractorSource(manifest.name, source.files)


def pack_checked(source: ExtractorSource, path: Path, *, force: bool = False) -> Packed:
    """Lint the package, then pack it. ManifestError with the findings where one is an error.

    With `force` it is packed all the same. SourceError and InvalidInputError as `pack`.
    """
    definition = check_named(source)
    if definition.has_errors and not force:
        errors = "\n".join(f"  {f}" for f in definition.findings if f.severity == "error")
        raise ManifestError(
            f"Extractor {source.name!r} was not packed, because it would be refused:\n{errors}",
            definition.findings,
        )
    return pack(source, path)


def with_findings(definition: Definition, package: Package) -> Definition:
    """The definition, with what is to be said of the package's reading behind its findings."""
    return replace(definition, findings=(*definition.findings, *package.findings))
