"""What an expression can be, as far as its text tells: a few values, one of them perhaps unknown.

An expression has several values where its name is bound in several places. All of them count: it
is enough for a finding that one of them is dangerous.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mixpeek_lab.lint.names.dotted import CLOSED

if TYPE_CHECKING:
    from mixpeek_lab.lint.names.scopes import Scope

MAX_VALUES = 24
"""Values of one expression that are followed; beyond them it is unknown."""
MAX_WEIGHT = 2_000
"""Parts of all values of one expression together."""


@dataclass(frozen=True, slots=True)
class Const:
    """A string, bytes, number, bool or None."""

    value: str | bytes | int | float | complex | None
    is_bool: bool = False
    """Keeps True and 1 apart, which are equal."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Something from outside the package, by its full name: `os.system`, `pathlib.Path()`."""

    name: str


@dataclass(frozen=True, slots=True)
class Seq:
    """A list, tuple, set or iterator whose elements the text tells, in order."""

    items: tuple[Values, ...]
    kind: str = "list"
    weight: int = field(init=False, compare=False, default=1)
    digest: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        _weigh(self, self.items, self.kind)

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True)
class Table:
    """A dict whose keys the text tells."""

    entries: tuple[tuple[Const, Values], ...]
    weight: int = field(init=False, compare=False, default=1)
    digest: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        _weigh(self, [values for _, values in self.entries])

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True)
class Func:
    """A function or lambda of the package."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope = field(repr=False)
    """The scope of its body."""


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the package."""

    node: ast.ClassDef
    scope: Scope = field(repr=False)


@dataclass(frozen=True, slots=True)
class Object:
    """An instance of a class of the package."""

    of: Class


@dataclass(frozen=True, slots=True)
class Own:
    """A module of the package, by its path."""

    path: str


@dataclass(frozen=True, slots=True)
class Space:
    """The namespace of a thing as a dict: `vars(os)`, `os.__dict__`, `globals()`."""

    of: Ref | Own


@dataclass(frozen=True, slots=True)
class Getter:
    """`operator.attrgetter(…)`, `itemgetter(…)` or `methodcaller(…)`."""

    kind: str
    names: tuple[Values, ...]
    weight: int = field(init=False, compare=False, default=1)
    digest: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        _weigh(self, self.names, self.kind)

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True)
class Partial:
    """A call of which some arguments are known already."""

    callee: Values
    args: tuple[Values, ...]
    keywords: tuple[tuple[str, Values], ...] = ()
    weight: int = field(init=False, compare=False, default=1)
    digest: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        _weigh(self, [self.callee, *self.args, *(values for _, values in self.keywords)])

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of a known value: `"a".join`, `vars(os).get`, `sys.modules.get`."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What only running the code would tell. A string's beginning may be known."""

    prefix: str = ""


Value: TypeAlias = (
    Const | Ref | Seq | Table | Func | Class | Object | Own | Space | Getter | Partial | Bound
    | Unknown
)  # fmt: skip
Values: TypeAlias = tuple[Value, ...]


def _weigh(value: object, parts: Sequence[Values], kind: str = "") -> None:
    """Count the parts that a value is made of and hash them, once: values are made of values."""
    weight = 1
    for part in parts:
        for inner in part:
            weight += inner.weight if isinstance(inner, _COMPOSITE) else 1
    object.__setattr__(value, "weight", weight)
    object.__setattr__(value, "digest", hash((type(value), kind, tuple(parts))))


UNKNOWN: Values = (Unknown(),)
NOTHING: Values = ()
_COMPOSITE = (Seq, Table, Getter, Partial)


def union(parts: Iterable[Values]) -> Values:
    """All values of all parts, each once; Unknown among them where there are too many."""
    found: dict[Value, None] = {}
    for part in parts:
        for value in part:
            found[value] = None
    if len(found) > MAX_VALUES:
        first = sorted(found, key=_is_harmless)  # what matters is kept
        return (*first[:MAX_VALUES], Unknown())
    return tuple(found)


def _is_harmless(value: Value) -> int:
    if isinstance(value, Ref):
        return 0 if value.name.split(".")[0] in CLOSED else 2
    return 2 if isinstance(value, Const | Unknown | Object) else 1


def tells(value: Value) -> bool:
    """Whether it matters that a function is given just this: a tensor or a number does not."""
    if isinstance(value, Const):
        return isinstance(value.value, str | bytes)
    if isinstance(value, Ref):
        return not value.name.endswith(")") or value.name.startswith("pathlib.")
    return not isinstance(value, Unknown | Object)


def weight_of(values: Values) -> int:
    """Parts that the values are made of."""
    total = len(values)
    for value in values:
        if isinstance(value, _COMPOSITE):
            total += value.weight - 1
    return total


def bounded(values: Values) -> Values:
    """The values, those of too many parts being unknown: `x = (x, x)` in a loop."""
    if weight_of(values) <= MAX_WEIGHT:
        return values
    total, kept = 0, []
    for value in values:
        total += weight_of((value,))
        kept.append((value,) if total <= MAX_WEIGHT else UNKNOWN)
    return union(kept)


def is_unknown(values: Values) -> bool:
    """Whether the expression may be something that the text does not tell."""
    return not values or any(isinstance(value, Unknown) for value in values)


def constant(value: object) -> Values:
    """The values of a Python constant or a container of them; UNKNOWN for anything else."""
    if isinstance(value, bool):
        return (Const(value, is_bool=True),)
    if isinstance(value, bytearray):
        return (Const(bytes(value)),)
    if value is None or isinstance(value, str | bytes | int | float | complex):
        return (Const(value),)
    if isinstance(value, dict):
        entries = [(constant(key), constant(item)) for key, item in value.items()]
        if all(isinstance(key[0], Const) for key, _ in entries):
            return (Table(tuple((key[0], item) for key, item in entries)),)  # type: ignore[misc]
        return UNKNOWN
    if isinstance(value, list | tuple | set | frozenset):
        kind = "set" if isinstance(value, set | frozenset) else type(value).__name__
        return (Seq(tuple(constant(item) for item in value), kind),)
    return UNKNOWN


class NotConstantError(ValueError):
    """A value is not made of constants alone, or is one of several."""


def python(value: Value) -> object:
    """The Python value of a constant or a container of constants; else NotConstantError."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Seq):
        items = [_single(item) for item in value.items]
        return tuple(items) if value.kind == "tuple" else items
    if isinstance(value, Table):
        return {key.value: _single(item) for key, item in value.entries}
    raise NotConstantError


def _single(values: Values) -> object:
    if len(values) != 1:
        raise NotConstantError
    return python(values[0])
