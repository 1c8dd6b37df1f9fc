"""Where a map's view stands."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from mixpeek_lab.errors import InvalidInputError

HOME_VIEW = {"x": 0.0, "y": 0.0, "zoom": 1.0}
LEAST_ZOOM, MOST_ZOOM = 0.2, 100_000.0


def checked_view(view: Mapping[str, Any]) -> dict[str, float]:
    """`{x, y, zoom}` as numbers. InvalidInputError for what is none, or names anything else."""
    unknown = sorted(set(view) - set(HOME_VIEW))
    if unknown:
        raise InvalidInputError(f"view: {unknown[0]!r} is none of x, y, zoom.")
    for name, value in view.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise InvalidInputError(f"view: {name} must be a number; it is {value!r}.")
    zoom = min(max(float(view["zoom"]), LEAST_ZOOM), MOST_ZOOM)
    return {"x": float(view["x"]), "y": float(view["y"]), "zoom": zoom}
