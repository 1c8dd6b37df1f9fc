"""How values of documents are ordered and told apart, for stages that sort, group and count."""

from __future__ import annotations

import json
from datetime import date
from math import isnan
from typing import Literal

from mixpeek_lab.filters.values import as_number, nanoseconds
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.plain import plain

Direction = Literal["asc", "desc"]


def order_key(value: JSON) -> tuple[int, float, str] | None:
    """A value's place among others: booleans, numbers, times, texts, all else as JSON text.

    None for what has no place: null and NaN.
    """
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    if isinstance(value, bool):
        return 0, float(value), ""
    if isinstance(value, date):
        return 2, nanoseconds(value), ""
    number = as_number(value)
    if number is not None:
        if number != number:  # NaN of another type
            return None
        return 1, number, ""  # type: ignore[return-value]  # whole numbers stay exact
    return (3, 0.0, value) if isinstance(value, str) else (4, 0.0, identity(value))


def identity(value: JSON) -> str:
    """A text that is the same for equal values alone: 1 and 1.0 are, 1, true and "1" are not."""
    number = as_number(value)
    if isinstance(number, float) and number.is_integer():
        value = int(number)
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False)
