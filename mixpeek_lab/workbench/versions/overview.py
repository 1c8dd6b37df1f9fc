"""An extractor as a whole: its versions, who is made with them, and what a change would compute."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from mixpeek_lab.catalog import Catalog, Deployment
from mixpeek_lab.errors import NotFoundError
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.versions.history import History, WorkingStatus
from mixpeek_lab.workbench.versions.switching import Switch, switches

MOST_DOCUMENTS = 50_000
"""In an extractor's collections together: beyond, counting what a change computes is left out."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is to know of an extractor beside its manifest."""

    status: WorkingStatus
    history: History
    switches: tuple[Switch, ...] | None
    """What each collection would compute with the working state; None: too much to count here."""
    deployments: tuple[tuple[str, Deployment], ...] = ()
    """The version, or the first digits of its digest, and what came of it."""


def overview(catalog: Catalog, home: Home, status: WorkingStatus, history: History) -> Overview:
    """All of it; nothing is computed or loaded."""
    name = status.name
    made = [c for c in catalog.collections() if c.extractor == name]
    counted = None
    if sum(collection.document_count for collection in made) <= MOST_DOCUMENTS:
        counted = switches(catalog, home, catalog.extractor(name))
    served = tuple((_label(catalog, d), d) for d in catalog.deployments() if d.name == name)
    return Overview(status, history, counted, served)


def _label(catalog: Catalog, deployment: Deployment) -> str:
    with suppress(NotFoundError):
        record = catalog.extractor(deployment.name, digest=deployment.digest)
        return record.manifest.version
    return deployment.digest[:12]
