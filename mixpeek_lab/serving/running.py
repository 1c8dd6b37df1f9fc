"""Which extractor services of a lab Serve knows: whoever deployed them, from any process."""

from __future__ import annotations

from pathlib import Path

from mixpeek_lab.serving import applications
from mixpeek_lab.serving.names import parse_service, service_name


def services(home: Path) -> dict[str, tuple[str, str, str, str]]:
    """This lab's services: application → extractor, digest's first digits, state, message."""
    found = {}
    for app, (state, message) in applications.states().items():
        parsed = parse_service(home, app)
        if parsed is not None:
            found[app] = (*parsed, state, message)
    return found


def running_services(home: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Extractor and the first digits of its digest → Serve's state, and what Serve says."""
    found = services(home).values()
    return {(name, digest): (state, message) for name, digest, state, message in found}


def take_down(home: Path, name: str, digest: str) -> None:
    """Take one service down, if it is there."""
    applications.delete(service_name(home, name, digest))


def have_taken_down(home: Path, name: str, digest: str) -> None:
    """The same, without waiting for it."""
    applications.delete(service_name(home, name, digest), wait=False)
