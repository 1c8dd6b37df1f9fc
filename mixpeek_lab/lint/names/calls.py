"""What a call gives: the package's own functions, and Python's ways of looking things up."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from mixpeek_lab.lint.names import expressions, folding
from mixpeek_lab.lint.names.dotted import normal
from mixpeek_lab.lint.names.folding import NotFoldedError
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
    Own,
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
    union,
)

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator

Arguments: TypeAlias = list[Values]
Keywords: TypeAlias = dict[str, Values]
Model: TypeAlias = Callable[["Evaluator", Arguments, Keywords, ast.AST], Values]

CLOSED = frozenset(
    {"os", "sys", "builtins", "importlib", "io", "subprocess", "ctypes", "socket", "pty",
     "multiprocessing", "shutil", "marshal", "pickle", "runpy"}
)  # fmt: skip
"""Modules in which a name that is not known may be a dangerous one."""
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
        whole = [*callee.args, *args]
        return union(ev.call(inner, whole, keywords, node) for inner in callee.callee)
    if isinstance(callee, Getter):
        return _got(ev, callee, args, node)
    if isinstance(callee, Object):
        called = ev.attribute(callee, "__call__", node)
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
    if not frame:
        return _returned(ev, scope)
    with ev.calling(frame) as is_followed:
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
                found.append(_attributes(ev, owner, name, node))
    if getter.kind == "methodcaller":
        rest = list(getter.names[1:])
        return union(ev.call(v, rest, {}, node) for part in found for v in part)
    if len(found) > 1:
        return (Seq(tuple(found), "tuple"), *union(found))
    return union(found)


def _attributes(ev: Evaluator, owner: Value, names: Values, node: ast.AST) -> Values:
    """`getattr(owner, name)`, names with dots in them being a path."""
    found: list[Values] = []
    for name in names:
        if not isinstance(name, Const) or not isinstance(name.value, str):
            _note_unknown(ev, owner, node)
            found.append(UNKNOWN)
            continue
        values: Values = (owner,)
        for part in name.value.split("."):
            ev.note("internal", node, part)
            values = union(ev.attribute(value, part, node) for value in values)
        found.append(values)
    return union(found)


def _note_unknown(ev: Evaluator, owner: Value, node: ast.AST) -> None:
    if isinstance(owner, Ref) and (owner.name in CLOSED or owner.name == "sys.modules"):
        ev.note("name", node, owner.name)
    elif isinstance(owner, Own):
        ev.note("namespace", node, "")


# ------------------------------------------------------- things from outside


def _outside(
    ev: Evaluator, name: str, args: Arguments, keywords: Keywords, node: ast.AST
) -> Values:
    model = _MODELS.get(name)
    if model is not None:
        return model(ev, args, keywords, node)
    if name in folding.FUNCTIONS:
        return _pure(name, args, keywords)
    if name.endswith((".__getattribute__", ".getattr_static")) and len(args) > 1:
        return _getattr(ev, args, keywords, node)
    if name.startswith("pathlib.") and (name == "pathlib.Path" or _last(name) in _PATHS):
        return (expressions.PATH,)
    if name.startswith("pathlib.Path()") and _last(name) in _MANY_PATHS:
        return (Seq(((expressions.PATH,),) * 2),)
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


def _getattr(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    if len(args) < 2:
        return UNKNOWN
    found = [_attributes_of_one(ev, owner, args[1], node) for owner in args[0]]
    return union([*found, *args[2:3]])


def _attributes_of_one(ev: Evaluator, owner: Value, names: Values, node: ast.AST) -> Values:
    """getattr takes no dotted paths; the two share everything else."""
    return _attributes(ev, owner, names, node)


def _vars(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    if not args:
        return _globals(ev, args, {}, node)
    spaces = [(Space(v),) if isinstance(v, Ref | Own) else UNKNOWN for v in args[0]]
    return union(spaces)


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
            found.append(UNKNOWN)  # of the package itself: its files are all looked at
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
    return lambda ev, args, keywords, node: (Getter(kind, tuple(args)),)


def _partial(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    return (Partial(args[0], tuple(args[1:])),) if args else UNKNOWN


def _map(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    columns = [expressions.known_elements(part) for part in args[1:]]
    if not columns or any(column is None for column in columns):
        each = [expressions.take(ev, part, ("each",)) for part in args[1:]]
        made = union(ev.call(c, each, {}, node) for c in args[0]) if args else UNKNOWN
        return (Seq((made,) * 4, "set"), Unknown())
    rounds = zip(*(column or [] for column in columns), strict=False)
    items = [union(ev.call(c, list(r), {}, node) for c in args[0]) for r in rounds]
    return (Seq(tuple(items)),)


def _starmap(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    elements = expressions.known_elements(args[1]) if len(args) > 1 else None
    spread = [expressions.known_elements(element) or [UNKNOWN] for element in elements or []]
    items = [union(ev.call(c, list(r), {}, node) for c in args[0]) for r in spread]
    return (Seq(tuple(items)),) if items else UNKNOWN


def _filter(ev: Evaluator, args: Arguments, _: Keywords, __: ast.AST) -> Values:
    elements = expressions.take(ev, args[1], ("each",)) if len(args) > 1 else UNKNOWN
    return (Seq((elements,) * 4, "set"), Unknown())


def _reduce(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    elements = expressions.known_elements(args[1]) if len(args) > 1 else None
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


def _next(ev: Evaluator, args: Arguments, _: Keywords, __: ast.AST) -> Values:
    found = expressions.take(ev, args[0], ("each",)) if args else UNKNOWN
    return union([found, *args[1:]])


def _chain(ev: Evaluator, args: Arguments, _: Keywords, __: ast.AST) -> Values:
    parts = [expressions.known_elements(part) for part in args]
    if any(part is None for part in parts):
        return (Seq((union(expressions.take(ev, part, ("each",)) for part in args),) * 4, "set"),)
    return (Seq(tuple(item for part in parts for item in part or [])),)


def _first(_: Evaluator, args: Arguments, __: Keywords, ___: ast.AST) -> Values:
    return args[0] if args else UNKNOWN


def _getitem(ev: Evaluator, args: Arguments, _: Keywords, node: ast.AST) -> Values:
    if len(args) < 2:
        return UNKNOWN
    return union(expressions.subscript(ev, owner, args[1], node) for owner in args[0])


def _call(ev: Evaluator, args: Arguments, keywords: Keywords, node: ast.AST) -> Values:
    callees = args[0] if args else NOTHING
    return union(ev.call(c, args[1:], keywords, node) for c in callees) or UNKNOWN


_MODELS: dict[str, Model] = {
    "builtins.getattr": _getattr,
    "inspect.getattr_static": _getattr,
    "builtins.object.__getattribute__": _getattr,
    "builtins.type.__getattribute__": _getattr,
    "builtins.vars": _vars,
    "builtins.globals": _globals,
    "builtins.locals": _globals,
    "builtins.__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "pkgutil.resolve_name": _resolve,
    "pydoc.locate": _resolve,
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
    "typing.cast": lambda ev, args, keywords, node: args[1] if len(args) > 1 else UNKNOWN,
}
"""Full name → what calling it gives."""

FOLLOWED = frozenset(_MODELS)
"""Functions from outside that are followed."""
