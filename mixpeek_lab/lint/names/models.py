"""Functions of Python itself by which things are looked up, imported, wrapped and combined."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from mixpeek_lab.lint.names import expressions, unpacking
from mixpeek_lab.lint.names.dotted import CLOSED, normal
from mixpeek_lab.lint.names.values import (
    NOTHING,
    UNKNOWN,
    Const,
    Func,
    Getter,
    Own,
    Partial,
    Ref,
    Seq,
    Space,
    Table,
    Unknown,
    Value,
    Values,
    union,
)

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator

Arguments: TypeAlias = list[Values]
Keywords: TypeAlias = dict[str, Values]
Model: TypeAlias = Callable[["Evaluator", Arguments, Keywords, ast.AST], Values]


def attributes_of(ev: Evaluator, owner: Value, names: Values, node: ast.AST) -> Values:
    """`getattr(owner, name)`; a name with dots in it is a path, as for attrgetter."""
    found: list[Values] = []
    for name in names:
        if not isinstance(name, Const) or not isinstance(name.value, str):
            _note_unknown(ev, owner, node)
            found.append(UNKNOWN)
            continue
        values: Values = (owner,)
        for part in name.value.split("."):
            ev.note("internal", node, part)
            values = union(ev.attribute(value, part) for value in values)
        found.append(values)
    return union(found)


def _note_unknown(ev: Evaluator, owner: Value, node: ast.AST) -> None:
    if isinstance(owner, Ref) and (owner.name in CLOSED or owner.name == "sys.modules"):
        ev.note("name", node, owner.name)
    elif isinstance(owner, Own):
        ev.note("namespace", node, "")


def _getattr(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    if len(args) < 2:
        return UNKNOWN
    found = [attributes_of(ev, owner, args[1], node) for owner in args[0]]
    return union([*found, *args[2:3]])


def _vars(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    if not args:
        return _locals(ev, args, {}, node)
    spaces = [(Space(v),) if isinstance(v, Ref | Own) else UNKNOWN for v in args[0]]
    return union(spaces)


def _locals(ev: Evaluator, _: Arguments, __: Keywords, node: ast.AST) -> Values:
    scope = ev.scope_of(node)
    if scope.kind == "module":
        return (Space(Own(scope.path)),)
    entries = [(Const(name), ev.bound(scope, name)) for name in list(scope.bindings)[:40]]
    return (Table(tuple(entries)),)


def _type(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    """`type(lambda: 0)` is `types.FunctionType`."""
    is_function = len(args) == 1 and any(isinstance(value, Func) for value in args[0])
    return (Ref("types.FunctionType" if is_function else "builtins.type()"),)


def _globals(ev: Evaluator, _: Arguments, __: Keywords, node: ast.AST) -> Values:
    return (Space(Own(ev.scope_of(node).path)),)


def _import(ev: Evaluator, args: Arguments, keywords: Keywords, node: ast.AST) -> Values:
    names = args[0] if args else keywords.get("name", UNKNOWN)
    found: list[Values] = []
    for name in names:
        text = name.value if isinstance(name, Const) else None
        if isinstance(text, str) and not text.startswith("."):
            found.extend([ev.module(text), ev.module(text.split(".")[0])])
        elif isinstance(text, str):
            found.append(ev.relative(text, ev.scope_of(node).path) or UNKNOWN)
        else:
            prefix = name.prefix if isinstance(name, Unknown) else ""
            if "." not in prefix and name != Ref("__name__"):
                ev.note("import", node)
            found.append(UNKNOWN)
    return union(found)


def _resolve(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    """`pkgutil.resolve_name("os:system")` and its like."""
    found: list[Values] = []
    for name in args[0] if args else NOTHING:
        if isinstance(name, Const) and isinstance(name.value, str):
            found.append((Ref(normal(name.value.replace(":", "."))),))
        else:
            ev.note("import", node)
    return union(found) or UNKNOWN


def _getter(kind: str) -> Model:
    def make(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
        return (Getter(kind, tuple(args)),)

    return make


def _partial(_: Evaluator, args: Arguments, keywords: Keywords, __: ast.AST) -> Values:
    if not args:
        return UNKNOWN
    return (Partial(args[0], tuple(args[1:]), tuple(keywords.items())),)


def _map(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    columns = [unpacking.known_elements(part) for part in args[1:]]
    if not columns or any(column is None for column in columns):
        each = [unpacking.take(part, ("each",)) for part in args[1:]]
        made = union(ev.call(c, each, {}, node) for c in args[0]) if args else UNKNOWN
        return (Seq((made,) * 4, "set"), Unknown())
    rounds = zip(*(column or [] for column in columns), strict=False)
    items = [union(ev.call(c, list(r), {}, node) for c in args[0]) for r in rounds]
    return (Seq(tuple(items)),)


def _starmap(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    elements = unpacking.known_elements(args[1]) if len(args) > 1 else None
    spread = [unpacking.known_elements(element) or [UNKNOWN] for element in elements or []]
    items = [union(ev.call(c, list(r), {}, node) for c in args[0]) for r in spread]
    return (Seq(tuple(items)),) if items else UNKNOWN


def _filter(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    elements = unpacking.take(args[1], ("each",)) if len(args) > 1 else UNKNOWN
    return (Seq((elements,) * 4, "set"), Unknown())


def _reduce(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    elements = unpacking.known_elements(args[1]) if len(args) > 1 else None
    if elements is None:
        for part in args[2:3]:
            for owner in part if Ref("builtins.getattr") in args[0] else NOTHING:
                _note_unknown(ev, owner, node)
        return UNKNOWN
    if len(args) < 3 and not elements:
        return UNKNOWN
    total, rest = (args[2], elements) if len(args) > 2 else (elements[0], elements[1:])
    for element in rest:
        total = union(ev.call(c, [total, element], {}, node) for c in args[0])
    return total


def _next(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    found = unpacking.take(args[0], ("each",)) if args else UNKNOWN
    return union([found, *args[1:]])


def _chain(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    parts = [unpacking.known_elements(part) for part in args]
    if any(part is None for part in parts):
        return (Seq((union(unpacking.take(part, ("each",)) for part in args),) * 4, "set"),)
    return (Seq(tuple(item for part in parts for item in part or [])),)


def _first(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    return args[0] if args else UNKNOWN


def _second(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    return args[1] if len(args) > 1 else UNKNOWN


def _getitem(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    if len(args) < 2:
        return UNKNOWN
    return union(expressions.subscript(ev, owner, args[1], node) for owner in args[0])


def _call(ev: Evaluator, args: Arguments, keywords: Keywords, node: ast.AST) -> Values:
    callees = args[0] if args else NOTHING
    return union(ev.call(c, args[1:], keywords, node) for c in callees) or UNKNOWN


MODELS: dict[str, Model] = {
    "builtins.getattr": _getattr,
    "inspect.getattr_static": _getattr,
    "builtins.object.__getattribute__": _getattr,
    "builtins.type.__getattribute__": _getattr,
    "builtins.vars": _vars,
    "builtins.globals": _globals,
    "builtins.locals": _locals,
    "builtins.type": _type,
    "builtins.__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "pkgutil.resolve_name": _resolve,
    "pydoc.locate": _resolve,
    "pydoc.safeimport": _resolve,
    "operator.attrgetter": _getter("attrgetter"),
    "operator.itemgetter": _getter("itemgetter"),
    "operator.methodcaller": _getter("methodcaller"),
    "operator.getitem": _getitem,
    "operator.call": _call,
    "functools.partial": _partial,
    "functools.partialmethod": _partial,
    "functools.reduce": _reduce,
    "builtins.map": _map,
    "itertools.starmap": _starmap,
    "builtins.filter": _filter,
    "builtins.next": _next,
    "itertools.chain": _chain,
    "copy.copy": _first,
    "copy.deepcopy": _first,
    "importlib.reload": _first,
    "typing.cast": _second,
}
"""Full name → what calling it gives."""

FOLLOWED = frozenset(MODELS) - {"builtins.type"}
"""Functions from outside that are followed."""
