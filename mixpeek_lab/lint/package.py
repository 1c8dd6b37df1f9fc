"""A parsed extractor, as the rules see it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, cast

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint.names import Evaluator, children
from mixpeek_lab.manifests import ManifestReading
from mixpeek_lab.manifests.report import Report
from mixpeek_lab.roles import ClassRole, class_roles
from mixpeek_lab.source import ExtractorSource

Node = TypeVar("Node", bound=ast.AST)
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Module:
    """One Python file that parses."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def _nodes(self) -> dict[type[ast.AST], list[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = {}
        level: list[ast.AST] = [self.tree]
        while level:
            for node in level:
                found.setdefault(type(node), []).append(node)
            level = [child for node in level for child in children(node)]
        return found

    def nodes(self, kind: type[Node]) -> Iterator[Node]:
        """Every node of exactly this kind, from the outside in."""
        yield from cast("list[Node]", self._nodes.get(kind, []))

    @property
    def all_nodes(self) -> Iterator[ast.AST]:
        """Every node of the file."""
        for nodes in self._nodes.values():
            yield from nodes

    @cached_property
    def lower_text(self) -> str:
        """The text in small letters."""
        return self.text.lower()

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """The ids of the nodes that are docstrings, or texts that stand for themselves."""
        values = (statement.value for statement in self.nodes(ast.Expr))
        return frozenset(id(value) for value in values if isinstance(value, ast.Constant))

    @cached_property
    def roles(self) -> dict[str, ClassRole]:
        """Class → role, for its processors and services."""
        return class_roles(self.tree)

    @cached_property
    def functions(self) -> frozenset[str]:
        """Its top-level functions."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return frozenset(node.name for node in self.tree.body if isinstance(node, kinds))

    def finding(
        self, rule: str, severity: Severity, node: ast.AST | None, message: str, fix: str = ""
    ) -> Finding:
        """A finding at a node of this file; None is the whole file."""
        line, column = Report(self.path, self.text).place(node)
        return Finding(rule, severity, message, fix, self.path, line, column)

    # ---------------------------------------------------------------- names

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Name → what it stands for: `s` → `os.system` after `from os import system as s`.

        Imports anywhere in the file, and plain assignments of what they brought (`run = s`).
        """
        found = dict(self._imported())
        for _ in range(2):  # a chain of two assignments in any order
            for node in self.nodes(ast.Assign):
                dotted = self._dotted(node.value, found)
                if dotted is not None:
                    found.update((t.id, dotted) for t in node.targets if isinstance(t, ast.Name))
        return found

    def _imported(self) -> Iterator[tuple[str, str]]:
        for node in self.nodes(ast.Import):
            for alias in node.names:
                yield (
                    alias.asname or alias.name.split(".")[0],
                    (alias.name if alias.asname else alias.name.split(".")[0]),
                )
        for statement in self.nodes(ast.ImportFrom):
            for alias in statement.names:
                module = "." * statement.level + (statement.module or "")
                yield alias.asname or alias.name, f"{module}.{alias.name}"

    @cached_property
    def _own(self) -> frozenset[str]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return frozenset(node.name for node in self.tree.body if isinstance(node, kinds))

    def dotted(self, node: ast.expr) -> str | None:
        """What a name or attribute stands for: `os.system`, `builtins.eval`; None if unknown."""
        return self._dotted(node, self.aliases)

    def _dotted(self, node: ast.expr, aliases: dict[str, str]) -> str | None:
        if isinstance(node, ast.Attribute):
            owner = self._dotted(node.value, aliases)
            return f"{owner}.{node.attr}" if owner is not None else None
        if not isinstance(node, ast.Name):
            return None
        if node.id in aliases:
            return aliases[node.id]
        if node.id in _BUILTINS and node.id not in self._own:
            return f"builtins.{node.id}"
        return None


@dataclass(frozen=True)
class Package:
    """An extractor with its files parsed and its manifest read."""

    source: ExtractorSource
    modules: tuple[Module, ...]
    """The Python files that parse, sorted by path."""
    reading: ManifestReading
    broken: tuple[Finding, ...] = field(default=())
    """The files that do not parse."""

    @cached_property
    def evaluator(self) -> Evaluator:
        """What the package's expressions stand for."""
        return Evaluator({m.path: m.tree for m in self.modules}, self.source.name)

    def module(self, path: str) -> Module | None:
        """A file by its path; None where it is absent or does not parse."""
        return next((module for module in self.modules if module.path == path), None)
