"""Runs a pipeline's steps over Ray Data's actor pools, block by block.

Ray's names below `_internal` are used here alone, and pinned by the dependency's range.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpeek_lab.errors import EngineError
from mixpeek_lab.models import ComputeProfile
from mixpeek_lab.pipeline.rows import FAILURE
from mixpeek_lab.pipeline.step import StepRunner

if TYPE_CHECKING:
    from mixpeek_lab.loader import ProcessorStep

MOST_BLOCKS = 64
"""Blocks per run at most: enough to show progress, few enough to cost little."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run may use."""

    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class StepPlan:
    """How one step is laid out on the machine."""

    step: ProcessorStep
    actors: int
    batch_size: int
    num_cpus: float
    num_gpus: float
    threads: int
    """Threads for numerical libraries in each actor."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When the work on the rows began and ended (seconds since the epoch), and the set-up time."""

    begun: float = math.inf
    ended: float = 0.0
    setup: float = 0.0

    def including(self, table: pa.Table) -> Timing:
        """This timing, widened by what a block's metadata says."""
        found = json.loads((table.schema.metadata or {}).get(b"mixpeek_lab", b"{}"))
        if not found:
            return self
        return Timing(
            min(self.begun, found["begun"]),
            max(self.ended, found["ended"]),
            max(self.setup, found["setup"]),
        )


def plan_steps(
    steps: Sequence[ProcessorStep], profile: ComputeProfile, machine: Machine, rows: int
) -> tuple[list[StepPlan], list[str]]:
    """Lay the steps out on the machine. Also returns notes for the report.

    CPU steps get at most `max_concurrency` actors, never more than CPUs or batches, and share the
    CPUs; GPU steps share the GPU in equal fractions, or run on the CPU where there is none.
    """
    notes: list[str] = []
    kinds = [_kind(step, profile) for step in steps]
    if "gpu" in kinds and machine.gpus < 1:
        notes.append("The extractor asks for a GPU and there is none: it ran on the CPU.")
        kinds = ["cpu" if kind == "gpu" else kind for kind in kinds]
    counts = [
        _actors(step, profile, kind, machine, rows) for step, kind in zip(steps, kinds, strict=True)
    ]
    on_cpu = sum(n for n, kind in zip(counts, kinds, strict=True) if kind == "cpu")
    on_gpu = sum(n for n, kind in zip(counts, kinds, strict=True) if kind == "gpu")
    cpu_share = min(1.0, math.floor(machine.cpus / max(on_cpu, 1) * 100) / 100)
    gpu_share = math.floor(machine.gpus / max(on_gpu, 1) * 1000) / 1000
    plans = [
        StepPlan(
            step,
            actors,
            step.batch_size or profile.batch_size,
            num_cpus=cpu_share if kind == "cpu" else 0.0,
            num_gpus=min(1.0, gpu_share) if kind == "gpu" else 0.0,
            threads=max(1, int(machine.cpus // max(on_cpu, 1))) if kind == "cpu" else 1,
        )
        for step, kind, actors in zip(steps, kinds, counts, strict=True)
    ]
    return plans, notes


def run_on_ray(
    plans: Sequence[StepPlan],
    table: pa.Table,
    vectors: dict[str, int],
    prepare: Callable[[Any], Any] | None = None,
) -> Iterator[pa.Table]:
    """Yield the processed blocks as they finish, in any order.

    Closing the iterator, or an exception in its consumer (KeyboardInterrupt included), stops the
    actors before it returns. EngineError where Ray Data itself fails.
    """
    import ray
    from ray.data import ActorPoolStrategy
    from ray.exceptions import RayError

    from mixpeek_lab.pipeline.executors import quiet_context, stop_executors

    with quiet_context() as executors:
        dataset = ray.data.from_arrow(list(_blocks(table, plans[0].batch_size)))
        if prepare is not None:
            dataset = prepare(dataset)
        for plan in plans:
            dataset = dataset.map_batches(
                StepRunner,
                fn_constructor_args=(plan.step, vectors, plan.threads),
                batch_format="pyarrow",
                batch_size=plan.batch_size,
                compute=ActorPoolStrategy(size=plan.actors, max_tasks_in_flight_per_actor=2),
                num_cpus=plan.num_cpus,
                num_gpus=plan.num_gpus or None,
            )
        try:
            for bundle in dataset.iter_internal_ref_bundles():
                for entry in bundle.blocks:
                    yield ray.get(entry.ref)
        except RayError as error:
            raise EngineError(f"Ray Data failed: {_last_line(error)}") from error
        finally:
            stop_executors(executors)


def split_failures(table: pa.Table) -> tuple[pa.Table, list[dict[str, str]]]:
    """The rows that are fine, and the failure records of the others."""
    failed = table.column(FAILURE).is_valid()
    reasons = [json.loads(text) for text in table.column(FAILURE).drop_null().to_pylist()]
    import pyarrow.compute as pc

    return table.filter(pc.invert(failed)), reasons


def _kind(step: ProcessorStep, profile: ComputeProfile) -> str:
    """A step's own resource type; the profile's `gpu` or `api` where the step just says CPU."""
    declared = str(getattr(step.resource_type, "value", step.resource_type)).lower()
    return profile.resource_type if declared == "cpu" else declared


def _actors(
    step: ProcessorStep, profile: ComputeProfile, kind: str, machine: Machine, rows: int
) -> int:
    most = step.concurrency or profile.max_concurrency
    batches = math.ceil(rows / (step.batch_size or profile.batch_size))
    if kind == "cpu":
        most = min(most, max(1, int(machine.cpus)))
    # A second actor costs a start and a model load: not for a handful of batches.
    return max(1, min(most, batches // 4 if kind != "api" else batches))


def _blocks(table: pa.Table, batch_size: int) -> Iterator[pa.Table]:
    per_block = batch_size * max(1, math.ceil(len(table) / (batch_size * MOST_BLOCKS)))
    for start in range(0, len(table), per_block):
        yield table.slice(start, per_block).combine_chunks()


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
