"""The two ways a pipeline runs: on Ray, or at once in this process for a preview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.container import Container
from mixpeek_lab.loader import BuiltPipeline, build_steps
from mixpeek_lab.models import JSON
from mixpeek_lab.pipeline import Machine, StepRunner, plan_steps, run_on_ray, run_steps
from mixpeek_lab.ray_session import RaySession


def built(
    record: ExtractorRecord, home: Path, parameters: Mapping[str, JSON], rows: int
) -> BuiltPipeline:
    """The extractor's steps for these parameters."""
    return build_steps(
        record.source,
        record.manifest,
        home=home,
        parameters=dict(parameters),
        dataset_size=rows,
        container=Container(),
    )


class RayEngine:
    """Ray Data over actor pools: what a batch run uses."""

    name = "ray"

    def __init__(self, session: RaySession, home: Path) -> None:
        self._session, self._home = session, home

    def run(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        table: pa.Table,
        vectors: dict[str, int],
    ) -> tuple[Iterator[pa.Table], list[str]]:
        """Wait for Ray, lay the steps out on this machine, and stream the blocks."""
        pipeline = built(record, self._home, parameters, len(table))
        self._session.wait()
        machine = Machine(self._session.cpus, self._session.gpus)
        profile = record.manifest.compute_profile
        plans, notes = plan_steps(pipeline.steps, profile, machine, len(table))
        return run_on_ray(plans, table, vectors, pipeline.prepare), notes


class KernelEngine:
    """The same steps here and now, without Ray: for a handful of rows.

    Processors stay loaded between calls, for as long as code and parameters stay the same.
    """

    name = "kernel"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._runners: dict[tuple[str, str], list[StepRunner]] = {}

    def run(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        table: pa.Table,
        vectors: dict[str, int],
    ) -> tuple[Iterator[pa.Table], list[str]]:
        """Run the steps over batches of the profile's size, one after the other."""
        key = (record.source.package, repr(sorted(parameters.items())))
        if key not in self._runners:
            pipeline = built(record, self._home, parameters, len(table))
            self._runners = {key: [StepRunner(step, vectors) for step in pipeline.steps]}
        size = record.manifest.compute_profile.batch_size
        batches = (table.slice(start, size) for start in range(0, len(table), size))
        return run_steps(self._runners[key], batches), []
