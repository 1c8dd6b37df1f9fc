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


@dataclass(frozen=True, slots=True)
class News:
    """What has become of collections since their rows were read."""

    told: str = ""
    """A sentence; empty where nothing has."""
    can_renew: bool = True
    """Whether all of them are there, so that `again` can read them."""


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

    def news(self) -> News:
        """What has become of the collections since."""
        then, now = self._states, self._inspector.states(self._sql)
        if gone := [name for name in then if name not in now]:
            told = f"{_named(gone)} no longer there. These are the rows as they were."
            return News(told, can_renew=False)
        if run := [n for n in now if n not in then or then[n].snapshot != now[n].snapshot]:
            return News(f"{_named(run, 'was', 'were')} run again.")
        changed = [name for name, state in now.items() if then[name] != state]
        return News(f"Documents of {' and '.join(changed)} were changed." if changed else "")


def _named(names: list[str], one: str = "is", several: str = "are") -> str:
    return f"{' and '.join(names)} {one if len(names) == 1 else several}"
