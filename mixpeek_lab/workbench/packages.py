"""Extractor packages on disk: folders and archives read, archives written after the checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mixpeek_lab.archives import Packed, pack, read_contents
from mixpeek_lab.errors import ManifestError
from mixpeek_lab.findings import Finding
from mixpeek_lab.source import ExtractorSource, other_files, read_source
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


def read_package(path: Path, name: str | None = None) -> Package:
    """Read a folder, a .zip or a .tar.gz. SourceError; `name` is the extractor's where given."""
    if path.is_dir() or not (path.is_file() or path.suffix):
        return Package(read_source(path, name), other_files(path))
    contents = read_contents(path, name)
    return Package(contents.source, contents.left_out)


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
