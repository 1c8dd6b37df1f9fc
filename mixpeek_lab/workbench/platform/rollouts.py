"""The deployments that were asked for over HTTP: side by side, each for a limited time.

QUEUED → PENDING (taken up) → IN_PROGRESS (Ray Serve brings it up) → DEPLOYED, or FAILED. Nothing of
an older version is touched: it answers until the new one does, and on where that fails.
"""

from __future__ import annotations

import time
from pathlib import Path

from mixpeek_lab.catalog import Catalog, Deployment
from mixpeek_lab.errors import LabError
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.serving import Rollout, ServiceConfig, have_taken_down, running_services
from mixpeek_lab.workbench.home import Home

MOST = 4
"""Services that load at once: each may read a model. Those that hang hold the others up no longer
than the limit."""
LOOK_AGAIN = 5.0
"""Seconds between two looks at how the deployed services are."""
BROKEN = ("UNHEALTHY", "DEPLOY_FAILED")
"""Serve's states of an application that was up, and answers no more."""

Key = tuple[str, str]


class Rollouts:
    """Takes waiting deployments to Ray Serve, and looks after those that are there."""

    def __init__(
        self, catalog: Catalog, home: Home, session: RaySession, backend: str, seconds: float
    ) -> None:
        """`seconds`: how long a service may take to load."""
        self._catalog, self._home, self._session = catalog, home.path, session
        self._backend, self._seconds = backend, seconds
        self._loading: dict[Key, Rollout] = {}
        self._looked = time.monotonic()

    def restore(self) -> None:
        """Have what was deployed before the lab was stopped deployed again."""
        self._session.wait()
        running = running_services(self._home)
        for one in self._catalog.deployments():
            is_ours = (one.owner, one.state) == ("api", "DEPLOYED")
            if is_ours and (one.name, one.digest[:12]) not in running:
                self._catalog.move_deployment(one.name, one.digest, "DEPLOYED", "QUEUED")

    @property
    def loading(self) -> int:
        """How many services are on their way up."""
        return len(self._loading)

    def abandon(self) -> None:
        """Have everything taken down: its namespace is gone."""
        while self._loading:
            self._loading.popitem()[1].abandon()
        for name, digest in running_services(self._home):
            have_taken_down(self._home, name, digest)

    def step(self, room: int = MOST) -> bool:
        """Begin what waits, `room` of them, and see how far the rest is. False where nothing is
        under way."""
        rows = {(d.name, d.digest): d for d in self._catalog.deployments() if d.owner == "api"}
        for key in [key for key in self._loading if key not in rows]:  # undeployed meanwhile
            self._loading.pop(key).abandon()
        waiting = [one for one in rows.values() if one.state == "QUEUED"]
        for one in waiting[: max(0, room)]:
            self._begin(one)
        for key in list(self._loading):
            self._look(*key)
        if time.monotonic() - self._looked > LOOK_AGAIN:
            self._looked = time.monotonic()
            self._look_after()
        return bool(self._loading)

    # ------------------------------------------------------------ on the way up

    def _begin(self, one: Deployment) -> None:
        if not self._catalog.move_deployment(one.name, one.digest, "QUEUED", "PENDING"):
            return
        try:
            self._session.wait()
            self._loading[one.name, one.digest] = self._rollout(one)
        except LabError as error:
            self._catalog.move_deployment(one.name, one.digest, "PENDING", "FAILED", str(error))

    def _rollout(self, one: Deployment) -> Rollout:
        record = self._catalog.extractor(one.name, digest=one.digest)
        wants_gpu = record.manifest.compute_profile.resource_type == "gpu"
        config = ServiceConfig(
            record.source,
            one.name,
            Path(self._home),
            self._backend,
            max(1, int(self._session.cpus)),
            wants_gpu and self._session.gpus > 0,
        )
        return Rollout(config, self._seconds)

    def _look(self, name: str, digest: str) -> None:
        try:
            handle = self._loading[name, digest].poll()
            state, error = "IN_PROGRESS" if handle is None else "DEPLOYED", ""
        except LabError as failed:
            state, error = "FAILED", str(failed)
        if state != "IN_PROGRESS":
            del self._loading[name, digest]
        moved = any(
            self._catalog.move_deployment(name, digest, before, state, error)
            for before in ("PENDING", "IN_PROGRESS")
            if before != state
        )
        if state == "DEPLOYED" and not moved:  # undeployed meanwhile
            have_taken_down(self._home, name, digest)

    # ------------------------------------------------------------ once they are up

    def _look_after(self) -> None:
        """Note which deployed services answer no more, and which do again.

        Serve starts those anew by itself; an older version stands in for as long as that takes.
        """
        running = running_services(self._home)
        for one in self._catalog.deployments():
            state, message = running.get((one.name, one.digest[:12]), ("", ""))
            if one.state == "DEPLOYED" and state in BROKEN:
                reason = f"It was up, and fails its health check by now. {message}".strip()
                self._catalog.move_deployment(one.name, one.digest, "DEPLOYED", "FAILED", reason)
            elif one.state == "DEPLOYED" and not state and one.owner == "api":
                self._catalog.move_deployment(one.name, one.digest, "DEPLOYED", "QUEUED")
            elif one.state == "DEPLOYED" and not state:  # the notebook took it down
                self._catalog.drop_deployment(one.name, one.digest)
            elif one.state == "FAILED" and state == "RUNNING":
                self._catalog.move_deployment(one.name, one.digest, "FAILED", "DEPLOYED")
