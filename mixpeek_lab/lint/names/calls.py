"""What a call gives: the package's own functions, and Python's ways of looking things up."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from mixpeek_lab.lint.names import expressions, folding, unpacking
from mixpeek_lab.lint.names.dotted import CLOSED, normal
from mixpeek_lab.lint.names.folding import NotFoldedError
from mixpeek_lab.lint.names.models import MODELS, Arguments, Keywords, attributes_of
from mixpeek_lab.lint.names.scopes import Scope
from mixpeek_lab.lint.names.values import (
    NOTHING,
    UNKNOWN,
    Bound,
    Class,
    Const,
    Func,
    Getter,
    NotConstantError,
    Object,
    Partial,
    Ref,
    Seq,
    Space,
    Table,
    Unknown,
    Value,
    Values,
    constant,
    is_unknown,
    python,
    tells,
    union,
)

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator

_TRANSPARENT = frozenset(
    {"property", "staticmethod", "classmethod", "wraps", "lru_cache", "cache", "cached_property",
     "contextmanager", "asynccontextmanager", "overload", "abstractmethod", "dataclass"}
)  # fmt: skip
_PATHS = frozenset(
    {"joinpath", "resolve", "absolute", "expanduser", "with_suffix", "with_name", "with_stem",
     "relative_to", "rename", "replace", "readlink", "cwd", "home", "__truediv__", "__enter__"}
)  # fmt: skip
_MANY_PATHS = frozenset({"glob", "rglob", "iterdir"})
_LOOKUPS = frozenset({"get", "__getitem__", "pop", "setdefault"})


def read(
    ev: Evaluator, callee: Value, args: Arguments, keywords: Keywords, node: ast.AST
) -> Values:
    """`callee(*args, **keywords)`."""
    if isinstance(callee, Ref):
        return _outside(ev, callee.name, args, keywords, node)
    if isinstance(callee, Func):
        return _own(ev, callee, args, keywords)
    if isinstance(callee, Class):
        return (Object(callee),)
    if isinstance(callee, Bound):
        return _method(ev, callee, args, keywords, node)
    if isinstance(callee, Partial):
        whole, named = [*callee.args, *args], {**dict(callee.keywords), **keywords}
        return union(ev.call(inner, whole, named, node) for inner in callee.callee)
    if isinstance(callee, Getter):
        return _got(ev, callee, args, node)
    if isinstance(callee, Object):
        called = ev.attribute(callee, "__call__")
        return union(ev.call(c, args, keywords, node) for c in called if isinstance(c, Partial))
    return UNKNOWN


def decorated(
    ev: Evaluator, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, value: Value
) -> Values:
    """What a decorated definition becomes."""
    found: Values = (value,)
    for part in reversed(node.decorator_list):
        inner = part.func if isinstance(part, ast.Call) else part
        if getattr(inner, "attr", getattr(inner, "id", "")) in _TRANSPARENT:
            continue
        decorators = [d for d in ev.values(part) if not isinstance(d, Ref | Unknown)]
        made = union(ev.call(d, [found], {}, node) for d in decorators)
        found = union([found, made])
    return found


# ------------------------------------------------------------- own functions


def _own(ev: Evaluator, callee: Func, args: Arguments, keywords: Keywords) -> Values:
    scope = callee.scope
    arguments = callee.node.args
    frame: dict[tuple[int, str], Values] = {}
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    for name, values in zip(names, args, strict=False):
        frame[id(scope), name] = values
    if arguments.vararg is not None:
        rest = tuple(args[len(names) :])
        frame[id(scope), arguments.vararg.arg] = (Seq(rest, "tuple"),)
    known = {*names, *(a.arg for a in arguments.kwonlyargs)}
    extra = tuple((Const(name), v) for name, v in keywords.items() if name not in known)
    if arguments.kwarg is not None:
        frame[id(scope), arguments.kwarg.arg] = (Table(extra),)
    frame.update({(id(scope), name): v for name, v in keywords.items() if name in known})
    if not any(tells(value) for values in frame.values() for value in values):
        return ev.called(scope, None, lambda: _returned(ev, scope))
    return ev.called(scope, tuple(frame.items()), lambda: _framed(ev, scope, frame))


def _framed(ev: Evaluator, scope: Scope, frame: dict[tuple[int, str], Values]) -> Values:
    with ev.calling(scope, frame) as is_followed:
        return _returned(ev, scope) if is_followed else UNKNOWN


def _returned(ev: Evaluator, scope: Scope) -> Values:
    if scope.yields:
        return (Seq(tuple(ev.values(part) for part in scope.yields), "generator"),)
    if not scope.returns:
        return constant(None)
    return union(ev.values(part) for part in scope.returns)


# ------------------------------------------------- methods of constants and namespaces


def _method(
    ev: Evaluator, callee: Bound, args: Arguments, keywords: Keywords, node: ast.AST
) -> Values:
    owner, name = callee.owner, callee.name
    if name in _LOOKUPS and not isinstance(owner, Const) and args:
        if isinstance(owner, Seq) and name == "pop":
            return union([*owner.items, UNKNOWN])
        return union([expressions.subscript(ev, owner, args[0], node), *args[1:]])
    if isinstance(owner, Space) and name in ("values", "items", "copy", "keys"):
        if name == "copy":
            return (owner,)
        if isinstance(owner.of, Ref) and owner.of.name in CLOSED:
            ev.note("name", node, owner.of.name)
        return UNKNOWN
    if isinstance(owner, Table) and name in ("values", "items"):
        items = [v if name == "values" else (Seq(((k,), v), "tuple"),) for k, v in owner.entries]
        return (Seq(tuple(items)),)
    if isinstance(owner, Seq | Table) and name == "copy":
        return (owner,)
    return _folded(
        [(owner,), *args],
        keywords,
        lambda first, *rest, **kw: folding.method(first, name, [*rest], kw),
    )


def _folded(args: Arguments, keywords: Keywords, what: Callable[..., object]) -> Values:
    """The results of a pure operation for every combination of its arguments."""
    found: list[Values] = []
    for choice in expressions.combinations([*args, *keywords.values()]):
        try:
            plain = [python(value) for value in choice]
            rest = dict(zip(keywords, plain[len(args) :], strict=True))
            found.append(constant(what(*plain[: len(args)], **rest)))
        except (NotConstantError, NotFoldedError):
            found.append(UNKNOWN)
    return union(found) if found else UNKNOWN


def _got(ev: Evaluator, getter: Getter, args: Arguments, node: ast.AST) -> Values:
    found: list[Values] = []
    for name in getter.names[:1] if getter.kind == "methodcaller" else getter.names:
        for owner in args[0] if args else NOTHING:
            if getter.kind == "itemgetter":
                found.append(expressions.subscript(ev, owner, name, node))
            else:
                found.append(attributes_of(ev, owner, name, node))
    if getter.kind == "methodcaller":
        rest = list(getter.names[1:])
        return union(ev.call(v, rest, {}, node) for part in found for v in part)
    if len(found) > 1:
        return (Seq(tuple(found), "tuple"), *union(found))
    return union(found)


# ------------------------------------------------------- things from outside


def _outside(
    ev: Evaluator, name: str, args: Arguments, keywords: Keywords, node: ast.AST
) -> Values:
    model = MODELS.get(name)
    if model is not None:
        return model(ev, args, keywords, node)
    if name in folding.FUNCTIONS:
        return _pure(name, args, keywords)
    if name.endswith((".__getattribute__", ".getattr_static")) and len(args) > 1:
        return MODELS["builtins.getattr"](ev, args, keywords, node)
    if name.startswith("pathlib.") and (name == "pathlib.Path" or _last(name) in _PATHS):
        return (unpacking.PATH,)
    if name.startswith("pathlib.Path()") and _last(name) in _MANY_PATHS:
        return (Seq(((unpacking.PATH,),) * 2),)
    ev.note("called", node, name)
    parts = name.split(".")
    if len(parts) == 3 and parts[1] in ("str", "bytes", "list", "dict", "tuple") and args:
        return union(
            _method(ev, Bound(owner, parts[2]), args[1:], keywords, node) for owner in args[0]
        )
    return (Ref(normal(f"{name}()")),)


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _pure(name: str, args: Arguments, keywords: Keywords) -> Values:
    shaped = name.removeprefix("builtins.") in (
        "list",
        "tuple",
        "iter",
        "sorted",
        "set",
        "reversed",
    )
    if shaped and args and not keywords and any(isinstance(v, Seq) for v in args[0]):
        return union(_reshaped(name, value) for value in args[0])
    found = _folded(args, keywords, lambda *given, **kw: folding.function(name, [*given], kw))
    return found if not is_unknown(found) or name != "builtins.dict" else _dict(args, keywords)


def _reshaped(name: str, value: Value) -> Values:
    if not isinstance(value, Seq):
        return UNKNOWN
    items = value.items
    if name.endswith("reversed"):
        items = items[::-1]
    if name.endswith("sorted"):
        try:
            plain = python(value)
            return constant(sorted(plain))  # type: ignore[call-overload]
        except (NotConstantError, TypeError):
            return (Seq((union(items),) * len(items)), Unknown())
    return (Seq(items, "set" if name.endswith(".set") else "list"),)


def _dict(args: Arguments, keywords: Keywords) -> Values:
    entries = tuple((Const(name), values) for name, values in keywords.items())
    tables = [value for part in args for value in part if isinstance(value, Table)]
    whole = tuple(entry for table in tables for entry in table.entries) + entries
    return (Table(whole), *(UNKNOWN if len(tables) < len(args) else NOTHING))
