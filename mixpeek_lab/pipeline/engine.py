"""Runs a pipeline's steps over Ray Data's actor pools, block by block.

Ray's names below `_internal` are used here alone, and pinned by the dependency's range.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpeek_lab.errors import EngineError
from mixpeek_lab.interrupts import late_interrupts
from mixpeek_lab.models import ComputeProfile
from mixpeek_lab.pipeline.batches import ROWS_PER_ACTOR
from mixpeek_lab.pipeline.memory import GB, fit_gpu, fit_memory
from mixpeek_lab.pipeline.printing import WorkerFiles
from mixpeek_lab.pipeline.pumping import pumped
from mixpeek_lab.pipeline.step import StepRunner, WorkerSetup
from mixpeek_lab.pipeline.watching import RayLanes, Watch

if TYPE_CHECKING:
    from mixpeek_lab.loader import ProcessorStep
    from mixpeek_lab.pipeline.executors import Executors

RESTARTS = 2
"""How often a worker that died, and the block it was at, are tried again."""

LAST_WORDS = 3
"""Lines of what a worker printed that an error quotes."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run may use."""

    cpus: float
    gpus: float
    memory_gb: float = math.inf
    """That Ray gives to actors."""
    gpu_memory_gb: float | None = None
    """Of one GPU; None where it is not known."""


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
    memory_gb: float = 0.0
    """That each actor claims; 0: nothing."""


