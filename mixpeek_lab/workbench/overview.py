"""The lab at a glance, without asking Ray or Serve: what runs, what was run, what is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from mixpeek_lab.catalog import Catalog, FailureKind, RunRow
from mixpeek_lab.models import JSON, Progress
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.runtime import Runtime
from mixpeek_lab.workbench.search import Searcher

if TYPE_CHECKING:
    from mixpeek_lab.workbench.runs import Run

LabState = Literal["not started", "starting", "ready", "failed"]

NOT_SERVED = "not served from this notebook"
"""What is said of a service that somebody asked for, where this lab has no endpoint. Another
process may serve it."""


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
    engine: str = "ray"
    """`ray`, or `kernel`: this process answers, and there is no endpoint."""
    why: str = ""
    """Why it is this engine; half a sentence."""


class Overview:
    """Quick answers for a view that is shown all the time. Any thread may ask."""

    def __init__(
        self, catalog: Catalog, runtime: Runtime, searcher: Searcher, home: Path
    ) -> None:  # fmt: skip
        self._catalog, self._runtime, self._searcher = catalog, runtime, searcher
        self._home = home
        self._progress: Progress | None = None

    def is_running(self) -> bool:
        """Whether this process is at work on a run."""
        return self._runtime.running.locked()

    @contextmanager
    def followed(self, run: Run) -> Iterator[Run]:
        """The run, which tells `progress` as well how far it is. For the one run of a lab."""

        def tell(progress: Progress) -> None:
            self._progress = progress
            run.on_progress(progress)

        try:
            yield replace(run, on_progress=tell)
        finally:
            self._progress = None

    @property
    def progress(self) -> Progress | None:
        """How far this lab's run in this process is; None where none goes on."""
        return self._progress

    def loading(self) -> list[tuple[str, str]]:
        """Extractor and digest of the services that this process deploys at the moment."""
        return [
            (name, digest) for home, name, digest in self._runtime.loading if home == self._home
        ]

    def glance(self) -> Glance:
        """The states of Ray and the endpoint. Nothing is asked that could be slow."""
        endpoint, engine = self._runtime.endpoint, self._runtime.engine
        ray, serve = self._runtime.session.state, endpoint.state
        if "failed" in (ray, serve):
            state: LabState = "failed"
        elif "starting" in (ray, serve) or self._runtime.is_starting:
            state = "starting"
        else:
            in_kernel = engine.name == "kernel"  # where nothing has to start
            state = "ready" if in_kernel or ray == "ready" else "not started"
        url = endpoint.url if serve == "ready" else ""
        error = endpoint.error if serve == "failed" else ""
        return Glance(state, ray, serve, url, error, engine.name, engine.why)

    def version(self) -> tuple[object, ...]:
        """Equal on one thread for as long as nothing that a view shows has changed."""
        return (*self._catalog.version, self.glance(), self._runtime.loading)

    def runs(self, limit: int, offset: int = 0, filter_text: str = "") -> list[RunRow]:
        """Runs, newest first, whose collection's name holds `filter_text`."""
        return self._catalog.run_rows(limit, offset, filter_text)

    def count_runs(self, filter_text: str = "") -> int:
        """How many of them there are."""
        return self._catalog.count_runs(filter_text)

    def failure_kinds(self, run_ids: Sequence[str]) -> dict[str, list[FailureKind]]:
        """Run → what failed in it, by kind, the most frequent first."""
        return self._catalog.failure_kinds(run_ids)

    def resolve_retriever(self, body: Mapping[str, JSON], name: str) -> dict[str, JSON]:
        """What `Lab.retriever` would keep, and define nothing. RetrieverError, NotFoundError."""
        return self._searcher.resolve(body, name)[0].as_dict()


def check_retriever(body: Mapping[str, JSON], name: str) -> None:
    """The same check where no lab is made yet: by what is in the home that it will have, or by
    nothing where there is no such folder. RetrieverError, NotFoundError. Makes nothing there.
    """
    home = Home.at()
    if home.catalog.exists():
        return _check(home, body, name)
    with TemporaryDirectory() as empty:
        return _check(Home(Path(empty)), body, name)


def _check(home: Home, body: Mapping[str, JSON], name: str) -> None:
    catalog = Catalog(home.catalog)
    try:
        Searcher(catalog, home).resolve(body, name)
    finally:
        catalog.close()
