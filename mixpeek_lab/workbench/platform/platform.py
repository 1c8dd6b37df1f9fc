"""All resources of the local platform, wired."""

from __future__ import annotations

from functools import cached_property

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.secrets import SecretStore, watch
from mixpeek_lab.snapshots import Shown
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.batches import Batches
from mixpeek_lab.workbench.platform.blob_files import BlobFiles
from mixpeek_lab.workbench.platform.blob_uploads import BlobUploads
from mixpeek_lab.workbench.platform.buckets import Buckets
from mixpeek_lab.workbench.platform.collections import Collections
from mixpeek_lab.workbench.platform.datasets import Datasets
from mixpeek_lab.workbench.platform.documents import Documents
from mixpeek_lab.workbench.platform.executions import Executions
from mixpeek_lab.workbench.platform.extractors import Extractors, Stages
from mixpeek_lab.workbench.platform.file_roots import FileRoots
from mixpeek_lab.workbench.platform.host import Host
from mixpeek_lab.workbench.platform.interactions import PlatformInteractions
from mixpeek_lab.workbench.platform.objects import Objects
from mixpeek_lab.workbench.platform.request_keys import RequestKeys
from mixpeek_lab.workbench.platform.tasks import Tasks
from mixpeek_lab.workbench.platform.uploads import Uploads

__all__ = ["Host", "Platform"]


class Platform:
    """One attribute a resource. What takes long is written down, and done by the worker."""

    def __init__(
        self, catalog: Catalog, home: Home, host: Host, stages: Stages, shown: Shown
    ) -> None:
        self._catalog, self._host = catalog, host
        roots = FileRoots(home)
        self.extractors = Extractors(catalog, host, stages)
        self.uploads = Uploads(catalog, home, self.extractors, host)
        self.buckets = Buckets(catalog)
        files = BlobFiles(catalog, home)
        self.objects = Objects(catalog, host, files, roots, shown)
        self.blob_uploads = BlobUploads(catalog, home, files, self.objects)
        self.batches = Batches(catalog, home, host)
        self.collections = Collections(catalog, home, host, self.batches)
        self.documents = Documents(catalog, host, shown, roots)
        self.tasks = Tasks(catalog, home)
        self.request_keys = RequestKeys(catalog, home)
        self.file_roots = roots
        self.executions = Executions(home.path)
        self.interactions = PlatformInteractions(catalog, self.executions)
        self.datasets = Datasets(catalog)
        watch(SecretStore(home.path))  # from here on, no error tells a secret

    @cached_property
    def namespace_id(self) -> str:
        """The id of the namespace that this is."""
        return self._catalog.namespace().namespace_id

    def resume(self) -> None:
        """Go on with what was asked for before the lab was stopped.

        What was deployed from the notebook went with the endpoint that it was deployed to.
        """
        self.extractors.forget_gone()
        served = any(d.owner == "api" and d.state != "FAILED" for d in self._catalog.deployments())
        if served or self._catalog.has_open_tasks():
            self._host.wake()
