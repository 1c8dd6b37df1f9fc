"""The backends of the namespaces beside the default one, in the gateway's replica."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mixpeek_lab.catalog import DEFAULT, Catalog, Namespace
from mixpeek_lab.errors import LabError
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.spaces import Spaces

if TYPE_CHECKING:
    from mixpeek_lab.workbench.backend import Backend


log = logging.getLogger(__name__)


class OtherBackends:
    """Backends by namespace: each is made when it is first asked, and kept while it is there."""

    def __init__(self, catalog: Catalog, home: Home, make: Callable[[Path], Backend]) -> None:
        """`catalog` and `home` are the default one's; `make` gives the backend of a home."""
        self.spaces, self._make = Spaces(catalog, home), make
        self._lock = threading.Lock()
        self._made: dict[str, Backend] = {}
        self._known: tuple[object, dict[str, Namespace]] = (None, {})

    def all(self) -> list[Backend]:
        """One for each namespace that can be opened. Deleted ones are cleared away first."""
        self.spaces.clear()
        there = [each for each in self.spaces.catalog.namespaces() if not each.is_default]
        return [found for each in there if (found := self._opened(each)) is not None]

    def _opened(self, namespace: Namespace) -> Backend | None:
        """None where it cannot be: whoever asks for it is told, and the others go on."""
        try:
            return self._of(namespace)
        except LabError as error:
            log.warning("namespace %r is left out: %s", namespace.name, error)
            return None

    async def find(self, name_or_id: str) -> Backend | None:
        """The backend of that namespace; None for the default one. NotFoundError.

        On the event loop alone: what it knows is asked anew where the catalog has changed.
        """
        if name_or_id == DEFAULT:
            return None
        version = self.spaces.catalog.version
        if self._known[0] != version:
            self._known = version, self._look()
        found = self._known[1].get(name_or_id) or self.spaces.find(name_or_id)
        if found.is_default:
            return None
        made = self._made.get(found.namespace_id)
        return made or await asyncio.to_thread(self._of, found)

    def _look(self) -> dict[str, Namespace]:
        """Those there are, by name and by id; what was made for others is let go."""
        there = self.spaces.catalog.namespaces()
        for gone in set(self._made).difference(each.namespace_id for each in there):
            del self._made[gone]
            self.spaces.close(gone)
        return {key: each for each in there for key in (each.name, each.namespace_id)}

    def _of(self, namespace: Namespace) -> Backend:
        with self._lock:
            found = self._made.get(namespace.namespace_id)
            if found is None:
                found = self._make(self.spaces.open(namespace).home.path)
                self._made[namespace.namespace_id] = found
            return found
