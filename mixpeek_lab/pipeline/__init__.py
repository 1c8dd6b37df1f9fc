"""The batch pipeline: a bucket's blobs through an extractor's steps, on Ray Data or in place."""

from mixpeek_lab.pipeline.batches import cut_blocks, first_batch, input_blocks
from mixpeek_lab.pipeline.columns import to_pandas
from mixpeek_lab.pipeline.engine import (
    Machine,
    StepPlan,
    load_ray_data,
    plan_steps,
    run_on_ray,
)
from mixpeek_lab.pipeline.io_failures import FailedItems
from mixpeek_lab.pipeline.memory import gpu_memory_gb
from mixpeek_lab.pipeline.printing import aside
from mixpeek_lab.pipeline.rows import (
    CONTRACT,
    FAILURE,
    HIDDEN,
    ROW,
    PlannedRow,
    input_table,
    input_types,
    plan_rows,
    split_failures,
)
from mixpeek_lab.pipeline.stamps import Stamp, read_stamp
from mixpeek_lab.pipeline.step import StepRunner, WorkerSetup, run_steps
from mixpeek_lab.pipeline.watching import Watch, watched_steps

__all__ = [
    "CONTRACT",
    "FAILURE",
    "HIDDEN",
    "ROW",
    "FailedItems",
    "Machine",
    "PlannedRow",
    "Stamp",
    "StepPlan",
    "StepRunner",
    "Watch",
    "WorkerSetup",
    "aside",
    "cut_blocks",
    "first_batch",
    "gpu_memory_gb",
    "input_blocks",
    "input_table",
    "input_types",
    "load_ray_data",
    "plan_rows",
    "plan_steps",
    "read_stamp",
    "run_on_ray",
    "run_steps",
    "split_failures",
    "to_pandas",
    "watched_steps",
]
