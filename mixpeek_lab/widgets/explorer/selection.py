"""Which rows of a view are picked."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixpeek_lab.errors import InvalidInputError

Array = np.ndarray[Any, Any]


class Selection:
    """One flag for each of `total` rows, by row number."""

    def __init__(self, total: int) -> None:
        self.flags: Array = np.zeros(total, dtype=bool)

    def __len__(self) -> int:
        return int(self.flags.sum())

    def apply(self, what: str, rows: Array) -> None:
        """`only` these rows, `add` or `toggle` them, or `none` at all."""
        if what not in ("only", "add", "toggle", "none"):
            raise InvalidInputError(f"Rows are picked with only, add, toggle, none; not {what!r}.")
        if what in ("only", "none"):
            self.flags[:] = False
        if what == "toggle":
            self.flags[rows] = ~self.flags[rows]
        elif what != "none":
            self.flags[rows] = True

    def keep(self, rows: Array) -> None:
        """Forget what is not among these rows."""
        kept = np.zeros_like(self.flags)
        kept[rows] = self.flags[rows]
        self.flags = kept

    def among(self, rows: Array) -> Array:
        """Those of these rows that are picked, in their order."""
        chosen: Array = rows[self.flags[rows]]
        return chosen
