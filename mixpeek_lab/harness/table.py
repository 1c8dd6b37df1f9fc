"""The table of checks, and running them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from mixpeek_lab.errors import LabError
from mixpeek_lab.harness.checks import behaviour, columns, inputs, realtime, service, vectors
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.report import CheckResult, TestReport, Verdict
from mixpeek_lab.harness.samples import Samples
from mixpeek_lab.harness.subject import Subject
from mixpeek_lab.harness.verdicts import NoEvidenceError, failed, skipped
from mixpeek_lab.loader.places import place_of
from mixpeek_lab.secrets import redact, redacted

OnResult = Callable[[CheckResult], None]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it demands, and the function that looks."""

    id: str
    title: str
    look: Callable[[Evidence], Verdict]


CHECKS = (
    Check("TST001", "The package loads and its processors are made", columns.loads),
    Check("TST101", "It reads the columns of the contract", columns.reads_the_contract),
    Check("TST102", "Every sample row comes through", columns.rows_come_through),
    Check("TST103", "Each declared feature has its column", columns.has_feature_columns),
    Check("TST104", "The fields of output_schema are there", columns.has_output_fields),
    Check("TST105", "Every vector is declared", columns.has_no_undeclared_vectors),
    Check("TST201", "Vectors have the declared dimension", vectors.dimension),
    Check("TST202", "Vectors are floats", vectors.number_type),
    Check("TST203", "Vectors are finite, and not all zeros", vectors.finite),
    Check("TST204", "Different rows have different vectors", vectors.different),
    Check("TST205", "Labels are among the declared ones", vectors.labels),
    Check("TST301", "No row is lost", behaviour.drops_no_rows),
    Check("TST302", "Rows can be traced to what they came from", behaviour.is_traceable),
    Check("TST303", "Row conditions fit the input types", behaviour.conditions_fit),
    Check("TST304", "The order of rows does not matter", behaviour.keeps_order),
    Check("TST305", "The frame's index does not matter", behaviour.ignores_the_index),
    Check("TST306", "The batch size does not matter: 1 and 64", behaviour.ignores_batch_size),
    Check("TST401", "An empty batch is taken", inputs.empty_batch),
    Check("TST402", "An empty text is taken", inputs.empty_text),
    Check("TST403", "A row without data is taken", inputs.missing_text),
    Check("TST404", "A very long text is taken", inputs.long_text),
    Check("TST405", "Every script and sign is taken", inputs.unicode_text),
    # After all other calls: what they may have changed shows here.
    Check("TST307", "A second call gives the same", behaviour.repeats_itself),
    Check("TST501", "Ray Data gives the same as the kernel", realtime.runs_on_ray),
    Check("TST601", "The realtime service keeps its contract", service.keeps_its_contract),
    Check("TST602", "Batch and realtime agree", realtime.agrees_with_batch),
    Check("TST603", "Batch and realtime vectors are equally long", realtime.has_the_same_lengths),
)
"""All checks, in the order in which they run."""


def run_checks(
    subject: Subject, samples: Samples, on_result: OnResult = lambda _: None
) -> TestReport:
    """Run every check. `on_result` hears of each as it ends. KeyboardInterrupt ends them all."""
    begun = time.perf_counter()
    evidence = Evidence(subject, samples)
    results = []
    for check in CHECKS:
        results.append(_result(check, evidence))
        on_result(results[-1])
    return TestReport(
        extractor=subject.manifest.name,
        version=subject.manifest.version,
        digest=subject.source.digest,
        engine="kernel" if subject.on_ray is None else "ray",
        rows=len(samples.rows),
        results=tuple(results),
        parameters=redacted(dict(subject.parameters or {})),
        notes=samples.notes,
        seconds=time.perf_counter() - begun,
    )


def _result(check: Check, evidence: Evidence) -> CheckResult:
    begun = time.perf_counter()
    try:
        verdict = check.look(evidence)
    except NoEvidenceError as error:
        verdict = skipped(str(error))
    except LabError as error:
        verdict = failed(str(error))
    except Exception as error:  # noqa: BLE001 - the boundary to user code
        where = place_of(evidence.subject.source, error)
        verdict = failed(f"{type(error).__name__}: {error}", where)
    verdict = replace(verdict, message=redact(verdict.message))
    return CheckResult(check.id, check.title, verdict, time.perf_counter() - begun)
