"""The names of a module after it was imported, as far as its text tells."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mixpeek_lab.manifests.folding import fold
from mixpeek_lab.manifests.values import Folded, Listing, Named, Unknown, source_of

CHANGING = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "add"}
)
"""Methods that change the list or dict that they are called on."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """Name → what it is, and the statement that says so."""

    values: dict[str, Folded] = field(default_factory=dict)
    places: dict[str, ast.AST] = field(default_factory=dict)

    def bind(self, name: str, value: Folded, place: ast.AST) -> None:
        """`name` is `value` from here on."""
        self.values[name], self.places[name] = value, place


def read_namespace(tree: ast.Module) -> Namespace:
    """Follow the module's top-level statements in order, without running them."""
    names = Namespace()
    for statement in tree.body:
        _follow(statement, names)
    return names


def _follow(node: ast.stmt, names: Namespace) -> None:
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        handler(node, names)
    elif not isinstance(node, ast.Pass | ast.Assert | ast.Raise):
        _conditional(node, names)


def _import(node: ast.Import, names: Namespace) -> None:
    for alias in node.names:
        dotted = alias.name if alias.asname else alias.name.split(".")[0]
        names.bind(alias.asname or dotted, Named(node, dotted), node)


def _import_from(node: ast.ImportFrom, names: Namespace) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        dotted = f"{module}.{alias.name}"
        names.bind(alias.asname or alias.name, Named(node, dotted), node)


def _definition(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, names: Namespace
) -> None:
    names.bind(node.name, Named(node, node.name), node)


def _assign(node: ast.Assign, names: Namespace) -> None:
    value = fold(node.value, names.values)
    for target in node.targets:
        _bind_target(target, value, node, names)


def _bind_target(target: ast.expr, value: Folded, node: ast.stmt, names: Namespace) -> None:
    if isinstance(target, ast.Name):
        names.bind(target.id, value, node)
    elif isinstance(target, ast.Tuple | ast.List):
        same = isinstance(value, Listing) and len(value.items) == len(target.elts)
        parts = value.items if same and isinstance(value, Listing) else ()
        unread = Unknown(node, f"`{source_of(node)}` has to be run")
        for position, inner in enumerate(target.elts):
            _bind_target(inner, parts[position] if parts else unread, node, names)
    else:
        _changed(target, node, names)


def _annotated(node: ast.AnnAssign, names: Namespace) -> None:
    if node.value is not None:
        _bind_target(node.target, fold(node.value, names.values), node, names)


def _augmented(node: ast.AugAssign, names: Namespace) -> None:
    _changed(node.target, node, names)


def _delete(node: ast.Delete, names: Namespace) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            names.values.pop(target.id, None)
        else:
            _changed(target, node, names)


def _expression(node: ast.Expr, names: Namespace) -> None:
    call = node.value
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in CHANGING
    ):
        _changed(call.func, node, names)


def _changed(target: ast.expr, node: ast.stmt, names: Namespace) -> None:
    """The statement changes what a name holds: only running it would tell to what."""
    base: ast.expr = target
    while isinstance(base, ast.Attribute | ast.Subscript | ast.Starred):
        base = base.value
    if isinstance(base, ast.Name) and not isinstance(names.values.get(base.id), Named):
        line = getattr(node, "lineno", 0)
        reason = f"line {line} changes it (`{source_of(node)}`)"
        names.bind(base.id, Unknown(node, reason), node)


def _conditional(node: ast.stmt, names: Namespace) -> None:
    """A block that may or may not run: its imports are known, its values are not."""
    for inner in iter_statements(node):
        if isinstance(inner, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef):
            _follow(inner, names)
        elif isinstance(inner, ast.Expr):
            _expression(inner, names)
    reason = f"it is set inside the block at line {node.lineno}"
    for name in bound_names(node):
        if not isinstance(names.values.get(name), Named):
            names.bind(name, Unknown(node, reason), node)


def iter_statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements inside a block that run with it, not those of functions and classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from iter_statements(child)


def bound_names(node: ast.AST) -> Iterator[str]:
    """The names that a block assigns itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        skipped = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        if not isinstance(child, skipped):
            yield from bound_names(child)


_HANDLERS: dict[type[ast.stmt], Callable[..., None]] = {
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.ClassDef: _definition,
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Delete: _delete,
    ast.Expr: _expression,
}
