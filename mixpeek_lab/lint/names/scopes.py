"""The scopes of a file: what is bound in each, and by which statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind = Literal["module", "class", "function", "comprehension"]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Step: TypeAlias = int | Literal["each", "rest", "enter"]
"""How a target takes its part of a value: an index, each element, the rest, what `with` enters."""

CHANGING = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "add",
     "appendleft", "popleft", "sort", "reverse", "__setitem__"}
)  # fmt: skip
"""Methods that change what they are called on."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One statement that gives a name its value."""

    node: ast.AST
    """The expression, import, definition, parameter or augmented assignment."""
    path: tuple[Step, ...] = ()
    line: int = 0
    is_conditional: bool = False
    """Whether it stands in a block that may not run."""
    in_loop: bool = False
    alias: ast.alias | None = None
    """For imports: which of the names."""


@dataclass(eq=False, slots=True)
class Scope:
    """A module, class, function or comprehension, with what is bound in it."""

    kind: Kind
    path: str
    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    outer: dict[str, Scope] = field(default_factory=dict)
    """Names that `global` and `nonlocal` send to another scope."""
    stars: list[ast.ImportFrom] = field(default_factory=list)
    returns: list[ast.expr] = field(default_factory=list)
    yields: list[ast.expr] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    """Names whose list or dict is changed, deleted, or handed to something that may change it."""

    @property
    def module(self) -> Scope:
        """The scope of the file."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def bind(self, name: str, binding: Binding) -> None:
        """`name` is bound here, or where `global` sends it."""
        target = self.outer.get(name, self)
        target.bindings.setdefault(name, []).append(binding)


@dataclass(slots=True)
class Tree:
    """A file's scopes and what else the evaluator asks for."""

    path: str
    module: Scope
    scope_of: dict[int, Scope] = field(default_factory=dict)
    """id of a node that is looked at → the scope it is evaluated in."""
    inner: dict[int, Scope] = field(default_factory=dict)
    """id of a function, class or comprehension → the scope that it opens."""
    parents: dict[int, ast.AST] = field(default_factory=dict)
    looked_at: list[ast.expr] = field(default_factory=list)
    """Names read, attributes, subscripts, calls and operations, from the inside out."""
    calls: dict[str, list[ast.Call]] = field(default_factory=dict)
    """Last part of the callee's name → its calls."""
    passed: dict[str, list[ast.Call]] = field(default_factory=dict)
    """Name → the calls that it is an argument of."""
    attributes: dict[str, list[tuple[ast.expr, tuple[Step, ...]]]] = field(default_factory=dict)
    """Attribute → the values, and parts of values, that it is assigned: `self.name = value`."""
    renamed: dict[str, set[str]] = field(default_factory=dict)
    """Name → names that it is assigned to: `other = name`."""


_PLAIN = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "name", "asname", "module", "level", "kind", "rest",
     "type_comment", "conversion", "is_async", "simple", "lineno", "type_ignores"}
)  # fmt: skip
"""Fields that hold no nodes which say something."""
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Constant: (), ast.Pass: (), ast.Global: (), ast.Nonlocal: (),
}  # fmt: skip


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, in order; contexts and operators, which say nothing, left out."""
    kind = type(node)
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = _FIELDS[kind] = tuple(name for name in node._fields if name not in _PLAIN)
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def iter_arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Every parameter, the starred ones last."""
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (a for a in (arguments.vararg, arguments.kwarg) if a is not None)
