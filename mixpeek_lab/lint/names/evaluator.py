"""What each expression of a package can be: names, attributes, keys and calls followed."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mixpeek_lab.lint.names import attributes, calls, expressions, parameters, unpacking
from mixpeek_lab.lint.names.collector import collect
from mixpeek_lab.lint.names.dotted import normal
from mixpeek_lab.lint.names.scopes import Binding, Scope, Step, Tree
from mixpeek_lab.lint.names.solver import Context, Frame, Solver
from mixpeek_lab.lint.names.values import (
    NOTHING,
    UNKNOWN,
    Class,
    Const,
    Func,
    Own,
    Ref,
    Seq,
    Table,
    Unknown,
    Value,
    Values,
    constant,
    union,
)

BUILTINS = frozenset(dir(builtins))
STEPS_PER_NODE, STEPS_AT_LEAST = 10, 20_000
"""How much work is done for a file before the rest of it counts as unknown."""
MAX_CALLS = 6
"""Calls of the package's own functions that are followed into each other."""

NoteKind = Literal["name", "import", "namespace", "modules", "internal", "called"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was met on the way, which is a finding whatever comes of it.

    `kind`: "name", an attribute of a dangerous module under a name that is not known; "import",
    a module of such a name; "namespace" and "modules", a key of `globals()` and `sys.modules`;
    "internal", an attribute of Python's internals by a name that was put together; "called",
    anything from outside, by whatever calls it.
    """

    kind: NoteKind
    node: ast.AST
    what: str


class Evaluator:
    """The values of a package's expressions. Each is computed once, when it is asked for."""

    def __init__(self, trees: Mapping[str, ast.Module], package: str) -> None:
        self.package = package
        self.trees: dict[str, Tree] = {}
        self.too_deep: list[str] = []
        """Files that are nested too deeply to be followed."""
        for path, tree in trees.items():
            try:
                self.trees[path] = collect(path, tree)
            except RecursionError:
                self.too_deep.append(path)
        self.notes: dict[Note, None] = {}
        nodes = sum(len(tree.looked_at) for tree in self.trees.values())
        self._solver = Solver(STEPS_AT_LEAST + STEPS_PER_NODE * nodes)
        self._nested = 0
        self._scopes = {k: v for tree in self.trees.values() for k, v in tree.scope_of.items()}
        self._inner = {k: v for tree in self.trees.values() for k, v in tree.inner.items()}
        self.parents = {k: v for tree in self.trees.values() for k, v in tree.parents.items()}

    @property
    def known(self) -> Mapping[int, Scope]:
        """The nodes that can be asked for, by id."""
        return self._scopes

    @property
    def cut_short(self) -> int:
        """How many expressions are nested too deeply to be followed to their end."""
        return self._solver.cut_short

    @property
    def is_exhausted(self) -> bool:
        """Whether the code is so intricate that not all of it was followed."""
        return self._solver.steps <= 0

    def note(self, kind: NoteKind, node: ast.AST, what: str = "") -> None:
        """Keep something for the rules."""
        self.notes[Note(kind, node, what)] = None

    # ------------------------------------------------------------- expressions

    def values(self, node: ast.AST) -> Values:
        """What an expression can be."""
        if isinstance(node, ast.Constant):
            return constant(node.value)
        context = self._solver.context
        scope = self._scopes.get(id(node))
        if scope is not None and context.parent is not None:
            context = context.outward(scope)
        return self._solver.solve(id(node), context, partial(expressions.read, self, node))

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope in which a node is evaluated."""
        return self._scopes[id(node)]

    def inner(self, node: ast.AST) -> Scope:
        """The scope that a function, class or comprehension opens."""
        return self._inner[id(node)]

    # ------------------------------------------------------------------- names

    def lookup(self, scope: Scope, name: str, line: int) -> Values:
        """What `name` is in `scope`, for a use in this line."""
        found: list[Values] = []
        around: Scope | None = scope.outer.get(name, scope)
        while around is not None:
            is_visible = around.kind != "class" or around is scope
            if is_visible and name in around.bindings:
                found.append(self.bound(around, name))
                if around.kind in ("function", "comprehension") or _certain(around, name, line):
                    return found[0] if len(found) == 1 else union(found)
            around = around.parent
        return union([*found, self._starred(scope, name), _builtin(name, bool(found))])

    def bound(self, scope: Scope, name: str) -> Values:
        """What the statements of a scope make of a name."""
        key, context = (id(scope), name), self._solver.context.outward(scope)
        if key in context.frame:
            return context.frame[key]
        return self._solver.solve(key, context, partial(self._bound, scope, name))

    def _bound(self, scope: Scope, name: str) -> Values:
        found: Values = NOTHING
        for binding in scope.bindings.get(name, ()):
            if isinstance(binding.node, ast.AugAssign):
                part = expressions.augmented(self, binding.node, found)
                found = union([found, part, UNKNOWN if binding.in_loop else NOTHING])
            else:
                part = self._binding(binding, scope)
                found = union([found, part]) if found else part
        if name in scope.changed and any(_is_mutable(value) for value in found):
            return union([found, UNKNOWN])
        return found

    def _binding(self, binding: Binding, scope: Scope) -> Values:
        node = binding.node
        if isinstance(node, ast.Import) and binding.alias is not None:
            name = binding.alias.name
            return self.module(name if binding.alias.asname else name.split(".")[0])
        if isinstance(node, ast.ImportFrom) and binding.alias is not None:
            return self.imported(node, binding.alias.name, scope.path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return calls.decorated(self, node, Func(node, self.inner(node)))
        if isinstance(node, ast.ClassDef):
            return calls.decorated(self, node, Class(node, self.inner(node)))
        if isinstance(node, ast.arg):
            return parameters.read(self, node, scope)
        if isinstance(node, ast.ExceptHandler):
            return UNKNOWN
        return unpacking.take(self.values(node), binding.path)

    def _starred(self, scope: Scope, name: str) -> Values:
        stars = scope.module.stars
        if name.startswith("_"):
            return NOTHING
        return union(self.imported(star, name, scope.path, is_star=True) for star in stars)

    # ----------------------------------------------------------------- modules

    def module(self, dotted: str) -> Values:
        """A module by its absolute name: one of the package's own, or one from outside."""
        parts = dotted.split(".")
        outside = Ref(normal(dotted))
        if parts[0] in sys.stdlib_module_names:
            return (outside,)  # whatever files the package has beside it
        own = self._own("/".join(parts[1:] if parts[0] == self.package else parts))
        return (own, outside) if own is not None else (outside,)

    def imported(
        self, node: ast.ImportFrom, name: str, path: str, *, is_star: bool = False
    ) -> Values:
        """What `from … import name` brings into the file `path`."""
        if not node.level:
            owners = self.module(node.module or "")
        else:
            package = "." * node.level + (node.module or "")
            inside = f"{package}.{name}" if node.module else f"{package}{name}"
            submodule = self.relative(inside, path)
            if submodule:
                return submodule
            owners = self.relative(package, path)
        found = union(
            self.exported(o, name) if isinstance(o, Own) else self.attribute(o, name)
            for o in owners
        )
        return found if found or is_star else UNKNOWN

    def relative(self, dotted: str, path: str) -> Values:
        """A module of the package by a relative name, `..tools`, as seen from the file `path`."""
        name = dotted.lstrip(".")
        parts = path.split("/")[: -(len(dotted) - len(name))]
        own = self._own("/".join([*parts, *(part for part in name.split(".") if part)]))
        return (own,) if own is not None else NOTHING

    def exported(self, owner: Own, name: str) -> Values:
        """What a module of the package has under a name; nothing where it lacks it."""
        tree = self.trees.get(owner.path)
        if tree is None:
            return UNKNOWN
        if name in tree.module.bindings:
            return self.bound(tree.module, name)
        return self._starred(tree.module, name) if tree.module.stars else NOTHING

    def _own(self, target: str) -> Own | None:
        for path in (f"{target}.py", f"{target}/__init__.py".lstrip("/")):
            if path in self.trees:
                return Own(path)
        return None

    # ------------------------------------------------------------------- calls

    def attribute(self, owner: Value, name: str) -> Values:
        """`owner.name`."""
        return attributes.read(self, owner, name)

    def call(
        self, callee: Value, args: Sequence[Values], keywords: Mapping[str, Values], node: ast.AST
    ) -> Values:
        """`callee(*args, **keywords)`."""
        return calls.read(self, callee, list(args), dict(keywords), node)

    @contextmanager
    def calling(self, scope: Scope, frame: Frame) -> Iterator[bool]:
        """Evaluate inside `scope` with these names bound to these values; False: too deep."""
        if self._nested >= MAX_CALLS or self.is_exhausted:
            yield False
            return
        kept = self._solver.context
        outside = kept.outward(scope.parent) if scope.parent is not None else kept
        self._solver.context = Context(scope, {**outside.frame, **frame}, outside)
        self._nested += 1
        try:
            yield True
        finally:
            self._solver.context = kept
            self._nested -= 1

    def called(self, scope: Scope, key: object, compute: Callable[[], Values]) -> Values:
        """What a call of the function of `scope` gives, computed once per `key`."""
        context = self._solver.context.outward(scope)
        return self._solver.solve((id(scope), key), context, compute)

    def attribute_stores(self, name: str) -> Values:
        """Everything that any object of the package is given as attribute `name`."""
        stores = [tree.attributes[name] for tree in self.trees.values() if name in tree.attributes]
        if not stores:
            return NOTHING
        context = self._solver.context.outmost
        return self._solver.solve(("stores", name), context, partial(self._stored, stores))

    def _stored(self, stores: list[list[tuple[ast.expr, tuple[Step, ...]]]]) -> Values:
        return union(
            unpacking.take(self.values(value), path) for part in stores for value, path in part
        )


def _is_mutable(value: Value) -> bool:
    """Lists, dicts, and bytearrays, which are kept as bytes."""
    return isinstance(value, Seq | Table) or (
        isinstance(value, Const) and isinstance(value.value, bytes)
    )


def _certain(scope: Scope, name: str, line: int) -> bool:
    """Whether a module's name is bound for sure where it is used, so that no builtin is meant."""
    if scope.kind != "module":
        return False
    if name not in BUILTINS:
        return True
    bindings = scope.bindings[name]
    return name not in scope.changed and any(
        not b.is_conditional and _first_line(b) <= line for b in bindings
    )


def _first_line(binding: Binding) -> int:
    node = binding.node
    is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return node.lineno if is_definition else binding.line  # type: ignore[attr-defined]


def _builtin(name: str, is_bound: bool) -> Values:
    if name == "__builtins__":
        return (Ref("builtins"),)
    if (name in BUILTINS and not name.startswith("__")) or name == "__import__":
        return (Ref(f"builtins.{name}"),)
    if name == "__package__":
        return (Ref("__name__"),)
    if name in ("__name__", "__loader__", "__spec__", "get_ipython"):
        return (Ref(name),)
    return NOTHING if is_bound else (Unknown(),)
