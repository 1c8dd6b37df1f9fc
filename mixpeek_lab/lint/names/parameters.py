"""What a parameter can be: its default, and what the package's own calls give it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mixpeek_lab.lint.names import unpacking
from mixpeek_lab.lint.names.scopes import Function, Scope
from mixpeek_lab.lint.names.values import (
    UNKNOWN,
    Class,
    Const,
    Object,
    Ref,
    Seq,
    Table,
    Values,
    tells,
    union,
)

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator

MAX_SITES = 40


def read(ev: Evaluator, argument: ast.arg, scope: Scope) -> Values:
    """What `argument` can be in the function whose body is `scope`."""
    function = scope.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return UNKNOWN
    arguments = function.args
    if argument in (arguments.vararg, arguments.kwarg):
        return union([_extra(ev, function, is_keywords=argument is arguments.kwarg), UNKNOWN])
    position = _position(arguments, argument)
    owner = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
    if owner is not None and position == 0 and isinstance(owner.node, ast.ClassDef):
        return _first(ev, owner, owner.node)
    found = [_default(ev, arguments, argument)]
    sites, is_complete = _sites(ev, function, owner)
    is_method = owner is not None
    found.extend(_given(ev, c, argument.arg, position, is_method=is_method) for c in sites)
    found.extend(_handed(ev, function))
    _annotated(argument, found, ev)
    if not (is_complete and sites):
        found.append(UNKNOWN)
    kept = union(found)
    return union((value,) if tells(value) else UNKNOWN for value in kept)


def _first(ev: Evaluator, owner: Scope, node: ast.ClassDef) -> Values:
    """`self` or `cls`."""
    made = Class(node, ev.inner(node)) if owner.node is node else None
    return (Object(made), made) if made is not None else UNKNOWN


def _position(arguments: ast.arguments, argument: ast.arg) -> int | None:
    positional = [*arguments.posonlyargs, *arguments.args]
    return positional.index(argument) if argument in positional else None


def _default(ev: Evaluator, arguments: ast.arguments, argument: ast.arg) -> Values:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: dict[ast.arg, ast.expr | None] = dict(
        zip(reversed(positional), reversed(arguments.defaults), strict=False)
    )
    defaults.update(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    default = defaults.get(argument)
    return ev.values(default) if default is not None else ()


def _annotated(argument: ast.arg, found: list[Values], ev: Evaluator) -> None:
    """`path: Path` is a path, as far as anybody says."""
    if argument.annotation is not None and Ref("pathlib.Path") in ev.values(argument.annotation):
        found.append((Ref("pathlib.Path()"),))


def _names(ev: Evaluator, function: Function, owner: Scope | None) -> set[str]:
    """The names under which the function is called anywhere in the package."""
    names = {function.name} if not isinstance(function, ast.Lambda) else {f"<{id(function)}>"}
    if isinstance(function, ast.Lambda):
        parent = ev.parents.get(id(function))
        if isinstance(parent, ast.Assign | ast.NamedExpr | ast.AnnAssign):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            names |= {getattr(t, "id", getattr(t, "attr", "")) for t in targets}
    elif function.name == "__init__" and owner is not None and isinstance(owner.node, ast.ClassDef):
        names.add(owner.node.name)
    for _ in range(2):
        for tree in ev.trees.values():
            names |= {new for name in tuple(names) for new in tree.renamed.get(name, ())}
    return names


def _sites(ev: Evaluator, function: Function, owner: Scope | None) -> tuple[list[ast.Call], bool]:
    names = _names(ev, function, owner)
    found = [c for tree in ev.trees.values() for name in names for c in tree.calls.get(name, ())]
    is_passed = any(tree.passed.get(name) for tree in ev.trees.values() for name in names)
    is_complete = owner is None and not is_passed and len(found) <= MAX_SITES
    return found[:MAX_SITES], is_complete


def has_few_sites(ev: Evaluator, function: Function) -> bool:
    """Whether every call of a function can be looked at, to know what its parameters are."""
    names = _names(ev, function, None)
    calls = (len(tree.calls.get(name, ())) for tree in ev.trees.values() for name in names)
    return sum(calls) <= MAX_SITES


def _given(
    ev: Evaluator, call: ast.Call, name: str, position: int | None, *, is_method: bool
) -> Values:
    """What one call gives the parameter; a method's call may or may not name the object."""
    found = [ev.values(k.value) for k in call.keywords if k.arg == name]
    if any(k.arg is None for k in call.keywords):
        found.append(UNKNOWN)
        for keyword in call.keywords:
            for value in ev.values(keyword.value) if keyword.arg is None else ():
                entries = value.entries if isinstance(value, Table) else ()
                found.extend(item for key, item in entries if key == Const(name))
    if position is not None:
        for at in (position - 1, position) if is_method else (position,):
            found.extend(_positional(ev, call, at))
    return union(found)


def _positional(ev: Evaluator, call: ast.Call, at: int) -> Iterator[Values]:
    starred = [i for i, part in enumerate(call.args) if isinstance(part, ast.Starred)]
    if starred and starred[0] <= at:
        for index in starred:
            inner = ev.values(call.args[index])
            yield union([unpacking.take(inner, ("each",)), UNKNOWN])
        yield union(ev.values(part) for part in call.args[starred[0] :])
    elif 0 <= at < len(call.args):
        yield ev.values(call.args[at])


def _extra(ev: Evaluator, function: Function, *, is_keywords: bool) -> Values:
    """`*args` and `**kwargs`: anything that any call gives."""
    sites, _ = _sites(ev, function, None)
    if is_keywords:
        entries = [(Const(k.arg), ev.values(k.value)) for c in sites for k in c.keywords if k.arg]
        return (Table(tuple(entries)),)
    anything = union(ev.values(part) for call in sites for part in call.args)
    return (Seq((anything or UNKNOWN,) * 6),)


def _handed(ev: Evaluator, function: Function) -> Iterator[Values]:
    """`map(function, [os])`: a function that is handed on may get whatever else is handed."""
    for tree in ev.trees.values():
        for name in _names(ev, function, None):
            for call in tree.passed.get(name, ())[:MAX_SITES]:
                for part in (*call.args, *(k.value for k in call.keywords)):
                    values = ev.values(part)
                    yield values
                    yield unpacking.take(values, ("each",))
    if not isinstance(function, ast.Lambda):
        return
    parent = ev.parents.get(id(function))
    if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield UNKNOWN
