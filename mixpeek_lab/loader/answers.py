"""What services answer, as Python's own values: arrays as lists, numbers as floats, all as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NoReturn

from mixpeek_lab.models import JSON

SHOWN = 120
"""Characters of an answer that an error quotes."""

Breach = Callable[[str], NoReturn]
"""Raises: what is wrong with the answer."""


def as_json(breach: Breach, value: Mapping[str, Any]) -> dict[str, JSON]:
    """An answer as JSON: arrays become lists. A breach where JSON cannot hold it."""
    try:
        found: dict[str, JSON] = _json_of(breach, value, "")
    except RecursionError:
        breach("it contains itself, or is nested too deeply for JSON")
    return found


def _json_of(breach: Breach, value: Any, where: str) -> JSON:
    value = listed(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return number_in(breach, value, where)
    if isinstance(value, Mapping):
        return {
            str(key): _json_of(breach, entry, f"{where}.{key}" if where else str(key))
            for key, entry in value.items()
        }
    if not isinstance(value, list):
        breach(f"{where} is {kind_of(value)}, which JSON cannot hold")
    return [_json_of(breach, entry, f"{where}[{i}]") for i, entry in enumerate(value)]


def number_in(breach: Breach, value: Any, where: str) -> float:
    """A finite number, whichever library's. A breach where it is none."""
    value = plain_value(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        breach(f"{where} is {value!r:.40}, not a number")
    number = float(value)
    if not math.isfinite(number):
        breach(f"{where} is {number}, not a finite number")
    return number


def listed(value: Any) -> Any:
    """NumPy's arrays and numbers, torch's tensors and tuples as lists and numbers of Python."""
    if isinstance(value, tuple):
        return list(value)
    return plain_value(value)


def plain_value(value: Any) -> Any:
    """A number or array of NumPy or torch as Python's own; anything else as it is."""
    as_python = getattr(value, "tolist", None)
    return as_python() if callable(as_python) else value


def kind_of(value: Any) -> str:
    """For errors: `null`, or `of type str`."""
    return "null" if value is None else f"of type {type(value).__name__}"


def many(number: int, noun: str) -> str:
    """`1 score`, `2 scores`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown(answer: Mapping[str, Any]) -> str:
    """An answer for an error, cut where it is long."""
    try:
        text = repr(dict(answer))
    except Exception as error:  # noqa: BLE001 - a __repr__ of the user's
        text = f"an object that cannot be shown ({type(error).__name__})"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
