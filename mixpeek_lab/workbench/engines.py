"""The two ways a pipeline runs: on Ray, or at once in this process for a preview."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from mixpeek_lab.catalog import ExtractorRecord
from mixpeek_lab.container import Container, SecretsHandle
from mixpeek_lab.errors import ConflictError
from mixpeek_lab.harness import Loaded
from mixpeek_lab.loader import BuiltPipeline, build_steps
from mixpeek_lab.models import JSON
from mixpeek_lab.pipeline import (
    Machine,
    StepRunner,
    Watch,
    gpu_memory_gb,
    input_blocks,
    load_ray_data,
    plan_steps,
    run_on_ray,
    watched_steps,
)
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.secrets import SecretStore

NO_PREPARE = "The package's `prepare` works on a Ray dataset: it was left out here."


@contextmanager
def alone(running: threading.Lock) -> Iterator[None]:
    """One run at a time in a lab. ConflictError where another is under way."""
    if not running.acquire(blocking=False):
        raise ConflictError("Another run is under way in this lab. Wait for it, or interrupt it.")
    try:
        yield
    finally:
        running.release()


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
        container=Container(SecretsHandle(SecretStore(home))),
    )


class RayEngine:
    """Ray Data over actor pools: what a batch run uses."""

    name = "ray"

    def __init__(self, session: RaySession, home: Path, *, claims_cpus: bool = True) -> None:
        """Without `claims_cpus` a run waits for no other, nor does another wait for it."""
        self._session, self._home, self._claims = session, home, claims_cpus

    def run(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        table: pa.Table,
        vectors: dict[str, int],
        watch: Watch | None = None,
    ) -> tuple[Generator[pa.Table, None, None], list[str]]:
        """Wait for Ray, lay the steps out on this machine, and stream the blocks."""
        load_ray_data()
        pipeline = built(record, self._home, parameters, len(table))
        self._session.wait()
        profile = record.manifest.compute_profile
        machine = self._machine(asks_for_gpu_memory=profile.gpu_memory_gb is not None)
        plans, notes = plan_steps(pipeline.steps, profile, machine, len(table))
        if not self._claims or pipeline.prepare is not None:
            # What `prepare` adds to the dataset are tasks that claim a CPU each: beside actors that
            # hold all there is, they would wait for ever.
            plans = [replace(plan, num_cpus=0.0) for plan in plans]
        blocks = input_blocks(table, pipeline.steps, profile)
        return run_on_ray(plans, blocks, vectors, pipeline.prepare, watch), notes

    def _machine(self, *, asks_for_gpu_memory: bool) -> Machine:
        session = self._session
        known = gpu_memory_gb() if asks_for_gpu_memory and session.gpus else None
        return Machine(session.cpus, session.gpus, session.memory_gb, known)


class KernelEngine:
    """The same steps here and now, without Ray: for a handful of rows.

    Processors stay loaded between calls, for as long as code and parameters stay the same.
    """

    name = "kernel"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded: tuple[tuple[str, str], list[StepRunner]] = (("", ""), [])

    def run(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        table: pa.Table,
        vectors: dict[str, int],
        watch: Watch | None = None,
    ) -> tuple[Generator[pa.Table, None, None], list[str]]:
        """Run the steps over the blocks that Ray would get, one after the other."""
        pipeline = built(record, self._home, parameters, len(table))
        runners = self._runners(record, parameters, pipeline, vectors)
        blocks = input_blocks(table, pipeline.steps, record.manifest.compute_profile)
        notes = [] if pipeline.prepare is None else [NO_PREPARE]
        return watched_steps(runners, blocks, watch or Watch()), notes

    def processors(
        self, record: ExtractorRecord, parameters: Mapping[str, JSON], vectors: dict[str, int]
    ) -> Loaded:
        """The steps with their processors, loaded and kept as for a run; a test calls them itself.

        Raises whatever the extractor's code raises.
        """
        pipeline = built(record, self._home, parameters, rows=0)
        runners = self._runners(record, parameters, pipeline, vectors)
        steps = zip(pipeline.steps, [runner.processor() for runner in runners], strict=True)
        return Loaded(tuple(steps), pipeline.prepare is not None)

    def _runners(
        self,
        record: ExtractorRecord,
        parameters: Mapping[str, JSON],
        pipeline: BuiltPipeline,
        vectors: dict[str, int],
    ) -> list[StepRunner]:
        key = (record.source.digest, repr(sorted(parameters.items())))
        if key != self._loaded[0]:
            size = record.manifest.compute_profile.batch_size
            runners = [
                StepRunner(
                    step, vectors, step.batch_size or size, is_last=step is pipeline.steps[-1]
                )
                for step in pipeline.steps
            ]
            self._loaded = (key, runners)
        for runner in self._loaded[1]:
            runner.forget_failures()
        return self._loaded[1]
