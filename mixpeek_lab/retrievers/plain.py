"""Values of documents and traces as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any

from mixpeek_lab.models import JSON


def plain(value: Any) -> JSON:
    """`value` as JSON: times as ISO text, NaN as null, everything unknown as its text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, date):
        return value.isoformat()
    # Numbers and arrays of NumPy say themselves what they are in Python.
    as_python = getattr(value, "tolist", None)
    return plain(as_python()) if as_python else str(value)
