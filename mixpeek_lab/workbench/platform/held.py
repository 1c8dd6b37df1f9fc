"""The namespaces that the worker has the right to work in, new ones as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.serving import ray_session
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.lost import working
from mixpeek_lab.workbench.platform.rollouts import MOST, Rollouts
from mixpeek_lab.workbench.runs import close_lost_runs
from mixpeek_lab.workbench.spaces import Space, Spaces


class HeldSpaces:
    """Each namespace has a worker's lock of its own: whoever looks there sees whether one lives."""

    def __init__(self, home: Home) -> None:
        self._spaces = Spaces(Catalog(home.catalog), home)
        self._lock = threading.Lock()
        self._held: dict[str, tuple[Space, ExitStack]] = {}

    def now(self) -> list[Space]:
        """Those there are, the default one first. What a worker before left is taken up."""
        there = self._spaces.catalog.namespaces()
        with self._lock:
            for each in there:
                if each.namespace_id not in self._held:
                    self._held[each.namespace_id] = _held(self._spaces.open(each))
            for gone in set(self._held).difference(each.namespace_id for each in there):
                self._held.pop(gone)[1].close()
                self._spaces.close(gone)
            return [self._held[each.namespace_id][0] for each in there]


class AllRollouts:
    """The deployments of all namespaces: as many on their way up together as one may have."""

    def __init__(self, make: Callable[[Space], Rollouts]) -> None:
        self._make = make
        self._made: dict[str, Rollouts] = {}

    def step(self, spaces: Sequence[Space]) -> bool:
        """A step of each. False where nothing is under way."""
        for gone in set(self._made).difference(space.namespace_id for space in spaces):
            self._made.pop(gone).abandon()
        for space in spaces:
            if space.namespace_id not in self._made:
                made = self._made[space.namespace_id] = self._make(space)
                made.restore()
        found = False
        for rollouts in self._made.values():
            room = MOST - sum(each.loading for each in self._made.values())
            found |= rollouts.step(room)
        return found


def versions(spaces: Sequence[Space]) -> tuple[object, ...]:
    """Equal on one thread for as long as nothing was written in any of them."""
    return tuple(space.catalog.version for space in spaces)


def _held(space: Space) -> tuple[Space, ExitStack]:
    stack = ExitStack()
    stack.enter_context(working(space.catalog, space.home, ray_session()))
    close_lost_runs(space.catalog, space.home)
    return space, stack
