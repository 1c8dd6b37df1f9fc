"""Dangerous modules that are handed to code which cannot be followed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mixpeek_lab.findings import Finding
from mixpeek_lab.lint.blocked import HANDED
from mixpeek_lab.lint.names import Evaluator, Ref, Values
from mixpeek_lab.lint.names.dotted import CLOSED
from mixpeek_lab.lint.names.models import FOLLOWED
from mixpeek_lab.lint.names.parameters import has_few_sites
from mixpeek_lab.lint.names.values import (
    Bound,
    Class,
    Func,
    Getter,
    Object,
    Partial,
    Space,
    Unknown,
)
from mixpeek_lab.lint.package import Module

_CONTAINERS = (
    ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Starred, ast.keyword, ast.IfExp, ast.BoolOp,
    ast.NamedExpr, ast.Await,
)  # fmt: skip
_WAYS_OUT = (
    ast.FormattedValue, ast.withitem, ast.AugAssign, ast.Return, ast.Yield, ast.YieldFrom,
    ast.Lambda, ast.Raise,
)  # fmt: skip
"""What a value leaves its place through. Python has many ways to call a function unseen."""
_HARMLESS = frozenset(
    {f"builtins.{name}" for name in (
        "hasattr", "dir", "isinstance", "issubclass", "id", "str", "repr", "print", "len",
        "callable", "bool", "help", "hash", "super",
    )}
)  # fmt: skip
"""Functions that give nothing of a module back."""


def handed_on(module: Module, node: ast.expr, values: Values, ev: Evaluator) -> Iterator[Finding]:
    """SEC004: `os`, or all of its names, as an argument of a function that is not followed."""
    what = _handed(values)
    if what is None or not _escapes(node, ev):
        return
    yield module.finding(
        "SEC004", "warning", node,
        f"`{what}` is handed on as a value: what is taken from it there cannot be followed.",
        "Write what is used of it where it is used.",
    )  # fmt: skip


def _handed(values: Values) -> str | None:
    for value in values:
        if isinstance(value, Ref) and value.name in HANDED:
            return value.name
        if isinstance(value, Space) and isinstance(value.of, Ref) and value.of.name in CLOSED:
            return f"vars({value.of.name})"
    return None


def _escapes(node: ast.AST, ev: Evaluator) -> bool:
    parent = ev.parents.get(id(node))
    while isinstance(parent, _CONTAINERS):
        if isinstance(parent, ast.Dict) and _is_spread(parent, node):
            return True
        node, parent = parent, ev.parents.get(id(parent))
    if isinstance(parent, ast.Call) and node is not parent.func:
        return not _is_followed(parent, ev)
    if isinstance(parent, ast.Assign):
        return any(isinstance(target, ast.Subscript) for target in parent.targets)
    if isinstance(parent, ast.For | ast.AsyncFor | ast.comprehension):
        return any(isinstance(part, ast.Subscript) for part in ast.walk(parent.target))
    return isinstance(parent, _WAYS_OUT)


def _is_spread(table: ast.Dict, node: ast.AST) -> bool:
    return any(k is None and v is node for k, v in zip(table.keys, table.values, strict=True))


def _is_followed(call: ast.Call, ev: Evaluator) -> bool:
    callees = ev.values(call.func)
    if not callees:
        return False
    for callee in callees:
        if isinstance(callee, Ref) and callee.name in FOLLOWED | _HARMLESS:
            continue
        if isinstance(callee, Class) and "__init__" in callee.scope.bindings:
            continue
        if isinstance(callee, Bound) and isinstance(callee.owner, Ref | Space):
            continue
        if isinstance(callee, Func) and not has_few_sites(ev, callee.node):
            return False
        if not isinstance(callee, Func | Getter | Partial | Object):
            return False
    return not all(isinstance(callee, Unknown) for callee in callees)
