"""The lab against a hand-written script that does the same work, in the same run."""

from mixpeek_lab.bench.run import run_bench
from mixpeek_lab.bench.table import format_table

__all__ = ["format_table", "run_bench"]
