"""The deployments that were asked for over HTTP, one after the other."""

from __future__ import annotations

from pathlib import Path

from mixpeek_lab.catalog import Catalog, Deployment
from mixpeek_lab.errors import LabError
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.serving import roll_out, running_services, take_down
from mixpeek_lab.workbench.home import Home


class Rollouts:
    """Takes waiting deployments to Ray Serve."""

    def __init__(self, catalog: Catalog, home: Home, session: RaySession, backend: str) -> None:
        self._catalog, self._home = catalog, home.path
        self._session, self._backend = session, backend

    def restore(self) -> None:
        """Have what was deployed before the lab was stopped deployed again."""
        self._session.wait()
        running = running_services(self._home)
        for one in self._wanted("DEPLOYED"):
            if (one.name, one.digest[:12]) not in running:
                self._catalog.move_deployment(one.name, one.digest, "DEPLOYED", "QUEUED")

    def step(self) -> bool:
        """Deploy the one that waits longest. False where none does."""
        waiting = self._wanted("QUEUED")
        if waiting:
            self._deploy(waiting[0])
        return bool(waiting)

    def _deploy(self, one: Deployment) -> None:
        def move(before: str, state: str, error: str = "") -> bool:
            return self._catalog.move_deployment(one.name, one.digest, before, state, error)

        if not move("QUEUED", "PENDING"):
            return
        try:
            self._session.wait()
            move("PENDING", "IN_PROGRESS")
            self._bring_up(one)
        except LabError as error:
            move("IN_PROGRESS", "FAILED", str(error)) or move("PENDING", "FAILED", str(error))
            return
        if not move("IN_PROGRESS", "DEPLOYED"):  # undeployed meanwhile
            take_down(self._home, one.name, one.digest)

    def _bring_up(self, one: Deployment) -> None:
        record = self._catalog.extractor(one.name, digest=one.digest)
        wants_gpu = record.manifest.compute_profile.resource_type == "gpu"
        roll_out(
            record.source,
            one.name,
            Path(self._home),
            self._backend,
            threads=max(1, int(self._session.cpus)),
            on_gpu=wants_gpu and self._session.gpus > 0,
        )

    def _wanted(self, state: str) -> list[Deployment]:
        return [d for d in self._catalog.deployments() if (d.owner, d.state) == ("api", state)]
