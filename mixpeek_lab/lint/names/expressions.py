"""What an expression can be, by its kind."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from mixpeek_lab.lint.names import comprehensions, folding
from mixpeek_lab.lint.names.dotted import CLOSED
from mixpeek_lab.lint.names.folding import NotFoldedError
from mixpeek_lab.lint.names.unpacking import PATH, item, take
from mixpeek_lab.lint.names.values import (
    NOTHING,
    UNKNOWN,
    Const,
    Func,
    NotConstantError,
    Own,
    Ref,
    Seq,
    Space,
    Table,
    Unknown,
    Value,
    Values,
    constant,
    python,
    union,
)

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator

MAX_COMBINATIONS = 64


def read(ev: Evaluator, node: ast.AST) -> Values:
    """What an expression can be; UNKNOWN for kinds that are not followed."""
    reader = _READERS.get(type(node))
    return reader(ev, node) if reader is not None else UNKNOWN


def combinations(parts: Iterable[Values]) -> Iterator[tuple[Value, ...]]:
    """Each choice of one value per part, as far as there are few."""
    return islice(product(*parts), MAX_COMBINATIONS)


def _constant(_: Evaluator, node: ast.Constant) -> Values:
    return constant(node.value)


def _name(ev: Evaluator, node: ast.Name) -> Values:
    return ev.lookup(ev.scope_of(node), node.id, node.lineno)


def _attribute(ev: Evaluator, node: ast.Attribute) -> Values:
    owners = ev.values(node.value)
    if len(owners) == 1:
        return ev.attribute(owners[0], node.attr)
    return union([ev.attribute(owner, node.attr) for owner in owners])


def _sequence(ev: Evaluator, node: ast.List | ast.Tuple | ast.Set) -> Values:
    items: list[Values] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            inner = ev.values(element.value)
            if len(inner) != 1 or not isinstance(inner[0], Seq):
                # Any number of them: any of them may stand anywhere.
                items = [union([*items, take(inner, ("each",)), UNKNOWN])] * 8
                continue
            items.extend(inner[0].items)
        else:
            items.append(ev.values(element))
    return (Seq(tuple(items), type(node).__name__.lower()),) if len(items) <= 2_000 else UNKNOWN


def _table(ev: Evaluator, node: ast.Dict) -> Values:
    entries: list[tuple[Const, Values]] = []
    is_open = False
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            for inner in ev.values(value):
                entries.extend(inner.entries if isinstance(inner, Table) else ())
                is_open |= not isinstance(inner, Table)
            continue
        for name in ev.values(key):
            if isinstance(name, Const):
                entries.append((name, ev.values(value)))
            else:
                is_open = True
                entries.append((Const(None), ev.values(value)))
    if len(entries) > 2_000:
        return UNKNOWN
    return (Table(tuple(entries)), *(UNKNOWN if is_open else NOTHING))


def _joined(ev: Evaluator, node: ast.JoinedStr) -> Values:
    texts: list[str] = [""]
    first = node.values[0] if node.values else None
    if isinstance(first, ast.FormattedValue) and Ref("__name__") in ev.values(first.value):
        return (Unknown("."),)  # a name inside the package
    for part in node.values:
        choices = _pieces(ev, part)
        if choices is None:
            return (Unknown(texts[0] if len(texts) == 1 else ""),)
        texts = [a + b for a, b in islice(product(texts, choices), MAX_COMBINATIONS)]
    return union(constant(text) for text in texts if len(text) <= folding.MAX_SIZE)


def _pieces(ev: Evaluator, part: ast.expr) -> list[str] | None:
    if isinstance(part, ast.Constant):
        return [str(part.value)]
    if not isinstance(part, ast.FormattedValue):
        return None
    specs = ev.values(part.format_spec) if part.format_spec is not None else constant("")
    found = []
    for value, spec in combinations([ev.values(part.value), specs]):
        try:
            found.append(folding.formatted(python(value), part.conversion, str(python(spec))))
        except (NotConstantError, NotFoldedError):
            return None
    return found or None


def _binary(ev: Evaluator, node: ast.BinOp) -> Values:
    return operation(node.op, ev.values(node.left), ev.values(node.right))


def augmented(ev: Evaluator, node: ast.AugAssign, before: Values) -> Values:
    """What a name is after `name += …`, given what it was."""
    return operation(node.op, before, ev.values(node.value))


def operation(op: ast.operator, left: Values, right: Values) -> Values:
    """`left op right`, for every pair of values."""
    found = union(_operation(op, a, b) for a, b in combinations([left, right]))
    return found or UNKNOWN


def _operation(op: ast.operator, left: Value, right: Value) -> Values:
    if PATH in (left, right) and isinstance(op, ast.Div):
        return (PATH,)
    if isinstance(left, Seq) and isinstance(right, Seq) and isinstance(op, ast.Add):
        return (Seq((*left.items, *right.items), left.kind),)
    if isinstance(left, Table) and isinstance(right, Table) and isinstance(op, ast.BitOr):
        return (Table((*left.entries, *right.entries)),)
    if left == Ref("__name__"):
        return (Unknown("."),)
    try:
        return constant(folding.binary(op, python(left), python(right)))
    except NotConstantError:
        is_text = isinstance(op, ast.Add) and isinstance(left, Const)
        text = left.value if is_text and isinstance(left, Const) else None
        return (Unknown(text),) if isinstance(text, str) else UNKNOWN
    except NotFoldedError:
        return UNKNOWN


def _unary(ev: Evaluator, node: ast.UnaryOp) -> Values:
    return union(_negated(node.op, value) for value in ev.values(node.operand))


def _negated(op: ast.unaryop, value: Value) -> Values:
    if not isinstance(value, Const) or not isinstance(value.value, int | float):
        return (constant(True)[0], constant(False)[0]) if isinstance(op, ast.Not) else UNKNOWN
    if isinstance(op, ast.Invert):
        return constant(~value.value) if isinstance(value.value, int) else UNKNOWN
    if isinstance(op, ast.Not):
        return constant(not value.value)
    return constant(-value.value if isinstance(op, ast.USub) else +value.value)


def _either(ev: Evaluator, node: ast.IfExp) -> Values:
    return union([ev.values(node.body), ev.values(node.orelse)])


def _bool(ev: Evaluator, node: ast.BoolOp) -> Values:
    return union(ev.values(part) for part in node.values)


def _slice(ev: Evaluator, node: ast.Slice) -> slice | None:
    bounds: list[Any] = []
    for part in (node.lower, node.upper, node.step):
        found = ev.values(part) if part is not None else constant(None)
        if len(found) != 1 or not isinstance(found[0], Const):
            return None
        bounds.append(found[0].value)
    return slice(*bounds)


def _subscript(ev: Evaluator, node: ast.Subscript) -> Values:
    owners = ev.values(node.value)
    if isinstance(node.slice, ast.Slice):
        cut = _slice(ev, node.slice)
        return union(_cut(owner, cut) for owner in owners)
    return union(subscript(ev, owner, ev.values(node.slice), node) for owner in owners)


def _cut(owner: Value, cut: slice | None) -> Values:
    if cut is None:
        return UNKNOWN
    try:
        if isinstance(owner, Seq):
            return (Seq(owner.items[cut], owner.kind),)
        return constant(folding.item(python(owner), cut))
    except (NotConstantError, NotFoldedError, TypeError, ValueError):
        return UNKNOWN


def subscript(ev: Evaluator, owner: Value, keys: Values, node: ast.AST) -> Values:
    """`owner[key]`, for every key that it can be."""
    if isinstance(owner, Space | Own) or owner in (Ref("builtins"), Ref("sys.modules")):
        return union(_named_item(ev, owner, key, node) for key in keys)
    return union(item(owner, key) for key in keys)


def _named_item(ev: Evaluator, owner: Value, key: Value, node: ast.AST) -> Values:
    is_modules = owner == Ref("sys.modules")
    if isinstance(key, Const) and isinstance(key.value, str):
        if is_modules:
            return ev.module(key.value)
        return ev.attribute(owner.of if isinstance(owner, Space) else owner, key.value)
    if is_modules and key == Ref("__name__"):
        return (Own(ev.scope_of(node).path),)
    name = _name_of(owner)
    if is_modules or not name or name in CLOSED:
        ev.note("modules" if is_modules else "namespace", node, name)
    return UNKNOWN


def _name_of(owner: Value) -> str:
    of = owner.of if isinstance(owner, Space) else owner
    return of.name if isinstance(of, Ref) else ""


def _lambda(ev: Evaluator, node: ast.Lambda) -> Values:
    return (Func(node, ev.inner(node)),)


def _walrus(ev: Evaluator, node: ast.NamedExpr) -> Values:
    return ev.values(node.value)


def _inner_value(ev: Evaluator, node: ast.Await | ast.Starred | ast.FormattedValue) -> Values:
    return ev.values(node.value)


def _call(ev: Evaluator, node: ast.Call) -> Values:
    args, keywords = arguments(ev, node)
    callees = ev.values(node.func)
    if len(callees) == 1:
        return ev.call(callees[0], args, keywords, node)
    return union([ev.call(callee, args, keywords, node) for callee in callees])


def arguments(ev: Evaluator, node: ast.Call) -> tuple[list[Values], dict[str, Values]]:
    """What a call is given, stars spread as far as they are known."""
    args: list[Values] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            args.extend(_spread(ev.values(argument.value)))
        else:
            args.append(ev.values(argument))
    keywords: dict[str, Values] = {}
    for keyword in node.keywords:
        if keyword.arg is not None:
            keywords[keyword.arg] = ev.values(keyword.value)
        else:
            for value in ev.values(keyword.value):
                for name, item in value.entries if isinstance(value, Table) else ():
                    keywords[str(name.value)] = item
    return args, keywords


def _spread(values: Values) -> list[Values]:
    if len(values) == 1 and isinstance(values[0], Seq):
        return list(values[0].items)
    if len(values) == 1 and isinstance(values[0], Const) and isinstance(values[0].value, str):
        return [constant(letter) for letter in values[0].value[:64]]
    return [UNKNOWN] * 3


_READERS: dict[type[ast.AST], Callable[..., Values]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _table,
    ast.JoinedStr: _joined,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.IfExp: _either,
    ast.BoolOp: _bool,
    ast.Subscript: _subscript,
    ast.Lambda: _lambda,
    ast.NamedExpr: _walrus,
    ast.Await: _inner_value,
    ast.Starred: _inner_value,
    ast.FormattedValue: _inner_value,
    ast.Call: _call,
    ast.ListComp: comprehensions.read,
    ast.SetComp: comprehensions.read,
    ast.GeneratorExp: comprehensions.read,
    ast.DictComp: comprehensions.read_dict,
}
