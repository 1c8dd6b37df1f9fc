"""Whether the files of an extractor fit together."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint.imported import imports_a_service, serves
from mixpeek_lab.lint.package import Module, Package
from mixpeek_lab.roles import ENTRY_POINTS


def broken_files(package: Package) -> Iterator[Finding]:
    """SYN001: files other than the manifest that are not Python (the manifest's reader says it)."""
    yield from package.broken


def manifest_findings(package: Package) -> Iterator[Finding]:
    """Everything that reading the manifest found."""
    yield from package.reading.findings


def no_processor(package: Package) -> Iterator[Finding]:
    """LAY001: nothing in the extractor can process a batch."""
    if package.broken or any(_processes(module) for module in package.modules):
        return
    served = any(serves(module) for module in package.modules)
    severity: Severity = "warning" if served else "error"
    consequence = "It answers queries, but no collection can be made with it."
    yield Finding(
        "LAY001", severity,
        "The extractor has no processor." + (f" {consequence}" if served else ""),
        "Add processors/core.py with a class that has `process(self, batch)`, "
        "or `__call__(self, batch)`.",
        "processors/core.py",
    )  # fmt: skip


def _processes(module: Module) -> bool:
    return any(found.role == "processor" for found in module.roles.values()) or bool(
        module.functions & set(ENTRY_POINTS)
    )


def no_service(package: Package) -> Iterator[Finding]:
    """LAY002: a realtime.py in which nothing answers queries."""
    module = package.module("realtime.py")
    if module is None or serves(module) or imports_a_service(package, module):
        return
    yield module.finding(
        "LAY002", "error", None, "realtime.py has no inference service.",
        "Write class MyService(InferenceService) with `async def infer(self, inputs, parameters)`, "
        "or remove the file.",
    )  # fmt: skip


def no_realtime(package: Package) -> Iterator[Finding]:
    """LAY003: an embedding extractor that cannot embed a query."""
    manifest = package.reading.manifest
    if manifest is None or manifest.inference_type != "embedding":
        return
    if "realtime.py" not in package.source.paths:
        yield Finding(
            "LAY003", "warning",
            'inference_type is "embedding", but there is no realtime.py: '
            "feature_search cannot embed its queries.",
            "Add realtime.py with an inference service that uses the processor's model.",
        )  # fmt: skip


def no_metadata(package: Package) -> Iterator[Finding]:
    """LAY004: `from .manifest import metadata` where the typed manifest does not define it."""
    manifest, pipeline = package.module("manifest.py"), package.module("pipeline.py")
    if manifest is None or pipeline is None or "metadata" in _top_level_names(manifest):
        return
    for node in pipeline.nodes(ast.ImportFrom):
        names = [alias.name for alias in node.names]
        if node.level == 1 and node.module == "manifest" and "metadata" in names:
            yield pipeline.finding(
                "LAY004", "warning", node,
                "manifest.py defines no `metadata`: the lab supplies it from the typed manifest, "
                "elsewhere the import may fail.",
                'Add metadata = {"feature_extractor_name": feature_extractor_name, '
                '"version": version} to manifest.py.',
            )  # fmt: skip


def _top_level_names(module: Module) -> set[str]:
    found: set[str] = set()
    for node in module.tree.body:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found.add(inner.id)
            elif isinstance(inner, ast.alias):
                found.add(inner.asname or inner.name)
    return found


def no_pipeline(package: Package) -> Iterator[Finding]:
    """LAY005: no pipeline.py, which Mixpeek asks for."""
    if package.source.text("pipeline.py") is None:
        yield Finding(
            "LAY005", "warning", "There is no pipeline.py: Mixpeek finds the processor through it.",
            "Add pipeline.py with build_steps(extractor_request, container=None, **kwargs).",
            "pipeline.py",
        )  # fmt: skip
