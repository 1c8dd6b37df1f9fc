"""The batch pipeline: a bucket's blobs through an extractor's steps, on Ray Data or in place."""

from mixpeek_lab.pipeline.engine import (
    Machine,
    StepPlan,
    Timing,
    plan_steps,
    run_on_ray,
    split_failures,
)
from mixpeek_lab.pipeline.rows import (
    FAILURE,
    HIDDEN,
    ROW,
    PlannedRow,
    input_table,
    plan_rows,
)
from mixpeek_lab.pipeline.step import StepRunner, run_steps

__all__ = [
    "FAILURE",
    "HIDDEN",
    "ROW",
    "Machine",
    "PlannedRow",
    "StepPlan",
    "StepRunner",
    "Timing",
    "input_table",
    "plan_rows",
    "plan_steps",
    "run_on_ray",
    "run_steps",
    "split_failures",
]
