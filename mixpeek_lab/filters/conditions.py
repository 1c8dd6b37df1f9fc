"""The filter itself: conditions in a tree, and what each means for one document."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import FilterError
from mixpeek_lab.filters import templates
from mixpeek_lab.filters.values import Test, found_among, is_held_by, resolve, scalars
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Column = Callable[[str], pa.ChunkedArray[Any] | None]
    Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

NEGATED = {"ne": "eq", "nin": "in"}
"""Operators that are the exact opposite of another one, missing fields included."""


class Filter(ABC):
    """A condition, or several joined. Frozen; equal where they say the same."""

    __slots__ = ()

    @property
    @abstractmethod
    def fields(self) -> frozenset[str]:
        """The dotted names of all fields that the filter looks at."""

    @property
    @abstractmethod
    def is_template(self) -> bool:
        """Whether a value still has `{{…}}`: `render` it before `matches` or `mask`."""

    @abstractmethod
    def each(self, documents: Sequence[Mapping[str, JSON]]) -> list[bool]:
        """Whether each document satisfies the filter. Never raises for odd documents.

        What a condition has to prepare, such as a pattern, it prepares once for all of them.
        """

    def matches(self, document: Mapping[str, JSON]) -> bool:
        """Whether one document satisfies the filter."""
        return self.each([document])[0]

    @abstractmethod
    def mask(self, column: Column, n: int) -> Mask:
        """The same for `n` rows at once: a boolean array of shape (n,).

        `column` gives the Arrow column of a name, or None where there is none. A dotted name
        is asked for as it stands first, then as a path into a struct column.
        """

    @abstractmethod
    def render(self, inputs: Mapping[str, JSON], where: str = "filters") -> Filter:
        """The filter with its templates filled in. Raises InvalidInputError, FilterError."""

    @abstractmethod
    def as_dict(self) -> dict[str, JSON]:
        """The grammar's spelling; `parse_filter` reads it back equal."""


@dataclass(frozen=True, slots=True)
class _Group(Filter):
    parts: tuple[Filter, ...]

    @property
    def fields(self) -> frozenset[str]:
        """See Filter."""
        return frozenset().union(*(part.fields for part in self.parts))

    @property
    def is_template(self) -> bool:
        """See Filter."""
        return any(part.is_template for part in self.parts)

    def render(self, inputs: Mapping[str, JSON], where: str = "filters") -> Filter:
        """See Filter."""
        if not self.is_template:
            return self
        name = _NAMES[type(self)]
        return type(self)(
            tuple(part.render(inputs, f"{where}.{name}[{i}]") for i, part in enumerate(self.parts))
        )

    def as_dict(self) -> dict[str, JSON]:
        """See Filter."""
        return {_NAMES[type(self)]: [part.as_dict() for part in self.parts]}

    def _each(self, documents: Sequence[Mapping[str, JSON]]) -> Iterator[list[bool]]:
        return (part.each(documents) for part in self.parts)

    def _masks(self, column: Column, n: int) -> Iterator[Mask]:
        return (part.mask(column, n) for part in self.parts)


class AllOf(_Group):
    """AND: every part holds. Without parts it holds always."""

    __slots__ = ()

    def each(self, documents: Sequence[Mapping[str, JSON]]) -> list[bool]:
        """See Filter."""
        found = [True] * len(documents)
        for part in self._each(documents):
            found = [one and other for one, other in zip(found, part, strict=True)]
        return found

    def mask(self, column: Column, n: int) -> Mask:
        """See Filter."""
        import numpy as np

        found = np.ones(n, dtype=np.bool_)
        for mask in self._masks(column, n):
            found &= mask
        return found


class AnyOf(_Group):
    """OR: at least one part holds."""

    __slots__ = ()

    def each(self, documents: Sequence[Mapping[str, JSON]]) -> list[bool]:
        """See Filter."""
        found = [False] * len(documents)
        for part in self._each(documents):
            found = [one or other for one, other in zip(found, part, strict=True)]
        return found

    def mask(self, column: Column, n: int) -> Mask:
        """See Filter."""
        import numpy as np

        found = np.zeros(n, dtype=np.bool_)
        for mask in self._masks(column, n):
            found |= mask
        return found


