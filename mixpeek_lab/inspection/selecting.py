"""What a view asks of a result, as SQL: filters, search and order, selected rows.

A filter is one of
`{"min": x, "max": y}` (either may be missing), `{"contains": "text"}`, `{"in": ["a", None]}`,
and `{"null": true | false}`: only rows without a value, or only those with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.inspection.columns import Column
from mixpeek_lab.inspection.quoting import literal, quoted

Filter = Mapping[str, Any]
FILTER_KEYS = ("min", "max", "contains", "in", "null")
ROW = "_explorer_row"
"""The column of row numbers: their order is the query's own."""


@dataclass(frozen=True)
class View:
    """Which rows of a result, and in what order. Rows that tie keep the query's order."""

    sort: tuple[tuple[str, str], ...] = ()
    """(column, `asc` or `desc`), the most important first; rows without a value come last."""
    filters: Mapping[str, Filter] = field(default_factory=dict)
    search: str = ""
    """Rows where any column's text holds this, in upper or lower case."""

    @property
    def is_whole(self) -> bool:
        """Whether it is all rows as they came."""
        return not (self.sort or self.filters or self.search)


class Selecting:
    """Turns views of one result into SQL. NotFoundError for a column that it does not have."""

    def __init__(self, query: str, columns: Sequence[Column]) -> None:
        self._query, self._columns = query, {column.name: column for column in columns}

    def column(self, name: str) -> Column:
        """The column of that name."""
        if name not in self._columns:
            raise NotFoundError("column", name, self._columns)
        return self._columns[name]

    def where(self, view: View) -> str:
        """The condition that a view's rows meet; empty where all do."""
        parts = [part for name, each in view.filters.items() for part in self._parts(name, each)]
        if view.search:
            parts.append(self._found(view.search))
        return " AND ".join(parts)

    def order(self, view: View) -> str:
        """What follows ORDER BY; empty where the rows stay as they came."""
        return ", ".join(
            f"{self.column(name).order} {_direction(way)} NULLS LAST" for name, way in view.sort
        )

    def sql(self, view: View) -> str:
        """The view as a query over the result's own query, for anybody to run."""
        where, order = self.where(view), self.order(view)
        if not where and not order:
            return self._query
        clauses = [f"WHERE {where}"] if where else []
        clauses += [f"ORDER BY {order}"] if order else []
        return "\n".join([f"SELECT * FROM ({_indented(self._query)})", *clauses])

    def sql_of_rows(self, rows: Sequence[int], ids: Sequence[str] | None) -> str:
        """Some rows as a query: by `ids`, the rows' `document_id`, or by their numbers.

        Numbers hold while the query gives its rows in the same order.
        """
        if ids is not None:
            named = ", ".join(map(literal, ids)) or "NULL"
            return f"SELECT * FROM ({_indented(self._query)})\nWHERE document_id IN ({named})"
        numbered = f"SELECT row_number() OVER () - 1 AS {ROW}, * FROM ({_indented(self._query)})"
        condition = " OR ".join(_spans(rows)) or "false"
        return f"SELECT * EXCLUDE ({ROW}) FROM ({numbered})\nWHERE {condition}\nORDER BY {ROW}"

    def typed_values(self, view: View) -> Iterator[tuple[Column, str]]:
        """The bounds in the view's filters, to be checked against their column's type."""
        for name, each in view.filters.items():
            for key in ("min", "max"):
                if key in each:
                    yield self.column(name), str(each[key])

    def _parts(self, name: str, given: Filter) -> list[str]:
        column = self.column(name)
        if not given or set(given) - set(FILTER_KEYS):
            raise InvalidInputError(
                f"The filter on {name!r} is {given!r}; it is made of {', '.join(FILTER_KEYS)}."
            )
        return [_condition(column, key, value) for key, value in given.items()]

    def _found(self, text: str) -> str:
        searched = [c.text for c in self._columns.values() if c.kind not in ("vector", "bytes")]
        each = [f"contains(lower({column}), {literal(text.lower())})" for column in searched]
        return f"({' OR '.join(each) or 'false'})"


def _condition(column: Column, key: str, value: Any) -> str:
    name = quoted(column.name)
    if key == "null":
        return f"{name} IS {'' if value else 'NOT '}NULL"
    if key == "contains":
        return f"contains(lower({column.text}), {literal(str(value).lower())})"
    if key == "in":
        return _one_of(column, value)
    sign = ">=" if key == "min" else "<="
    if column.kind == "vector":
        return f"{column.norm} {sign} CAST({literal(str(value))} AS DOUBLE)"
    return f"{name} {sign} CAST({literal(str(value))} AS {column.type})"


def _one_of(column: Column, values: Any) -> str:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidInputError(f"The filter on {column.name!r}: `in` takes a list of values.")
    given = list(values)
    texts = ", ".join(literal(_text(each)) for each in given if each is not None)
    parts = [f"{column.text} IN ({texts})"] if texts else []
    parts += [f"{quoted(column.name)} IS NULL"] if None in given else []
    return f"({' OR '.join(parts) or 'false'})"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _direction(way: str) -> str:
    if way not in ("asc", "desc"):
        raise InvalidInputError(f"A column is sorted 'asc' or 'desc', not {way!r}.")
    return way.upper()


def _indented(query: str) -> str:
    """The query on lines of its own: it may end in a comment."""
    return f"\n  {query}\n"


def _spans(rows: Sequence[int]) -> Iterator[str]:
    """Conditions for row numbers: neighbours as one span, the others as one list."""
    spans: list[list[int]] = []
    for row in sorted(rows):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    single = [str(first) for first, last in spans if first == last]
    if single:
        yield f"{ROW} IN ({', '.join(single)})"
    yield from (f"{ROW} BETWEEN {first} AND {last}" for first, last in spans if first != last)
