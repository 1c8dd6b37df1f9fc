"""What Mixpeek's scanner blocks in an extractor's own files, and what to use instead.

A linter, not a sandbox: it reads names, imports and simple aliases.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint.package import Module, Package

RUN_TOOL = "Use run_tool(tool, args, timeout) of shared.extractors.sdk."

BLOCKED_IMPORTS: dict[str, tuple[Severity, str]] = {
    "subprocess": ("error", RUN_TOOL),
    "ctypes": ("error", "Use a Python package for it, or a container image with the library."),
    "socket": ("error", "Use requests or httpx, or open_asset() for the blobs themselves."),
    "multiprocessing": (
        "error",
        "Use parallel_io(items, fn, max_workers), or raise max_concurrency in compute_profile.",
    ),
    "threading": (
        "warning",
        "Use parallel_io(items, fn, max_workers) or concurrent_api_calls(items, fn).",
    ),
}
"""Module → how serious, and what to use instead."""

_ASSIGN = "Assign the attribute by its name: self.name = value."
BLOCKED_CALLS: tuple[tuple[str, str], ...] = (
    (r"os\.(system|popen)", RUN_TOOL),
    (r"os\.(exec|posix_spawn|spawn)\w*", RUN_TOOL),
    (r"builtins\.(eval|exec)", "Use json.loads() for data, and plain code for the rest."),
    (
        r"(builtins|io|_io)\.open",
        "Use open_asset(url) for blobs, or a library's own reader: pd.read_csv, Image.open.",
    ),
    (r"builtins\.setattr", _ASSIGN),
    (r"builtins\.delattr", "Delete the attribute by its name, or set it to None."),
    (r"builtins\.__import__", "Write an import statement."),
)
"""Pattern of the full name → what to use instead."""


def blocked_imports(package: Package) -> Iterator[Finding]:
    """SEC001: an import of a module that the scanner rejects."""
    for module in package.modules:
        for node, name in _imports(module):
            blocked = BLOCKED_IMPORTS.get(name.split(".")[0])
            if blocked is not None:
                severity, instead = blocked
                message = f"`{name}` must not be imported: Mixpeek rejects the extractor."
                yield module.finding("SEC001", severity, node, message, instead)


def _imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in module.nodes(ast.Import):
        yield from ((node, alias.name) for alias in node.names)
    for statement in module.nodes(ast.ImportFrom):
        if statement.module and not statement.level:
            yield statement, statement.module


def blocked_calls(package: Package) -> Iterator[Finding]:
    """SEC002: a function that the scanner rejects, under whatever name, called or passed on."""
    for module in package.modules:
        for node, name in _references(module):
            instead = _instead(name)
            if instead is not None:
                shown = name.removeprefix("builtins.")
                written = ast.unparse(node).split("\n")[0]
                alias = "" if written in (shown, name) else f" (`{written}` here)"
                message = f"`{shown}`{alias} must not be used: Mixpeek rejects the extractor."
                yield module.finding("SEC002", "error", node, message, instead)


def _references(module: Module) -> Iterator[tuple[ast.AST, str]]:
    for statement in module.nodes(ast.ImportFrom):
        if not statement.level:
            yield from ((statement, f"{statement.module}.{a.name}") for a in statement.names)
    nodes: list[ast.Name | ast.Attribute] = list(module.nodes(ast.Name))
    nodes.extend(module.nodes(ast.Attribute))
    for node in nodes:
        dotted = module.dotted(node) if isinstance(node.ctx, ast.Load) else None
        if dotted is not None:
            yield node, dotted


def _instead(name: str) -> str | None:
    return next((what for pattern, what in BLOCKED_CALLS if re.fullmatch(pattern, name)), None)
