"""The test harness: does an extractor keep its contract, on sample rows, here and on Ray?"""

from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.report import CheckResult, TestReport, Verdict, lines_of
from mixpeek_lab.harness.samples import Samples, make_samples
from mixpeek_lab.harness.subject import Ask, Loaded, Subject
from mixpeek_lab.harness.table import CHECKS, Check, OnResult, run_checks

__all__ = [
    "CHECKS",
    "Ask",
    "Check",
    "CheckResult",
    "Evidence",
    "Loaded",
    "OnResult",
    "Samples",
    "Subject",
    "TestReport",
    "Verdict",
    "lines_of",
    "make_samples",
    "run_checks",
]
