"""Parts of values: elements, items, what a target of an assignment gets."""

from __future__ import annotations

from mixpeek_lab.lint.names import folding
from mixpeek_lab.lint.names.folding import NotFoldedError
from mixpeek_lab.lint.names.scopes import Step
from mixpeek_lab.lint.names.values import (
    UNKNOWN,
    Const,
    NotConstantError,
    Ref,
    Seq,
    Table,
    Value,
    Values,
    constant,
    python,
    union,
)

MAX_ELEMENTS = 512
PATH = Ref("pathlib.Path()")


def item(owner: Value, key: Value) -> Values:
    """`owner[key]` for what is known element by element."""
    if isinstance(owner, Table):
        if not isinstance(key, Const):
            return union([*(value for _, value in owner.entries), UNKNOWN])
        found = [value for name, value in owner.entries if name in (key, Const(None))]
        return union(found) if found else UNKNOWN
    if isinstance(owner, Seq):
        if isinstance(key, Const) and isinstance(key.value, int) and owner.kind != "set":
            at = key.value
            return owner.items[at] if -len(owner.items) <= at < len(owner.items) else UNKNOWN
        return union([*owner.items, UNKNOWN])
    try:
        return constant(folding.item(python(owner), python(key)))
    except (NotConstantError, NotFoldedError):
        return UNKNOWN


def known_elements(values: Values) -> list[Values] | None:
    """The elements of a thing that is iterated over, in order; None where they are not known."""
    if len(values) != 1:
        return None
    value = values[0]
    if isinstance(value, Seq):
        return list(value.items)
    if isinstance(value, Table):
        return [(key,) for key, _ in value.entries]
    if isinstance(value, Const) and isinstance(value.value, str | bytes):
        return [constant(part) for part in value.value[:MAX_ELEMENTS]]
    return None


def take(values: Values, path: tuple[Step, ...]) -> Values:
    """The part of a value that a target gets: `a, (b, *c) = value`."""
    for step in path:
        values = _step(values, step)
    return values


def _step(values: Values, step: Step) -> Values:
    if step == "enter":
        return union((v,) if v == PATH else UNKNOWN for v in values)
    found: list[Values] = []
    for value in values:
        elements = known_elements((value,))
        if elements is None:
            found.append((PATH,) if value == PATH and step == "each" else UNKNOWN)
        elif step == "each":
            found.extend(elements)
        elif step == "rest":
            anything = union([*elements, UNKNOWN])
            found.append((Seq((anything,) * len(elements)),))
        else:
            found.append(item(Seq(tuple(elements)), Const(step)))
    return union(found) if found else UNKNOWN
