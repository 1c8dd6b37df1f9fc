"""The lab at a glance, without asking Ray or Serve: what runs, what was run, what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.catalog import Catalog, RunRow
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.runtime import Runtime
from mixpeek_lab.workbench.search import Searcher

LabState = Literal["not started", "starting", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Glance:
    """What of the lab runs, as it was last known."""

    state: LabState
    ray: str
    """Ray's state: `off`, `starting`, `ready`, `stopping`, `failed`."""
    serve: str
    """The endpoint's state: `off`, `starting`, `ready`, `failed`."""
    url: str
    """The endpoint's address; empty while it is down."""
    error: str
    """Why the endpoint did not start; empty where it did."""


class Overview:
    """Quick answers for a view that is shown all the time. Any thread may ask."""

    def __init__(self, catalog: Catalog, runtime: Runtime, searcher: Searcher) -> None:
        self._catalog, self._runtime, self._searcher = catalog, runtime, searcher

    def is_running(self) -> bool:
        """Whether this process is at work on a run."""
        return self._runtime.running.locked()

    def glance(self) -> Glance:
        """The states of Ray and the endpoint. Nothing is asked that could be slow."""
        endpoint = self._runtime.endpoint
        ray, serve = self._runtime.session.state, endpoint.state
        if "failed" in (ray, serve):
            state: LabState = "failed"
        elif "starting" in (ray, serve) or self._runtime.is_starting:
            state = "starting"
        else:
            in_kernel = self._runtime.engine.name == "kernel"  # where nothing has to start
            state = "ready" if in_kernel or ray == "ready" else "not started"
        url = endpoint.url if serve == "ready" else ""
        return Glance(state, ray, serve, url, endpoint.error if serve == "failed" else "")

    def version(self) -> tuple[object, ...]:
        """Equal on one thread for as long as nothing that a view shows has changed."""
        return (*self._catalog.version, self.glance())

    def runs(self, limit: int, offset: int = 0, filter_text: str = "") -> list[RunRow]:
        """Runs, newest first, whose collection's name holds `filter_text`."""
        return self._catalog.run_rows(limit, offset, filter_text)

    def count_runs(self, filter_text: str = "") -> int:
        """How many of them there are."""
        return self._catalog.count_runs(filter_text)

    def resolve_retriever(self, body: Mapping[str, JSON], name: str) -> dict[str, JSON]:
        """What `Lab.retriever` would keep, and define nothing. RetrieverError, NotFoundError."""
        return self._searcher.resolve(body, name)[0].as_dict()
