"""Cells of tables as JSON: what metadata may hold, whatever library a value came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mixpeek_lab.models import JSON


def plain(value: Any) -> JSON:
    """A cell's value as JSON.

    Missing and infinite values are None, dates are ISO 8601, NumPy's scalars and arrays plain
    numbers and lists, and what JSON has no word for is its text.
    """
    if value is None or _is_missing(value):
        return None
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Decimal):
        return plain(float(value))
    if isinstance(value, bool | int | float):
        return value if not isinstance(value, float) or math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return _plain_container(value)


def clean_text(text: str) -> str:
    """The text with halves of surrogate pairs replaced: no file and no database takes them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return str(text)


def _plain_container(value: Any) -> JSON:
    if isinstance(value, Mapping):
        return {clean_text(str(k)): plain(v) for k, v in value.items()}
    if hasattr(value, "dtype") and getattr(value.dtype, "kind", "") in ("M", "m"):
        return plain(value.astype(str).tolist())  # NumPy's dates turn into integers otherwise
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return clean_text(str(value))


def _is_missing(value: Any) -> bool:
    """NaN, NaT and pandas' NA: what is not equal to itself."""
    if isinstance(value, str | bytes | Mapping | list | tuple | set) or hasattr(value, "shape"):
        return False
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA is neither
        return True
