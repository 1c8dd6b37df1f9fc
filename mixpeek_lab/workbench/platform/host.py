"""What the platform needs of the processes around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mixpeek_lab.models import JSON

States = Mapping[tuple[str, str], tuple[str, str]]
"""Extractor and the first 12 digits of its digest → Serve's state, and what Serve says."""


class Host(Protocol):
    """Extractor services, and whoever works in the background."""

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """A service's answer."""
        ...

    def wake(self) -> None:
        """Have somebody look for work in the catalog. Returns at once."""
        ...

    def apart(self, function: str, *values: Any) -> Any:
        """Call a function, by its import string, in a process that nothing else depends on.

        What it raises on purpose is raised here. EngineError where its process ended, or took
        too long.
        """
        ...

    def services(self) -> States:
        """The services there are."""
        ...

    def take_down(self, name: str, digest: str) -> None:
        """Take one service down, if it is there."""
        ...

    def within(self, home: Path) -> Host:
        """The same, for the services of another namespace: whose home that is."""
        ...
