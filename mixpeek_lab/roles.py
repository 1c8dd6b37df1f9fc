"""Which class of a module is the processor and which the inference service, seen from its text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

Role = Literal["processor", "service"]

PROCESSOR_BASES = frozenset({"BatchProcessor", "BaseBatchInferenceService"})
SERVICE_BASES = frozenset({"InferenceService", "BaseInferenceService"})
PROCESSOR_METHODS = ("__call__", "process")
SERVICE_METHODS = ("run_inference", "infer", "_process_single", "predict")
ENTRY_POINTS = ("build_steps", "extract")
"""The functions that a pipeline.py offers."""
SERVICE_FACTORY = "get_inference_service"


class ClassRole(NamedTuple):
    """What a class is for, and whether its bases say so (else its methods do)."""

    role: Role
    by_base: bool


def class_roles(tree: ast.Module) -> dict[str, ClassRole]:
    """Top-level class name → role, for the classes that have one, in the file's order.

    A base class in the same module passes its role on. Without a telling base the methods decide:
    `run_inference`, `infer`, `_process_single`, `predict` or an async `__call__` make a service;
    a plain `__call__` or `process` makes a processor.
    """
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    aliases = _import_aliases(tree)
    found = {name: _role(node, classes, aliases) for name, node in classes.items()}
    return {name: role for name, role in found.items() if role}


def methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods that the class body itself defines, by name."""
    return {
        item.name: item
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _role(
    node: ast.ClassDef,
    classes: Mapping[str, ast.ClassDef],
    aliases: Mapping[str, str],
    seen: frozenset[str] = frozenset(),
) -> ClassRole | None:
    named = _role_of_bases(_base_names(node, aliases))
    if named:
        return ClassRole(named, by_base=True)
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id not in seen:
            inherited = _role(classes[base.id], classes, aliases, seen | {node.name})
            if inherited:
                return inherited
    own = _role_of_methods(methods(node))
    return ClassRole(own, by_base=False) if own else None


def _role_of_bases(names: Iterable[str]) -> Role | None:
    names = set(names)
    if names & PROCESSOR_BASES:
        return "processor"
    return "service" if names & SERVICE_BASES else None


def _role_of_methods(
    found: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef],
) -> Role | None:
    call = found.get("__call__")
    if isinstance(call, ast.FunctionDef):
        return "processor"
    if isinstance(call, ast.AsyncFunctionDef) or any(name in found for name in SERVICE_METHODS):
        return "service"
    return "processor" if "process" in found else None


def _base_names(node: ast.ClassDef, aliases: Mapping[str, str]) -> list[str]:
    names = []
    for base in node.bases:
        if isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Attribute):
            names.append(base.attr)
        elif isinstance(base, ast.Name):
            names.append(aliases.get(base.id, base.id))
    return names


def _import_aliases(tree: ast.Module) -> dict[str, str]:
    return {
        alias.asname or alias.name: alias.name
        for node in _iter_statements(tree.body)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _iter_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of a block and of the blocks in it, their expressions left alone."""
    for node in body:
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _iter_statements(getattr(node, name, []))
