"""All checks of an extractor that need nothing but its text."""

from __future__ import annotations

from mixpeek_lab.findings import Finding, in_order
from mixpeek_lab.lint.blocked import RUN_TOOL
from mixpeek_lab.lint.package import Module, Package
from mixpeek_lab.lint.rules import CHECKS, RULES
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.source import ExtractorSource, PythonSyntaxError, parse_python

__all__ = ["RULES", "lint"]


def lint(source: ExtractorSource) -> tuple[Finding, ...]:
    """Everything that is wrong with an extractor, errors first; its code is not run.

    Includes what reading its manifest found. An extractor with an error cannot be used.
    """
    package = _read_package(source)
    return in_order({finding: None for check in CHECKS for finding in check(package)})


def _read_package(source: ExtractorSource) -> Package:
    modules: list[Module] = []
    broken: list[Finding] = []
    for path, text in source.files:
        if not path.endswith(".py"):
            continue
        try:
            modules.append(Module(path, text, parse_python(path, text)))
        except PythonSyntaxError as error:
            if path != "manifest.py":
                fix = RUN_TOOL if "is a shell command" in error.reason else ""
                found = Finding(
                    "SYN001", "error", error.reason, fix, path, error.line, error.column
                )
                broken.append(found)
    return Package(source, tuple(modules), read_manifest(source), tuple(broken))
