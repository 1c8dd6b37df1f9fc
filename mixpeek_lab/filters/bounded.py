"""Jinja2's filters whose results may be larger than what they are given, in bounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import wraps
from typing import Any

from jinja2.exceptions import SecurityError

from mixpeek_lab.filters.budget import (
    MOST_ITEMS,
    Names,
    demand_text,
    each_counted,
    settled,
    text_of,
    weighed,
)


def counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose arguments and result are weighed."""

    @wraps(function)  # with Jinja2's marks: which filters get the environment
    def run(*args: Any, **kwargs: Any) -> Any:
        given = [dict(each.values) if isinstance(each, Names) else each for each in args]
        for each in (*given, *kwargs.values()):
            weighed(each)
        return weighed(function(*given, **kwargs))

    return run


def bounded_range(*bounds: int) -> range:
    """`range(…)`, of a size that a template may go through."""
    found = range(*bounds)
    if len(found) > MOST_ITEMS:
        raise SecurityError(f"a range has {MOST_ITEMS:,} numbers at most")
    return found


def _join(values: Iterable[Any], d: Any = "", attribute: str | None = None) -> str:
    listed = [_attribute(each, attribute) for each in each_counted(values)]
    texts = [text_of(weighed(each)) for each in listed]
    demand_text(sum(map(len, texts)) + len(str(d)) * len(texts))
    return str(d).join(texts)


def _attribute(value: Any, name: str | None) -> Any:
    """`value.name`, of a JSON object."""
    return value.get(name) if name is not None and isinstance(value, Mapping) else value


def _round(value: float, precision: int = 0) -> float:
    if not -20 <= precision <= 20:
        raise SecurityError("round takes 20 digits at most")
    return round(float(value), precision)


def demand_replaced(text: Any, old: Any, new: Any) -> None:
    """SecurityError where replacing makes a text too long."""
    text, old, new = str(text), str(old), str(new)
    demand_text(len(text) + (text.count(old) if old else len(text) + 1) * len(new))


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    demand_replaced(text, old, new)
    return str(text).replace(str(old), str(new), -1 if count is None else count)


def _batch(value: Iterable[Any], linecount: int) -> list[list[Any]]:
    listed = list(each_counted(value))
    return [listed[i : i + linecount] for i in range(0, len(listed), max(1, linecount))]


def _sum(values: Iterable[Any], attribute: str | None = None, start: float = 0) -> Any:
    found: Any = start
    for each in each_counted(values):
        value = _attribute(each, attribute)
        if not isinstance(value, int | float):
            raise SecurityError(f"sum adds numbers, not {type(value).__name__}")
        found += value
    return found


def _indent(text: Any, width: int = 4, first: bool = False) -> str:
    lines = str(text).split("\n")
    demand_text(len(str(text)) + len(lines) * max(0, width))
    pad = " " * width
    return (pad if first else "") + ("\n" + pad).join(lines)


def _center(text: Any, width: int = 80) -> str:
    demand_text(width)
    return str(text).center(width)


def _to_json(value: Any, indent: int | None = None) -> str:
    """JSON as it is, without escapes for HTML; times as ISO text."""
    if indent is not None and not 0 <= indent <= 8:
        raise SecurityError("tojson indents by 8 at most")
    value = settled(value)
    if not isinstance(value, str | Mapping | list | tuple | int | float | date | None):
        value = list(each_counted(value))
    return json.dumps(value, ensure_ascii=False, default=_moment, indent=indent)


def _moment(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


BOUNDED: Mapping[str, Callable[..., Any]] = {
    "batch": _batch,
    "center": _center,
    "indent": _indent,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "sum": _sum,
    "tojson": _to_json,
}
"""Filter → what stands in for Jinja2's own."""
