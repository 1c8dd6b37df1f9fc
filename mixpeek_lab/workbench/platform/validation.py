"""An uploaded archive as an extractor: read and checked, never run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mixpeek_lab.catalog import Upload
from mixpeek_lab.errors import SourceError
from mixpeek_lab.findings import Finding, has_errors, in_order
from mixpeek_lab.models import JSON, Manifest
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import extractors
from mixpeek_lab.workbench.packages import read_package


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks say of an archive."""

    findings: tuple[Finding, ...]
    source: ExtractorSource | None = None
    manifest: Manifest | None = None

    @property
    def has_passed(self) -> bool:
        """Whether it may be used."""
        return self.manifest is not None and not has_errors(self.findings)

    def report(self) -> dict[str, JSON]:
        """The findings as the API gives them: errors, and the rest as warnings."""
        errors = [_told(f) for f in self.findings if f.severity == "error"]
        others = [_told(f) for f in self.findings if f.severity != "error"]
        return {"validation_errors": errors, "validation_warnings": others}


def validate(upload: Upload, archive: Path) -> Verdict:
    """Read the archive and run every check on its text. No line of it is executed."""
    try:
        package = read_package(archive, upload.name)
        source = package.source
        definition = extractors.check(source)
    except SourceError as error:
        message = str(error).replace(str(archive), "The archive")
        place = getattr(error, "path", ""), getattr(error, "line", 0)
        return Verdict((Finding("ARCHIVE", "error", message, "", *place),))
    manifest, findings = definition.manifest, (*definition.findings, *package.findings)
    if manifest is None:
        return Verdict(findings, source)
    findings = (*findings, *_identity(upload, source, manifest))
    if upload.is_assigned:
        manifest = replace(manifest, version=upload.version)
    return Verdict(in_order(findings), source, manifest)


def _identity(upload: Upload, source: ExtractorSource, manifest: Manifest) -> list[Finding]:
    """Whether the package is what the upload was asked for."""
    found = []
    if manifest.name != upload.name:
        found.append(
            Finding(
                "UPLOAD001",
                "error",
                f"The upload is of {upload.name!r}, and the manifest says {manifest.name!r}.",
                "Ask for an upload of that name, or change feature_extractor_name.",
                line=_line_of(source, manifest.name),
            )
        )
    if manifest.version != upload.version:
        found.append(
            Finding(
                "UPLOAD002",
                "warning" if upload.is_assigned else "error",
                f"The upload is version {upload.version}, and the manifest says "
                f"{manifest.declared_version!r}.",
                f'Write version="{upload.version}" in the manifest.',
                line=_line_of(source, manifest.declared_version),
            )
        )
    return found


def _line_of(source: ExtractorSource, value: str) -> int:
    """The first line of the manifest that has the value in quotes; 0 where none has."""
    lines = (source.text("manifest.py") or "").splitlines()
    quoted = (f'"{value}"', f"'{value}'")
    return next((n for n, line in enumerate(lines, 1) if any(q in line for q in quoted)), 0)


def _told(finding: Finding) -> dict[str, JSON]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "file": finding.path,
        "line": finding.line or None,
        "column": finding.column or None,
        "message": finding.message,
        "fix": finding.fix,
    }
