"""What of a lab is running, as a value and as lines for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Status:
    """What of the lab is running."""

    home: Path
    ray: str
    """`Ray: ready (2 CPUs, no GPU)`."""
    serve: str
    """`Serve: ready at http://127.0.0.1:8000`."""
    url: str
    """The endpoint's address; empty while it is down."""
    deployed: tuple[str, ...]
    """Extractor services: `name@digest`."""
    work: str = ""
    """What goes on in the background: `docs 40 %; 2 waiting`; empty where nothing does."""
    warnings: tuple[str, ...] = ()
    """What is wrong with the installation, and the remedy."""
    namespace: str = ""
    """Whose it is, where that is not the default one."""

    def __str__(self) -> str:
        services = ", ".join(self.deployed) or "none"
        lines = [f"Home: {self.home}", self.ray, self.serve, f"Services: {services}"]
        if self.namespace:
            lines.insert(0, f"Namespace: {self.namespace}")
        if self.work:
            lines.append(f"Background: {self.work}")
        return "\n".join([*lines, *(f"Warning: {text}" for text in self.warnings)])
