"""Reads the scopes of a file off its tree, in one walk."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mixpeek_lab.lint.names.scopes import (
    CHANGING,
    Binding,
    Function,
    Kind,
    Scope,
    Step,
    Tree,
    children,
    iter_arguments,
)

_LOOKED_AT = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.JoinedStr, ast.Constant,
)  # fmt: skip
_BLOCKS = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.With, ast.AsyncWith,
    ast.Match, ast.IfExp, ast.BoolOp, ast.ExceptHandler,
)  # fmt: skip
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def collect(path: str, tree: ast.Module) -> Tree:
    """The scopes of one parsed file."""
    found = Tree(path, Scope("module", path, tree, None))
    _Collector(found).body(tree, found.module)
    return found


@dataclass(slots=True)
class _Collector:
    tree: Tree
    depth: int = 0
    """Blocks around that may not run."""
    loops: int = 0

    def body(self, node: ast.AST, scope: Scope) -> None:
        for child in children(node):
            self.tree.parents[id(child)] = node
            self.visit(child, scope)

    def visit(self, node: ast.AST, scope: Scope) -> None:
        kind = type(node)
        if kind in _LOOKED_AT:
            self.tree.scope_of[id(node)] = scope
            if kind is not ast.Constant:
                self.tree.looked_at.append(node)  # type: ignore[arg-type]
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, node, scope)
        elif kind in _BLOCKS:
            self.block(node, scope)
        else:
            self.body(node, scope)

    def block(self, node: ast.AST, scope: Scope) -> None:
        loops = isinstance(node, _LOOPS)
        self.depth, self.loops = self.depth + 1, self.loops + loops
        if isinstance(node, ast.For | ast.AsyncFor):
            self.target(node.target, node.iter, scope, ("each",))
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None:
                    self.target(item.optional_vars, item.context_expr, scope, ("enter",))
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self.bind(node.name, node, scope)
        elif isinstance(node, ast.Match):
            self.patterns(node, scope)
        self.body(node, scope)
        self.depth, self.loops = self.depth - 1, self.loops - loops

    def patterns(self, node: ast.Match, scope: Scope) -> None:
        for case in node.cases:
            for part in ast.walk(case.pattern):
                if isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                    # Any part of the subject, or all of it.
                    self.bind(part.name, node.subject, scope)
                    self.bind(part.name, node.subject, scope, ("each",))

    def bind(
        self, name: str, node: ast.AST, scope: Scope, path: tuple[Step, ...] = (),
        alias: ast.alias | None = None,
    ) -> None:  # fmt: skip
        line: int = getattr(node, "end_lineno", 0) or 0
        scope.bind(name, Binding(node, path, line, self.depth > 0, self.loops > 0, alias))

    def target(
        self, target: ast.expr, value: ast.AST, scope: Scope, path: tuple[Step, ...] = ()
    ) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, value, scope, path)
        elif isinstance(target, ast.Starred):
            self.target(target.value, value, scope, (*path, "rest"))
        elif isinstance(target, ast.Tuple | ast.List):
            stars = [i for i, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
            for index, part in enumerate(target.elts):
                after = bool(stars) and index > stars[0]
                step = index - len(target.elts) if after else index
                is_rest = isinstance(part, ast.Starred)
                self.target(part, value, scope, path if is_rest else (*path, step))
        elif isinstance(target, ast.Attribute) and isinstance(value, ast.expr):
            self.tree.attributes.setdefault(target.attr, []).append((value, path))
        elif isinstance(target, ast.Subscript):
            self.changed(target, scope)

    def changed(self, node: ast.AST, scope: Scope) -> None:
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        if isinstance(node, ast.Name):
            scope.changed.add(node.id)
            scope.module.changed.add(node.id)

    # ------------------------------------------------------------ statements

    def assign(self, node: ast.Assign, scope: Scope) -> None:
        for target in node.targets:
            self.target(target, node.value, scope)
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Name | ast.Attribute):
                self.tree.renamed.setdefault(_last(node.value), set()).add(target.id)
        self.body(node, scope)

    def annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.target(node.target, node.value, scope)
        self.body(node, scope)

    def augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, node, scope)
            self.tree.scope_of[id(node)] = scope
        else:
            self.changed(node.target, scope)
        self.body(node, scope)

    def walrus(self, node: ast.NamedExpr, scope: Scope) -> None:
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        self.target(node.target, node.value, scope)

    def named(self, node: ast.NamedExpr, scope: Scope) -> None:
        self.walrus(node, scope)
        self.body(node, scope)

    def delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            self.changed(target, scope)
        self.body(node, scope)

    def imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            if alias.name == "*" and isinstance(node, ast.ImportFrom):
                scope.module.stars.append(node)
            else:
                self.bind(name, node, scope, alias=alias)

    def outer(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        for name in node.names:
            if isinstance(node, ast.Global):
                scope.outer[name] = scope.module
            else:
                around = scope.parent
                while around and (around.kind == "class" or name not in around.bindings):
                    around = around.parent
                scope.outer[name] = around or scope.module

    def returned(self, node: ast.Return, scope: Scope) -> None:
        if node.value is not None:
            scope.returns.append(node.value)
        self.body(node, scope)

    def yielded(self, node: ast.Yield | ast.YieldFrom, scope: Scope) -> None:
        scope.yields.append(node.value or ast.Constant(None))
        self.body(node, scope)

    # ----------------------------------------------------------- definitions

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        self.bind(node.name, node, scope)
        for part in (*node.decorator_list, *_defaults(node.args), *_annotations(node)):
            self.tree.parents[id(part)] = node
            self.visit(part, scope)
        inner = self.opened("function", node, scope)
        self.parameters(node, inner)
        self.inside(node.body, node, inner)

    def lambda_(self, node: ast.Lambda, scope: Scope) -> None:
        for part in _defaults(node.args):
            self.tree.parents[id(part)] = node
            self.visit(part, scope)
        inner = self.opened("function", node, scope)
        self.parameters(node, inner)
        inner.returns.append(node.body)
        self.inside([node.body], node, inner)

    def class_(self, node: ast.ClassDef, scope: Scope) -> None:
        self.bind(node.name, node, scope)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.tree.parents[id(part)] = node
            self.visit(part, scope)
        self.inside(node.body, node, self.opened("class", node, scope))

    def opened(self, kind: Kind, node: ast.AST, scope: Scope) -> Scope:
        inner = Scope(kind, scope.path, node, scope)
        self.tree.inner[id(node)] = inner
        self.tree.scope_of[id(node)] = scope
        return inner

    def inside(self, nodes: list[Any], node: ast.AST, scope: Scope) -> None:
        depth, loops = self.depth, self.loops
        self.depth = self.loops = 0
        for part in nodes:
            self.tree.parents[id(part)] = node
            self.visit(part, scope)
        self.depth, self.loops = depth, loops

    def parameters(self, node: Function, scope: Scope) -> None:
        for argument in iter_arguments(node.args):
            self.bind(argument.arg, argument, scope)
            self.tree.parents[id(argument)] = node

    def comprehension(self, node: Any, scope: Scope) -> None:
        inner = self.opened("comprehension", node, scope)
        for generator in node.generators:
            self.target(generator.target, generator.iter, inner, ("each",))
        first = node.generators[0]
        for child in children(node):
            self.tree.parents[id(child)] = node
            if child is not first:
                self.visit(child, inner)
        # The first iterable is evaluated outside: `[os.name for os in [os]]`.
        self.body(ast.Tuple([first.iter], ast.Load()), scope)
        self.body(ast.Tuple([first.target, *first.ifs], ast.Load()), inner)
        for child in children(first):
            self.tree.parents[id(child)] = first

    def call(self, node: ast.Call, scope: Scope) -> None:
        self.tree.calls.setdefault(_last(node.func), []).append(node)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            inner = argument.value if isinstance(argument, ast.Starred) else argument
            if isinstance(inner, ast.Name | ast.Attribute | ast.Lambda):
                self.tree.passed.setdefault(_last(inner), []).append(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            self.changed(node.func.value, scope)
        self.body(node, scope)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return f"<{id(node)}>" if isinstance(node, ast.Lambda) else ""


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    found = [a.annotation for a in iter_arguments(node.args) if a.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


_HANDLERS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Assign: _Collector.assign,
    ast.AnnAssign: _Collector.annotated,
    ast.AugAssign: _Collector.augmented,
    ast.NamedExpr: _Collector.named,
    ast.Delete: _Collector.delete,
    ast.Import: _Collector.imports,
    ast.ImportFrom: _Collector.imports,
    ast.Global: _Collector.outer,
    ast.Nonlocal: _Collector.outer,
    ast.Return: _Collector.returned,
    ast.Yield: _Collector.yielded,
    ast.YieldFrom: _Collector.yielded,
    ast.FunctionDef: _Collector.function,
    ast.AsyncFunctionDef: _Collector.function,
    ast.Lambda: _Collector.lambda_,
    ast.ClassDef: _Collector.class_,
    ast.ListComp: _Collector.comprehension,
    ast.SetComp: _Collector.comprehension,
    ast.DictComp: _Collector.comprehension,
    ast.GeneratorExp: _Collector.comprehension,
    ast.Call: _Collector.call,
}
