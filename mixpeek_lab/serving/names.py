"""What the lab's Serve applications are called. Labs that share a Ray do not meet."""

from __future__ import annotations

import hashlib
from pathlib import Path


def gateway_name(home: Path) -> str:
    """The application of a lab's HTTP gateway: `mixpeek-lab-1f0c2a9b`."""
    return f"mixpeek-lab-{_lab(home)}"


def service_name(home: Path, name: str, digest: str) -> str:
    """The application of one version of an extractor's service."""
    return f"extractor-{name}-{digest[:12]}-{_lab(home)}"


def parse_service(home: Path, app: str) -> tuple[str, str] | None:
    """The extractor and the first digits of its digest, where `app` is a service of this lab."""
    parts = app.split("-")
    if len(parts) != 4 or parts[0] != "extractor" or parts[3] != _lab(home):
        return None
    return parts[1], parts[2]


def _lab(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:8]
