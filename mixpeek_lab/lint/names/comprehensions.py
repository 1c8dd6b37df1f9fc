"""Comprehensions, done round by round where what they go over is known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mixpeek_lab.lint.names.unpacking import MAX_ELEMENTS, known_elements, take
from mixpeek_lab.lint.names.values import UNKNOWN, Const, Seq, Table, Unknown, Values, constant

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.evaluator import Evaluator


def read(ev: Evaluator, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Values:
    """The list, set or iterator that a comprehension makes."""
    items = [ev_values[0] for ev_values in _rounds(ev, node, [node.elt]) or ()]
    if items:
        return (Seq(tuple(items), "set" if isinstance(node, ast.SetComp) else "list"),)
    return (Seq((ev.values(node.elt),) * 4, "set"), Unknown())


def read_dict(ev: Evaluator, node: ast.DictComp) -> Values:
    """The dict that a comprehension makes."""
    entries: list[tuple[Const, Values]] = []
    for keys, values in _rounds(ev, node, [node.key, node.value]) or ():
        entries.extend((key if isinstance(key, Const) else Const(None), values) for key in keys)
    return (Table(tuple(entries)),) if entries else UNKNOWN


def _rounds(ev: Evaluator, node: Any, wanted: list[ast.expr]) -> list[list[Values]] | None:
    """The wanted expressions for each round of a comprehension over known elements, else None."""
    found: list[list[Values]] = []
    scope = ev.inner(node)

    def go(position: int, frame: dict[tuple[int, str], Values]) -> bool:
        with ev.calling(scope, frame) as is_followed:
            if not is_followed or len(found) > MAX_ELEMENTS:
                return False
            if position == len(node.generators):
                found.append([ev.values(part) for part in wanted])
                return True
            generator = node.generators[position]
            elements = known_elements(ev.values(generator.iter))
            if elements is None or not _keeps_all(ev, generator.ifs):
                return False
            for element in elements:
                inner = {(id(scope), n): v for n, v in _targets(generator.target, element)}
                if not go(position + 1, {**frame, **inner}):
                    return False
            return True

    return found if go(0, {}) else None


def _keeps_all(ev: Evaluator, conditions: list[ast.expr]) -> bool:
    return all(ev.values(condition) == constant(True) for condition in conditions)


def _targets(target: ast.expr, values: Values) -> Iterator[tuple[str, Values]]:
    if isinstance(target, ast.Name):
        yield target.id, values
    elif isinstance(target, ast.Tuple | ast.List):
        for index, part in enumerate(target.elts):
            yield from _targets(part, take(values, (index,)))
