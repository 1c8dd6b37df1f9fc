"""Rows that know whether the collections they were read from have changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpeek_lab.inspection.pages import Pages

if TYPE_CHECKING:
    from mixpeek_lab.inspection.inspector import Inspector


@dataclass(frozen=True, slots=True)
class State:
    """A collection at one moment: what its last run made, and the changes made to that since."""

    snapshot: str
    changes: int


class LabPages(Pages):
    """The rows of a query over a lab's tables, as they were when they were read."""

    def __init__(self, sql: str, inspector: Inspector) -> None:
        """Errors as for `Pages`."""
        self._sql, self._inspector = sql, inspector
        self._states: Mapping[str, State] = inspector.states(sql)  # before the rows are read

        def register(connection: Any, text: str) -> None:
            inspector.register(connection, text.lower())

        super().__init__(sql, register, lambda: f"\nTables: {', '.join(inspector.names())}")

    def again(self) -> LabPages:
        """The rows of the same query now. Errors as for `Pages`."""
        return LabPages(self._sql, self._inspector)

    def news(self) -> str:
        """What has become of the collections since, in a sentence; empty where nothing has."""
        now = self._inspector.states(self._sql)
        if gone := [name for name in self._states if name not in now]:
            return f"{_named(gone)} no longer there. These are the rows as they were."
        run = [n for n, state in now.items() if self._snapshot(n) != state.snapshot]
        if run:
            return f"{_named(run, 'was', 'were')} run again."
        changed = [n for n, state in now.items() if self._states[n] != state]
        return f"Documents of {' and '.join(changed)} were changed." if changed else ""

    @property
    def is_there(self) -> bool:
        """Whether all collections are there, so that `again` can read them."""
        return set(self._states) <= set(self._inspector.states(self._sql))

    def _snapshot(self, name: str) -> str:
        return self._states[name].snapshot if name in self._states else ""


def _named(names: list[str], one: str = "is", several: str = "are") -> str:
    return f"{' and '.join(names)} {one if len(names) == 1 else several}"
