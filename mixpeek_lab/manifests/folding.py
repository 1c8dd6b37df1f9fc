"""Constant folding: what an expression is, from its syntax tree and the names above it."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from typing import Any

from mixpeek_lab.manifests.values import (
    Derived,
    Folded,
    Listing,
    Made,
    Named,
    Scalar,
    Table,
    Unknown,
    source_of,
)

MAX_SIZE = 20_000
"""Parts of a value that are followed."""
MAX_TEXT = 100_000
"""Characters of a string that are followed."""

Names = Mapping[str, Folded]

_NUMBERS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_CASTS: dict[str, Callable[[Any], Any]] = {"str": str, "int": int, "float": float, "bool": bool}


def fold(node: ast.expr, names: Names) -> Folded:
    """What `node` is; Unknown, with the innermost reason, where its text does not tell."""
    try:
        found = _fold(node, names)
    except RecursionError:
        return Unknown(node, "it is nested too deeply")
    return found if found.size <= MAX_SIZE else Unknown(node, "it is too large")


def _fold(node: ast.expr, names: Names) -> Folded:
    folder = _FOLDERS.get(type(node))
    if folder is None:
        return Unknown(node, f"`{source_of(node)}` has to be run")
    return folder(node, names)


def _constant(node: ast.Constant, _names: Names) -> Folded:
    if isinstance(node.value, str | int | float | bool | None):
        return Scalar(node, node.value)
    return Unknown(node, f"`{source_of(node)}` is not a value that manifests hold")


def _name(node: ast.Name, names: Names) -> Folded:
    found = names.get(node.id)
    if found is not None:
        return _moved(found, node)
    if node.id in _CASTS or node.id in ("dict", "list", "tuple", "set"):
        return Named(node, node.id)
    if hasattr(builtins, node.id):
        return Unknown(node, f"`{node.id}` has to be run")
    return Unknown(node, f"`{node.id}` is not defined above this line")


def _moved(value: Folded, node: ast.AST) -> Folded:
    """Scalars take the place where they are used: it is what a message should name."""
    return Scalar(node, value.value) if isinstance(value, Scalar) else value


def _listing(node: ast.List | ast.Tuple | ast.Set, names: Names) -> Folded:
    items: list[Folded] = []
    for element in node.elts:
        if not isinstance(element, ast.Starred):
            items.append(_fold(element, names))
            continue
        inner = _fold(element.value, names)
        if not isinstance(inner, Listing):
            return _not(element, inner, "a list")
        items.extend(inner.items)
    return _as_listing(node, items)


def _as_listing(node: ast.AST, items: list[Folded]) -> Folded:
    size = 1 + sum(item.size for item in items)
    return Listing(node, tuple(items), size) if size <= MAX_SIZE else Unknown(node, "too large")


def _table(node: ast.Dict, names: Names) -> Folded:
    entries: list[tuple[Scalar, Folded]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            inner = _fold(value, names)
            if not isinstance(inner, Table):
                return _not(value, inner, "a dict")
            entries.extend(inner.entries)
            continue
        name = _fold(key, names)
        if not isinstance(name, Scalar):
            return _not(key, name, "a constant key")
        entries.append((Scalar(key, name.value), _fold(value, names)))
    return _as_table(node, entries)


def _as_table(node: ast.AST, entries: list[tuple[Scalar, Folded]]) -> Folded:
    size = 1 + sum(value.size for _, value in entries)
    return Table(node, tuple(entries), size) if size <= MAX_SIZE else Unknown(node, "too large")


def _f_string(node: ast.JoinedStr, names: Names) -> Folded:
    text = ""
    for part in node.values:
        piece = _fold(part.value, names) if isinstance(part, ast.FormattedValue) else None
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(piece, Scalar) and isinstance(part, ast.FormattedValue):
            shown = _formatted(part, piece)
            if shown is None:
                return Unknown(part, f"`{source_of(node)}` uses a format that has to be run")
            text += shown
        else:
            return _not(part, piece, "a constant")
    return _sized(node, text)


def _formatted(part: ast.FormattedValue, piece: Scalar) -> str | None:
    if part.format_spec is not None:
        return None
    if part.conversion == ord("r"):
        return repr(piece.value)
    return str(piece.value) if part.conversion in (-1, ord("s")) else None


def _sized(node: ast.AST, value: Any) -> Folded:
    if isinstance(value, str | int | float | bool | None):
        small = not isinstance(value, int) or value.bit_length() < 1_000
        if small and not (isinstance(value, str) and len(value) > MAX_TEXT):
            return Scalar(node, value)
    return Unknown(node, f"`{source_of(node)}` has to be run")


def _binary(node: ast.BinOp, names: Names) -> Folded:
    left, right = _fold(node.left, names), _fold(node.right, names)
    for side in (left, right):
        if isinstance(side, Unknown):
            return side
    if isinstance(left, Listing) and isinstance(right, Listing) and isinstance(node.op, ast.Add):
        return _as_listing(node, [*left.items, *right.items])
    if isinstance(left, Table) and isinstance(right, Table) and isinstance(node.op, ast.BitOr):
        return _as_table(node, [*left.entries, *right.entries])
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        return _scalar_operation(node, left.value, right.value)
    return Unknown(node, f"`{source_of(node)}` has to be run")


def _scalar_operation(node: ast.BinOp, left: Any, right: Any) -> Folded:
    both_text = isinstance(left, str) and isinstance(right, str) and isinstance(node.op, ast.Add)
    both_numbers = isinstance(left, int | float) and isinstance(right, int | float)
    operation = _NUMBERS.get(type(node.op))
    if operation is None or not (both_text or both_numbers):
        return Unknown(node, f"`{source_of(node)}` has to be run")
    try:
        return _sized(node, operation(left, right))
    except (ArithmeticError, ValueError) as error:
        return Unknown(node, f"`{source_of(node)}` fails: {error}")


def _unary(node: ast.UnaryOp, names: Names) -> Folded:
    inner = _fold(node.operand, names)
    if isinstance(inner, Scalar) and isinstance(inner.value, int | float):
        if isinstance(node.op, ast.USub):
            return Scalar(node, -inner.value)
        if isinstance(node.op, ast.UAdd):
            return Scalar(node, inner.value)
    return _not(node, inner, "a number")


def _subscript(node: ast.Subscript, names: Names) -> Folded:
    container, key = _fold(node.value, names), _fold(node.slice, names)
    if isinstance(container, Unknown):
        return container
    found: Folded | None = None
    if isinstance(container, Table) and isinstance(key, Scalar) and isinstance(key.value, str):
        found = container.get(key.value)
    if isinstance(container, Listing) and isinstance(key, Scalar) and isinstance(key.value, int):
        items = container.items
        found = items[key.value] if -len(items) <= key.value < len(items) else None
    if found is None:
        return Unknown(node, f"`{source_of(node)}` has to be run")
    return _moved(found, node)


def _attribute(node: ast.Attribute, names: Names) -> Folded:
    owner = _fold(node.value, names)
    if isinstance(owner, Named):
        return Named(node, f"{owner.dotted}.{node.attr}")
    if is_typed_manifest(owner):
        return _of_typed(node, owner, node.attr)
    if isinstance(owner, Unknown | Derived):
        return owner
    return Unknown(node, f"`{source_of(node)}` has to be run")


def is_typed_manifest(value: Folded | None) -> bool:
    """Whether a value is `ExtractorManifest(...)`, under whatever name it was imported."""
    return isinstance(value, Made) and value.callee.split(".")[-1] == "ExtractorManifest"


def _of_typed(node: ast.Attribute, owner: Folded, name: str) -> Folded:
    """`manifest.version`, `manifest.features_as_dicts`: what the call was given."""
    given = owner.keyword("features" if name == "features_as_dicts" else name) if isinstance(
        owner, Made
    ) else None  # fmt: skip
    return _moved(given, node) if given is not None else Derived(node)


def _call(node: ast.Call, names: Names) -> Folded:
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("features_as_dicts", "as_dict"):
        owner = _fold(node.func.value, names)
        if is_typed_manifest(owner) or isinstance(owner, Derived):
            return _fold(node.func, names)
    callee = _fold(node.func, names)
    if not isinstance(callee, Named):
        return Unknown(node, f"`{source_of(node)}` has to be run")
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        return Unknown(node, f"`{source_of(node)}` hides its arguments behind a star")
    made = _made(node, callee, names)
    if isinstance(made, Unknown) or "." in callee.dotted or callee.dotted in names:
        return made
    return _builtin(node, made)


def _made(node: ast.Call, callee: Named, names: Names) -> Made | Unknown:
    keywords: list[tuple[str, Folded]] = []
    places: list[ast.AST] = []
    for keyword in node.keywords:
        value = _fold(keyword.value, names)
        if keyword.arg is not None:
            keywords.append((keyword.arg, value))
            places.append(keyword)
        elif isinstance(value, Table):
            keywords.extend((str(key.value), item) for key, item in value.entries)
            places.extend(key.node for key, _ in value.entries)
        else:
            return Unknown(keyword.value, f"`**{source_of(keyword.value)}` has to be run")
    args = tuple(_fold(argument, names) for argument in node.args)
    size = 1 + sum(v.size for v in args) + sum(v.size for _, v in keywords)
    return Made(node, callee.dotted, args, tuple(keywords), tuple(places), size)


def _builtin(node: ast.Call, made: Made) -> Folded:
    first = made.args[0] if made.args else None
    if made.callee == "dict" and (first is None or isinstance(first, Table)):
        start = list(first.entries) if isinstance(first, Table) else []
        named = [
            (Scalar(place, key), value)
            for (key, value), place in zip(made.keywords, made.places, strict=True)
        ]
        return _as_table(node, [*start, *named])
    if made.callee in ("list", "tuple", "set") and (first is None or isinstance(first, Listing)):
        return _as_listing(node, list(first.items) if isinstance(first, Listing) else [])
    if made.callee in _CASTS and isinstance(first, Scalar) and len(made.args) == 1:
        try:
            return _sized(node, _CASTS[made.callee](first.value))
        except (TypeError, ValueError) as error:
            return Unknown(node, f"`{source_of(node)}` fails: {error}")
    return first if isinstance(first, Unknown) else made


def _not(node: ast.AST, found: Folded | None, wanted: str) -> Unknown:
    if isinstance(found, Unknown):
        return found
    return Unknown(node, f"`{source_of(node)}` is not {wanted} that its text tells")


_FOLDERS: dict[type[ast.expr], Callable[[Any, Names], Folded]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.List: _listing,
    ast.Tuple: _listing,
    ast.Set: _listing,
    ast.Dict: _table,
    ast.JoinedStr: _f_string,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
    ast.Call: _call,
}