class NoneOf(_Group):
    """NOT: every part is false."""

    __slots__ = ()

    def each(self, documents: Sequence[Mapping[str, JSON]]) -> list[bool]:
        """See Filter."""
        return [not one for one in AnyOf(self.parts).each(documents)]

    def mask(self, column: Column, n: int) -> Mask:
        """See Filter."""
        return ~AnyOf(self.parts).mask(column, n)


_NAMES: dict[type, str] = {AllOf: "AND", AnyOf: "OR", NoneOf: "NOT"}


def join(*filters: Filter | None) -> Filter | None:
    """The filters joined by AND; None where there is none."""
    given = [found for found in filters if found is not None]
    if len(given) < 2:
        return given[0] if given else None
    return AllOf(tuple(given))


@dataclass(frozen=True, slots=True)
class Condition(Filter):
    """One `{field, operator, value, case_sensitive}`. Built by `parse_filter`, which checks it.

    A field that holds a list satisfies a condition when any of its elements does; `ne` and
    `nin` are the opposites of `eq` and `in`. Null counts as missing: a missing field fails
    everything but `ne`, `nin`, `is_null`, `exists: false` and a comparison with null.
    Values of different kinds (text, number, boolean, time) are never equal and have no order;
    a date or timestamp compares with ISO 8601 text, which is UTC unless it says otherwise.
    `contains` looks for a part of a text, and in a list for an element that is equal.
    """

    field: str
    operator: str
    value: JSON = None
    case_sensitive: bool = False

    @property
    def fields(self) -> frozenset[str]:
        """See Filter."""
        return frozenset((self.field,))

    @property
    def is_template(self) -> bool:
        """See Filter."""
        return templates.has_template(self.value)

    @property
    def positive(self) -> tuple[str, bool]:
        """The operator without its negation, and whether the answer is to be turned round."""
        if self.operator == "exists":
            return "is_null", bool(self.value)
        if self.operator == "is_null":
            return "is_null", not self.value
        return NEGATED.get(self.operator, self.operator), self.operator in NEGATED

    @property
    def wants_null(self) -> bool:
        """Whether a missing field satisfies the operator without its negation."""
        operator = self.positive[0]
        if operator == "in":
            return None in self.value
        return operator == "is_null" or (operator == "eq" and self.value is None)

    def each(self, documents: Sequence[Mapping[str, JSON]]) -> list[bool]:
        """See Filter."""
        self._check_rendered()
        values = [resolve(document, self.field) for document in documents]
        test, of_list = self._tests(values)
        return [
            self._holds(value, of_list if isinstance(value, list | tuple) else test)
            for value in values
        ]

    def holds_null(self) -> bool:
        """Whether a missing field satisfies the condition."""
        return self.wants_null != self.positive[1]

    def _holds(self, value: JSON, test: Test) -> bool:
        """Whether the field's `value` (None: missing) satisfies the condition."""
        if value is None:
            return self.holds_null()
        operator, is_negated = self.positive
        if operator == "is_null":
            return is_negated
        return any(test(scalar) for scalar in scalars(value)) != is_negated

    def _tests(self, values: Sequence[JSON]) -> tuple[Test, Test]:
        """The test of one scalar, alone and in a list: `contains` is `eq` there."""
        operator, given, case = self.positive[0], self.value, self.case_sensitive
        if operator == "is_null":
            return bool, bool
        if operator == "regex":
            test = found_among(given, values, case)
            return test, test
        test = is_held_by(operator, given, case)
        return test, is_held_by("eq", given, case) if operator == "contains" else test

    def mask(self, column: Column, n: int) -> Mask:
        """See Filter."""
        from mixpeek_lab.filters.columns import condition_mask

        self._check_rendered()
        return condition_mask(self, column, n)

    def render(self, inputs: Mapping[str, JSON], where: str = "filters") -> Filter:
        """See Filter."""
        if not self.is_template:
            return self
        from mixpeek_lab.filters.grammar import parse_condition

        value = templates.render(self.value, inputs, f"{where}.value")
        return parse_condition({**self.as_dict(), "value": value}, where)

    def as_dict(self) -> dict[str, JSON]:
        """See Filter."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        found: dict[str, JSON] = {"field": self.field, "operator": self.operator, "value": value}
        if self.case_sensitive:
            found["case_sensitive"] = True
        return found

    def _check_rendered(self) -> None:
        if self.is_template:
            raise FilterError(
                f"The filter on {self.field!r} still has the template {self.value!r}: "
                "render it with the query's inputs first."
            )
