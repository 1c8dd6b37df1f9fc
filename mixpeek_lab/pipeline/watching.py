"""Looking at a pipeline while it runs: who asks gets the state of its steps at that moment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpeek_lab.models import Printed, StepProgress
from mixpeek_lab.pipeline.printing import Printouts
from mixpeek_lab.pipeline.usage import GpuUsage, ProcessUsage

if TYPE_CHECKING:
    from mixpeek_lab.pipeline.engine import StepPlan
    from mixpeek_lab.pipeline.executors import Executors
    from mixpeek_lab.pipeline.step import StepRunner


class Watch:
    """Where an engine says how its steps can be looked at. Any thread may ask."""

    def __init__(self) -> None:
        self._look: Callable[[], tuple[StepProgress, ...]] = tuple
        self._read: Callable[[], None] = lambda: None
        self.printouts = Printouts()

    def follow(
        self,
        look: Callable[[], tuple[StepProgress, ...]],
        read: Callable[[], None] = lambda: None,
    ) -> None:
        """From now on `look` tells the state of the steps, and `read` gets what they print."""
        self._look, self._read = look, read

    def steps(self) -> tuple[StepProgress, ...]:
        """The steps in their order; empty while nothing is laid out."""
        return self._look()

    def printed(self) -> Printed:
        """What the steps have printed."""
        self._read()
        return self.printouts.look()


class KernelLanes:
    """The steps in this process, one block at a time: counted as they are called."""

    def __init__(
        self, runners: Sequence[StepRunner], blocks: Sequence[pa.Table], printouts: Printouts
    ) -> None:
        self._runners, self._blocks, self._printouts = runners, blocks, printouts
        self._in, self._out = [0] * len(runners), [0] * len(runners)
        self._seconds = [0.0] * len(runners)
        self._begun: tuple[int, float] | None = None
        self._taken = 0
        self._usage = ProcessUsage()

    def run(self) -> Generator[pa.Table, None, None]:
        """Run all steps here, block after block."""
        for block in self._blocks:
            self._taken += 1
            table = block
            for number, runner in enumerate(self._runners):
                table = self._step(number, runner, table)
            yield table

    def look(self) -> tuple[StepProgress, ...]:
        """The state of the steps."""
        cpu, memory = self._usage.of([os.getpid()])
        at = self._begun
        now = None if at is None else at[0]
        return tuple(
            StepProgress(
                runner.name,
                "kernel",
                self._in[number],
                self._out[number],
                waiting=len(self._blocks) - self._taken if number == 0 else 0,
                working=int(number == now),
                rate=_rate(self._out[number], self._seconds[number]),
                cpu=cpu if number == now else None,
                memory=memory if number == now else None,
            )
            for number, runner in enumerate(self._runners)
        )

    def _step(self, number: int, runner: StepRunner, table: pa.Table) -> pa.Table:
        self._in[number] += table.num_rows
        begun = time.perf_counter()
        self._begun = (number, begun)
        try:
            with self._printouts.taken_from(runner.name):
                found = runner(table)
        finally:
            self._begun = None
            self._seconds[number] += time.perf_counter() - begun
        self._out[number] += found.num_rows
        return found


class RayLanes:
    """The actor pools of one run on Ray Data."""

    def __init__(self, plans: Sequence[StepPlan], executors: Executors) -> None:
        """`executors`: of this run, as they start."""
        self._plans, self._executors = plans, executors
        self._usage, self._gpu = [ProcessUsage() for _ in plans], GpuUsage()
        self._begun = [0.0] * len(plans)
        self._pids: dict[str, int] = {}

    def look(self) -> tuple[StepProgress, ...]:
        """The state of the steps; zeros for those that Ray has not laid out yet."""
        from mixpeek_lab.pipeline.executors import Pool

        found = self._executors.pools()[-len(self._plans) :]
        missing = [Pool() for _ in range(len(self._plans) - len(found))]
        lanes = zip(self._plans, [*missing, *found], strict=True)
        return tuple(self._lane(number, *each) for number, each in enumerate(lanes))

    def _lane(self, number: int, plan: StepPlan, pool: Any) -> StepProgress:
        pids = pool.pids(self._pids)
        cpu, memory = self._usage[number].of(pids)
        gpu, gpu_memory = self._gpu.of(pids) if plan.num_gpus else (None, None)
        if pool.rows_in and not self._begun[number]:
            self._begun[number] = time.monotonic()
        seconds = time.monotonic() - self._begun[number] if self._begun[number] else 0.0
        return StepProgress(
            plan.step.name,
            "gpu" if plan.num_gpus else str(plan.step.resource_type.value).replace("gpu", "cpu"),
            pool.rows_in,
            pool.rows_out,
            pool.waiting,
            pool.working,
            pool.actors,
            pool.starting,
            _rate(pool.rows_out, seconds),
            cpu,
            memory,
            gpu,
            gpu_memory,
        )


def watched_steps(
    runners: Sequence[StepRunner], blocks: Iterable[pa.Table], watch: Watch
) -> Generator[pa.Table, None, None]:
    """Run all steps here, as `run_steps` does; `watch` sees them."""
    lanes = KernelLanes(runners, list(blocks), watch.printouts)
    watch.follow(lanes.look)
    return lanes.run()


def _rate(rows: int, seconds: float) -> float:
    return rows / seconds if seconds > 0 else 0.0
