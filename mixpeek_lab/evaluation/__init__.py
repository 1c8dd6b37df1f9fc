"""Evaluation without a lab: judgements, confidence, significance, runs. Pure but for files."""

from mixpeek_lab.evaluation.comparison import Change, Comparison, compare
from mixpeek_lab.evaluation.judgements import Judgements, Queries, read_judgements
from mixpeek_lab.evaluation.matching import Match, judged_order, match_field
from mixpeek_lab.evaluation.runs import read_run, write_run
from mixpeek_lab.evaluation.statistics import (
    CORRECTIONS,
    INTERVALS,
    TESTS,
    bootstrap_interval,
    corrected,
    paired_p_value,
)
from mixpeek_lab.evaluation.values import (
    Evaluation,
    deepest_cut,
    intervals_of,
    measure_names,
    measured,
)

__all__ = [
    "CORRECTIONS",
    "INTERVALS",
    "TESTS",
    "Change",
    "Comparison",
    "Evaluation",
    "Judgements",
    "Match",
    "Queries",
    "bootstrap_interval",
    "compare",
    "corrected",
    "deepest_cut",
    "intervals_of",
    "judged_order",
    "match_field",
    "measure_names",
    "measured",
    "paired_p_value",
    "read_judgements",
    "read_run",
    "write_run",
]
