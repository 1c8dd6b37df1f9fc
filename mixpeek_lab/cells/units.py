"""A cell cut into its top-level statements, with the names that each one makes and needs."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mixpeek_lab.errors import SourceError
from mixpeek_lab.source import python_lines

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


@dataclass(frozen=True, slots=True)
class Unit:
    """One top-level statement (or several that share a line). Lines count from 1, inclusive."""

    index: int
    lead: int
    """First line of the blank lines and comments above it, which travel with it."""
    start: int
    last: int
    statements: tuple[ast.stmt, ...]
    binds: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    """Names made elsewhere whose value it changes: `features.append(…)`."""
    rebinds: frozenset[str] = frozenset()
    """Names that its functions rebind through `global`."""

    @property
    def touches(self) -> frozenset[str]:
        """The names whose value depends on it."""
        return self.binds | self.changes | self.rebinds

    @property
    def is_docstring(self) -> bool:
        """Whether it is the string at the top of the cell."""
        return self.index == 0 and _is_string(self.statements[0]) and len(self.statements) == 1

    @property
    def is_future(self) -> bool:
        """Whether it is `from __future__ import …`."""
        return all(
            isinstance(node, ast.ImportFrom) and node.module == "__future__"
            for node in self.statements
        )

    @property
    def is_import(self) -> bool:
        """Whether it does nothing but import, under a condition or not."""
        return all(_only_imports(node) for node in self.statements)

    @property
    def is_string(self) -> bool:
        """Whether it is a bare string: a comment in effect."""
        return all(_is_string(node) for node in self.statements)


def read_units(tree: ast.Module, text: str) -> tuple[Unit, ...]:
    """Cut a cell into units, in order. Together they hold every line of it."""
    lines = python_lines(text)
    units: list[Unit] = []
    for node in tree.body:
        start, last = _first_line(node), node.end_lineno or node.lineno
        if units and start <= units[-1].last:
            before = units[-1]
            units[-1] = replace(before, last=last, statements=(*before.statements, node))
            continue
        lead = 1
        if units:
            units[-1] = replace(units[-1], last=_with_own_comments(lines, units[-1].last, start))
            lead = units[-1].last + 1
        units.append(Unit(len(units), lead, start, last, (node,)))
    if units:
        units[-1] = replace(units[-1], last=_last_written(lines, units[-1].last))
    return tuple(_named(unit, lines) for unit in units)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _with_own_comments(lines: list[str], last: int, following: int) -> int:
    """A block's indented comments at its end belong to it, not to what follows."""
    indented = [n for n in range(last + 1, following) if lines[n - 1][:1] in " \t"]
    written = [n for n in indented if lines[n - 1].strip()]
    return written[-1] if written else last


def _last_written(lines: list[str], last: int) -> int:
    return max([last, *(n for n in range(last + 1, len(lines) + 1) if lines[n - 1].strip())])


# ------------------------------------------------------------------------------ names


def _named(unit: Unit, lines: list[str]) -> Unit:
    table = _symbols("".join(lines[unit.start - 1 : unit.last]))
    binds = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    uses = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    rebinds: set[str] = set()
    for scope in _scopes(table):
        for symbol in scope.get_symbols():
            if symbol.is_global() or (scope.get_type() == "class" and symbol.is_referenced()):
                uses.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                rebinds.add(symbol.get_name())
    for node in unit.statements:
        uses.update(_names_in_annotations(node))
    changes = _changes(unit, frozenset(uses))
    uses |= changes
    return replace(
        unit,
        binds=frozenset(binds),
        uses=frozenset(uses),
        changes=frozenset(changes - binds),
        rebinds=frozenset(rebinds),
    )


def _symbols(code: str) -> symtable.SymbolTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(code, "<cell>", "exec")


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)


def _names_in_annotations(node: ast.AST) -> Iterator[str]:
    """Names inside annotations that are written as strings."""
    for inner in ast.walk(node):
        for annotation in (getattr(inner, "annotation", None), getattr(inner, "returns", None)):
            if isinstance(annotation, ast.expr):
                yield from _names_in_strings(annotation)


def _names_in_strings(annotation: ast.expr) -> Iterator[str]:
    for part in ast.walk(annotation):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                inner = ast.parse(part.value, mode="eval")
            except (SyntaxError, ValueError):
                continue
            yield from (n.id for n in ast.walk(inner) if isinstance(n, ast.Name))


def _changes(unit: Unit, uses: frozenset[str]) -> set[str]:
    """Names whose value the unit changes when it runs."""
    found: set[str] = set()
    for node in unit.statements:
        if isinstance(node, _BLOCKS) and not unit.is_import:
            found |= uses
        if isinstance(node, ast.Assert):
            found |= uses
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found |= _changed_by_call(node.value)
        for inner in _immediate(node):
            if isinstance(inner, ast.Attribute | ast.Subscript) and not isinstance(
                inner.ctx, ast.Load
            ):
                found |= {name for name in [base_name(inner)] if name}
            if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                found.add(inner.target.id)
            if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
                found |= {name for name in [base_name(inner.value.func)] if name}
    return found


def _changed_by_call(call: ast.Call) -> set[str]:
    """`features.append(x)` changes features; `random.shuffle(features)` may, as any argument."""
    parts: list[ast.expr] = [*call.args, *(keyword.value for keyword in call.keywords)]
    names = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
    base = base_name(call.func) if isinstance(call.func, ast.Attribute) else None
    return {base} | names if base else names


def base_name(node: ast.expr) -> str | None:
    """`a` of `a.b["c"].d(…)`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _immediate(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the statement does: not the bodies of functions."""
    yield node
    if not isinstance(node, _FUNCTIONS):
        for child in ast.iter_child_nodes(node):
            yield from _immediate(child)


# ------------------------------------------------------------------------------ kinds


def _is_string(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _only_imports(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return not isinstance(node, ast.Pass)
    if not isinstance(node, ast.If | ast.Try):
        return False
    body = [inner for inner in ast.walk(node) if isinstance(inner, ast.stmt) and inner is not node]
    has_import = any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in body)
    return has_import and all(_harmless_beside_imports(inner) for inner in body)


def _harmless_beside_imports(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Constant) and all(
            isinstance(target, ast.Name) for target in node.targets
        )
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.If | ast.Try)


def refuse_unsplittable(tree: ast.Module) -> None:
    """Refuse what cannot be cut into files: star imports, relative imports, `del`, scripts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise SourceError(
                f"Line {node.lineno}: `{ast.unparse(node)}` is relative, but one cell holds the "
                "whole extractor: use the name directly, or write one cell per file."
            )
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            raise SourceError(
                f"Line {node.lineno}: `{ast.unparse(node)}` does not say what it imports. "
                "Name what you use."
            )
    for node in tree.body:
        if isinstance(node, ast.Delete):
            raise SourceError(
                f"Line {node.lineno}: `{ast.unparse(node)}` cannot be moved into a file safely. "
                "Remove it."
            )
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            raise SourceError(
                f"Line {node.lineno}: `if {ast.unparse(node.test)}` never runs in an extractor. "
                "Put it into a cell of its own."
            )
