"""All resources of the local platform, wired."""

from __future__ import annotations

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.buckets import Buckets
from mixpeek_lab.workbench.platform.collections import Collections
from mixpeek_lab.workbench.platform.documents import Documents
from mixpeek_lab.workbench.platform.extractors import Extractors, Stages
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.namespaces import Namespaces
from mixpeek_lab.workbench.platform.objects import Objects
from mixpeek_lab.workbench.platform.tasks import Tasks
from mixpeek_lab.workbench.platform.uploads import Uploads

__all__ = ["Host", "Platform"]


class Platform:
    """One attribute a resource. What takes long is written down, and done by the worker."""

    def __init__(self, catalog: Catalog, home: Home, host: Host, stages: Stages) -> None:
        self._catalog, self._host = catalog, host
        self.namespaces = Namespaces(catalog)
        self.extractors = Extractors(catalog, host, stages)
        self.uploads = Uploads(catalog, home, self.extractors, host)
        self.buckets = Buckets(catalog)
        self.objects = Objects(catalog, host)
        self.collections = Collections(catalog, home, host)
        self.documents = Documents(catalog, home)
        self.tasks = Tasks(catalog, home)

    def resume(self) -> None:
        """Go on with what was asked for before the lab was stopped.

        What was deployed from the notebook went with the endpoint that it was deployed to.
        """
        self.extractors.forget_gone()
        served = any(d.owner == "api" and d.state != "FAILED" for d in self._catalog.deployments())
        if served or self._catalog.has_open_tasks():
            self._host.wake()
