"""Testing an extractor: the harness, wired to this lab's kernel, Ray and endpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.harness import (
    Ask,
    OnResult,
    Samples,
    Subject,
    TestReport,
    make_samples,
    run_checks,
)
from mixpeek_lab.interrupts import heard_interrupts
from mixpeek_lab.loader import Schema, load_schemas
from mixpeek_lab.models import JSON
from mixpeek_lab.serving import HomeServices
from mixpeek_lab.workbench.engines import KernelEngine, RayEngine
from mixpeek_lab.workbench.kernel_services import KernelServices
from mixpeek_lab.workbench.objects import Source, load_objects
from mixpeek_lab.workbench.parameters import check_parameters
from mixpeek_lab.workbench.samples import sample_rows
from mixpeek_lab.workbench.shaping import vector_dims
from mixpeek_lab.workbench.sources import Service

OnRay = Callable[[pa.Table], list[pa.Table]]


@dataclass(frozen=True)
class Trial:
    """One test of one version of an extractor. It writes to no bucket and no collection."""

    record: ExtractorRecord
    home: Path
    kernel: KernelEngine
    parameters: Mapping[str, JSON]
    no_parity: str = ""

    def run(
        self,
        rows: Source | None,
        open_service: Callable[[], Ask],
        on_ray: OnRay | None = None,
        on_result: OnResult | None = None,
    ) -> TestReport:
        """Run every check on `rows`, or on rows made from what the manifest declares.

        InvalidInputError where the extractor takes neither these rows nor these parameters.
        """
        with suppress(ExtractorLoadError):  # TST001 says so
            check_parameters(self.record, self.home, self.parameters)
        vectors = vector_dims(self.record.manifest)
        subject = Subject(
            self.record.source,
            self.record.manifest,
            vectors,
            load=lambda: self.kernel.processors(self.record, self.parameters, vectors),
            schemas=lambda: load_schemas(self.record.source, self.home),
            ask=open_service,
            on_ray=on_ray,
            parameters=self.parameters,
            no_parity=self.no_parity,
        )
        with self._samples(rows) as samples:
            return run_checks(subject, samples, on_result or (lambda _: None))

    def ask_here(self, services: KernelServices) -> Ask:
        """Load the service in this process; the way to ask it."""
        wanted = Service(self.record.manifest.name, self.record.source.digest, self.parameters)
        service = services.loaded(wanted)
        service.prepare()
        return lambda inputs: service.infer_sync(inputs, self.parameters)

    def on(self, engine: RayEngine) -> OnRay:
        """Run a table on Ray. An interruption stops the actors before it is raised."""

        def run(table: pa.Table) -> list[pa.Table]:
            vectors = vector_dims(self.record.manifest)
            blocks, _ = engine.run(self.record, self.parameters, table, vectors)
            found = []
            with closing(blocks), heard_interrupts() as demand_no_interrupt:
                for block in blocks:
                    found.append(block)
                    demand_no_interrupt()
            return found

        return run

    @contextmanager
    def deployed(
        self, endpoint: HomeServices, deploy: Callable[[str], Any]
    ) -> Iterator[Callable[[], Ask]]:
        """Yields what deploys the service and gives the way to ask it.

        It is taken down at the end, unless it was up before.
        """
        name, digest = self.record.manifest.name, self.record.source.digest
        before = endpoint.digests(name)

        def ask(inputs: Mapping[str, JSON]) -> Mapping[str, Any]:
            body = {
                "inference_name": f"{name}@{self.record.manifest.version}",
                "inputs": dict(inputs),
                "parameters": dict(self.parameters),
            }
            answer: Mapping[str, Any] = endpoint.call("infer", near=(name, digest), body=body)
            return answer["data"]  # type: ignore[no-any-return]

        def opened() -> Ask:
            deploy(name)
            return ask

        try:
            yield opened
        finally:
            if endpoint.digests(name) - before:
                endpoint.retire(name, before)

    @contextmanager
    def _samples(self, rows: Source | None) -> Iterator[Samples]:
        if rows is not None:
            loaded = load_objects(rows)
            inputs = sample_rows(loaded, self.record.manifest)
            yield Samples.of(inputs, loaded.notes)
            return
        with tempfile.TemporaryDirectory(prefix="mixpeek-lab-test-") as folder:
            yield make_samples(self.record.manifest, self._inputs(), Path(folder))

    def _inputs(self) -> Schema | None:
        try:
            return load_schemas(self.record.source, self.home).input
        except ExtractorLoadError:
            return None  # the code does not load: TST001 says so
