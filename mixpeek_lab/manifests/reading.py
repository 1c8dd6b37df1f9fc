"""From an extractor's source to its manifest, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from mixpeek_lab.findings import Finding, has_errors, in_order
from mixpeek_lab.manifests.dependencies import read_dependencies
from mixpeek_lab.manifests.dialects import Declared, read_declared
from mixpeek_lab.manifests.features import read_features
from mixpeek_lab.manifests.fields import (
    Fields,
    read_feature_uri,
    read_inference_type,
    read_input_types,
    read_name,
    read_version,
)
from mixpeek_lab.manifests.images import read_image
from mixpeek_lab.manifests.namespace import read_namespace
from mixpeek_lab.manifests.profile import read_profile
from mixpeek_lab.manifests.report import Report
from mixpeek_lab.manifests.spelling import lookalikes
from mixpeek_lab.manifests.system_packages import read_system_packages
from mixpeek_lab.models import Feature, InferenceType, Manifest
from mixpeek_lab.source import ExtractorSource, PythonSyntaxError, parse_python

PATH = "manifest.py"


@dataclass(frozen=True, slots=True)
class ManifestReading:
    """What was read. `manifest` is None exactly where a finding is an error."""

    manifest: Manifest | None
    findings: tuple[Finding, ...]
    input_schema: str | None = None
    """Name of the class in manifest.py; None where there is none."""
    output_schema: str | None = None
    parameter_schema: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    """Field → the line that declares it, from 1."""


def read_manifest(source: ExtractorSource) -> ManifestReading:
    """Read and check `manifest.py` from its text, in any of the three dialects, mixed or not."""
    text = source.text(PATH)
    report = Report(PATH, text or "")
    if text is None:
        report.add(
            "MAN023", None, f"{source.name} has no manifest.py.",
            "Add one with `manifest = ExtractorManifest(...)`.",
        )  # fmt: skip
        return ManifestReading(None, tuple(report.findings))
    try:
        tree = parse_python(PATH, text)
    except PythonSyntaxError as error:
        found = Finding("SYN001", "error", error.reason, "", PATH, error.line, error.column)
        return ManifestReading(None, (found,))
    return _read(source, tree, report)


def _read(source: ExtractorSource, tree: ast.Module, report: Report) -> ManifestReading:
    declared = read_declared(read_namespace(tree), report)
    if not declared.fields and has_errors(report.findings):
        # Nothing could be read, and the findings say why: all that is missing follows from it.
        return ManifestReading(None, in_order(report.findings))
    manifest = _manifest(declared, report)
    _check_package(source, declared, manifest, report)
    findings = in_order(report.findings)
    return ManifestReading(
        None if has_errors(findings) else manifest,
        findings,
        declared.class_name("input_schema"),
        declared.class_name("output_schema"),
        declared.class_name("parameter_schema"),
        {name: report.place(found[0].place)[0] for name, found in declared.fields.items()},
    )


def _manifest(declared: Declared, report: Report) -> Manifest:
    fields = Fields(declared, report)
    name = read_name(fields)
    version, written = read_version(fields)
    features = _features(fields)
    return Manifest(
        name=name,
        version=version,
        declared_version=written,
        description=fields.text("description") or "",
        category=fields.text("category") or "",
        features=features,
        inference_type=cast("InferenceType | None", read_inference_type(fields)),
        supported_input_types=read_input_types(fields),
        compute_profile=read_profile(fields),
        dependencies=read_dependencies(fields),
        system_packages=read_system_packages(fields),
        container_image=read_image(fields),
        feature_uri=read_feature_uri(fields, name, version, features),
        dialect=declared.dialect,
    )


def _features(fields: Fields) -> tuple[Feature, ...]:
    found = fields.one("features")
    if found is not None:
        features = read_features(found.value, fields.report)
        if features or fields.report.findings:
            return features
    if not fields.declared.of("features") or found is not None:
        _no_features(fields)
    return ()


def _no_features(fields: Fields) -> None:
    close = next(lookalikes(fields.declared.names), None)
    hint = f" `{close}` is not read." if close else ""
    fields.report.add(
        "MAN008", None,
        "The manifest declares no features: no vector index is made, "
        f"and feature_search finds nothing.{hint}",
        'Add features=[Feature.embedding("my_embedding", dim=384)] if it makes vectors.',
    )  # fmt: skip


def _check_package(
    source: ExtractorSource, declared: Declared, manifest: Manifest, report: Report
) -> None:
    place = declared.names.places.get("feature_uri")
    if place is None and declared.of("feature_uri"):
        place = declared.of("feature_uri")[0].place
    if place is not None and source.text("realtime.py") is None:
        report.add(
            "MAN017", place,
            "The manifest has a feature_uri, but there is no realtime.py to embed queries: "
            "feature_search against it will fail.",
            "Add realtime.py with an inference service, or leave out feature_uri.",
        )  # fmt: skip
    if manifest.name and manifest.name != source.name:
        report.add(
            "MAN022", declared.of("feature_extractor_name")[0].value.node,
            f"The manifest is called {manifest.name!r}, the package {source.name!r}.",
            "Use one name for both.",
        )  # fmt: skip