def plan_steps(
    steps: Sequence[ProcessorStep], profile: ComputeProfile, machine: Machine, rows: int
) -> tuple[list[StepPlan], list[str]]:
    """Lay the steps out on the machine. Also returns notes for the report.

    CPU steps get at most `max_concurrency` actors, never more than CPUs or batches, and share the
    CPUs; GPU steps share the GPU in equal fractions, or run on the CPU where there is none. Where
    the profile says how much memory an actor needs, no more start than have it.
    """
    kinds, notes = _kinds(steps, profile, machine)
    counts = [
        _actors(step, profile, kind, machine, rows) for step, kind in zip(steps, kinds, strict=True)
    ]
    counts, memory, short = fit_memory(counts, profile, machine.memory_gb)
    of_gpu = [n if kind == "gpu" else 0 for n, kind in zip(counts, kinds, strict=True)]
    fitted, gpu_share, crowded = fit_gpu(of_gpu, profile, machine.gpus, machine.gpu_memory_gb)
    counts = [on or n for n, on in zip(counts, fitted, strict=True)]
    on_cpu = sum(n for n, kind in zip(counts, kinds, strict=True) if kind == "cpu")
    cpu_share = min(1.0, _floor(machine.cpus / max(on_cpu, 1), 100))
    plans = [
        StepPlan(
            step,
            actors,
            step.batch_size or profile.batch_size,
            num_cpus=cpu_share if kind == "cpu" else 0.0,
            num_gpus=gpu_share if kind == "gpu" else 0.0,
            threads=max(1, int(machine.cpus // max(on_cpu, 1))) if kind == "cpu" else 1,
            memory_gb=memory,
        )
        for step, kind, actors in zip(steps, kinds, counts, strict=True)
    ]
    return plans, [*notes, *short, *crowded]


def run_on_ray(
    plans: Sequence[StepPlan],
    blocks: Sequence[pa.Table],
    vectors: dict[str, int],
    prepare: Callable[[Any], Any] | None = None,
    watch: Watch | None = None,
) -> Generator[pa.Table, None, None]:
    """Yield the input's blocks as they come out of the last step, in any order.

    Closing the iterator, or an exception in its consumer (KeyboardInterrupt included), stops the
    actors before it returns. A worker that dies is started again, and its blocks are done again;
    EngineError where it dies again and again, or Ray Data itself fails. `watch` sees the steps.
    """
    from mixpeek_lab.pipeline.executors import Executors

    executors, watch = Executors(), watch or Watch()
    files = WorkerFiles([plan.step.name for plan in plans], watch.printouts)
    watch.follow(RayLanes(plans, executors).look, files.read)
    make = partial(_blocks, plans, blocks, vectors, prepare, executors, files)
    try:
        yield from pumped(make, executors.stop)
    except EngineError as error:
        files.read()
        raise EngineError(f"{error}{_last_words(watch)}") from error
    finally:
        files.close()


def load_ray_data() -> None:
    """Import what a run on Ray needs, as a whole: an interrupt waits until it is there."""
    with late_interrupts():
        import pandas  # noqa: F401
        import ray.data  # noqa: F401


def _blocks(
    plans: Sequence[StepPlan],
    blocks: Sequence[pa.Table],
    vectors: dict[str, int],
    prepare: Callable[[Any], Any] | None,
    executors: Executors,
    files: WorkerFiles,
) -> Generator[pa.Table, None, None]:
    """The processed blocks, in a thread that no interrupt meets."""
    import ray
    from ray.exceptions import RayError

    from mixpeek_lab.pipeline.executors import quiet_run, set_up

    with quiet_run(executors):
        # Not from_arrow: it has tasks count the rows, in processes that a stop does not reach.
        dataset = set_up(ray.data.from_blocks(list(blocks)))
        if prepare is not None:
            dataset = set_up(prepare(dataset))
        for number, plan in enumerate(plans):
            worker = WorkerSetup(plan.threads, plan.num_gpus == 0, files.path(number))
            is_last = number == len(plans) - 1
            dataset = _mapped(dataset, plan, vectors, worker, is_last=is_last)
        try:
            bundles = dataset.iter_internal_ref_bundles()
            for bundle in bundles:  # a name of its own: dropped, it would end the run its own way
                for entry in bundle.blocks:
                    yield ray.get(entry.ref)
        except RayError as error:
            raise EngineError(_explain(error)) from error
        finally:
            executors.stop()


def _mapped(
    dataset: Any, plan: StepPlan, vectors: dict[str, int], worker: WorkerSetup, *, is_last: bool
) -> Any:
    from ray.data import ActorPoolStrategy

    with warnings.catch_warnings():
        # Without a limit a processor that crashes its process would run for ever, and Ray has no
        # other way to set one; the dependency's range ends before this one goes.
        warnings.simplefilter("ignore", DeprecationWarning)
        return dataset.map_batches(
            StepRunner,
            fn_constructor_args=(plan.step, vectors, plan.batch_size, worker, is_last),
            batch_format="pyarrow",
            batch_size=None,  # whole blocks: the runner cuts them, here as in the kernel
            compute=ActorPoolStrategy(size=plan.actors, max_tasks_in_flight_per_actor=2),
            num_cpus=plan.num_cpus,
            num_gpus=plan.num_gpus or None,
            memory=int(plan.memory_gb * GB) or None,
            max_restarts=RESTARTS,
            max_task_retries=RESTARTS,
        )


def _kinds(
    steps: Sequence[ProcessorStep], profile: ComputeProfile, machine: Machine
) -> tuple[list[str], list[str]]:
    """What each step runs on: its own resource type, or the profile's where all just say CPU."""
    kinds = [str(step.resource_type.value) for step in steps]
    if set(kinds) == {"cpu"}:
        kinds = [profile.resource_type] * len(steps)
    if "gpu" in kinds and machine.gpus <= 0:
        note = "The extractor asks for a GPU and there is none: it ran on the CPU."
        return ["cpu" if kind == "gpu" else kind for kind in kinds], [note]
    return kinds, []


def _actors(
    step: ProcessorStep, profile: ComputeProfile, kind: str, machine: Machine, rows: int
) -> int:
    most = step.concurrency or profile.max_concurrency
    batches = math.ceil(rows / (step.batch_size or profile.batch_size))
    if kind == "cpu":
        most = min(most, max(1, int(machine.cpus)))
    # A second actor costs a start and a model load: not for a handful of rows. On a GPU that one
    # actor keeps busy, not for a handful of batches either.
    few = 0 if kind == "gpu" else rows // ROWS_PER_ACTOR
    return max(1, min(most, max(few, batches if kind == "api" else batches // 4)))


def _floor(value: float, parts: int) -> float:
    return math.floor(value * parts) / parts


def _last_words(watch: Watch) -> str:
    """What the workers printed last, as a sentence; empty where they printed nothing."""
    lines = [line.strip() for _, line in watch.printouts.look().lines if line.strip()]
    return f" It printed last: {' / '.join(lines[-LAST_WORDS:])}" if lines else ""


def _explain(error: Exception) -> str:
    """What Ray said, in a sentence; a worker that keeps dying has a cause outside Python."""
    from ray.exceptions import ActorDiedError

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1] if lines else type(error).__name__
    said = said.partition(" Some common causes")[0]  # half a page on clusters
    if isinstance(error, ActorDiedError):
        return (
            f"A worker died {RESTARTS + 1} times, and not by a Python error: it ran out of memory, "
            f"or a native library crashed. Try a smaller batch_size. Ray says: {said}"
        )
    return f"Ray Data failed: {said}"
