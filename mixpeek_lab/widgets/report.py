"""The progress and the report of a batch run, as plain text and as HTML without scripts.

The text forms leave timings out unless they are asked for, so that the same run always prints
the same lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from mixpeek_lab.models import Failure, Progress, RunReport, Unusable
from mixpeek_lab.widgets.spending import llm_facts
from mixpeek_lab.widgets.static import printable, rerun_html, saved_view, table_html

EXAMPLES = 3
"""Failures that a report shows of each kind."""
MESSAGE_LENGTH = 200
REMOVED = "documents from before: replaced, or their objects are gone"
"""Documents go where objects change or are deleted, and where another version makes them."""

STATES = {
    "running": "running",
    "completed": "completed",
    "completed_with_errors": "completed with errors",
    "failed": "failed",
    "interrupted": "interrupted",
}
"""A run's state → the words for it."""


def format_progress(progress: Progress, *, timings: bool = False) -> str:
    """One line: phase, rows done of all, documents, failed rows.

    With `timings`: rows per second and the time left as well.
    """
    parts = [f"{progress.done:,}/{progress.total:,} rows", f"{progress.documents:,} documents"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if timings and progress.rate:
        parts.append(f"{progress.rate:,.1f} rows/s")
        if progress.seconds_left is not None and progress.done < progress.total:
            parts.append(f"{format_seconds(progress.seconds_left)} left")
    return f"{progress.phase}: {', '.join(parts)}"


def format_report(report: RunReport, *, timings: bool = False) -> str:
    """What a run did, one fact a line, then its failures by kind and its notes.

    With `timings`: seconds, rows per second and the longest model load as well.
    """
    facts = report_facts(report)
    if timings:
        facts = [*facts, *timing_facts(report)]
    width = max(len(name) for name, _ in facts)
    lines = [f"{report.collection}: {STATES[report.state]}"]
    lines += [f"  {name.ljust(width)}  {value}" for name, value in facts]
    for kind, count in failure_kinds(report):
        lines.append(f"  {kind} × {count:,}")
        lines += [f"    {line}" for line in failure_lines(report, kind, count)]
    lines += [f"  note: {printable(note)}" for note in report.notes]
    return "\n".join(lines)


def report_html(report: RunReport, code: str = "") -> str:
    """What a run did as HTML without scripts; everything is escaped. `code` runs it again."""
    facts = [*report_facts(report), *timing_facts(report)]
    title = f"{report.collection}: {STATES[report.state]}"
    parts = [f"<p><strong>{escape(title)}</strong></p>", table_html(["", ""], facts)]
    for kind, count in failure_kinds(report):
        lines = "".join(
            f'<li><code style="overflow-wrap:anywhere">{escape(line)}</code></li>'
            for line in failure_lines(report, kind, count)
        )
        parts.append(f"<p>{escape(kind)} × {count:,}</p><ul>{lines}</ul>")
    parts += [f"<p>{escape(note)}</p>" for note in report.notes]
    parts.append(rerun_html(code))
    return saved_view(*parts)


def report_facts(report: RunReport) -> list[tuple[str, str]]:
    """The numbers of a run that do not depend on the clock: name and value."""
    facts = [
        ("rows in", f"{report.rows_in:,}"),
        ("reused", f"{report.reused:,}"),
        ("processed", _processed_fact(report)),
    ]
    if not report.failed:
        facts.append(("failed", "0"))
    if report.dropped:
        facts.append(("dropped", f"{sum(report.dropped.values()):,}"))
    facts.append(("documents", f"{report.documents:,}"))
    if report.removed:
        facts.append(("removed", f"{report.removed:,} {REMOVED}"))
    facts += [
        (f"vectors {name}", _vector_fact(count, report.unusable.get(name, Unusable())))
        for name, count in sorted(report.vectors.items())
    ]
    return [*facts, *llm_facts(report.llm)]


def timing_facts(report: RunReport) -> list[tuple[str, str]]:
    """The numbers of a run that depend on the clock: name and value."""
    facts = [("time", format_seconds(report.seconds))]
    if report.rows_per_second:
        facts.append(("rows/s", f"{report.rows_per_second:,.1f}"))
    if report.setup_seconds:
        facts.append(("model load", format_seconds(report.setup_seconds)))
    return facts


def failure_kinds(report: RunReport) -> list[tuple[str, int]]:
    """Exception type → how many rows failed with it, most frequent first.

    Rows that failed beyond those the report keeps are counted as `other`.
    """
    kinds = Counter(failure.kind for failure in report.failures)
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    missing = report.failed - len(report.failures)
    return [*ordered, ("other", missing)] if missing > 0 else ordered


def examples_of(failures: Iterable[Failure], kind: str, count: int = EXAMPLES) -> Sequence[Failure]:
    """The first few failures of one kind."""
    return [failure for failure in failures if failure.kind == kind][:count]


def failure_lines(report: RunReport, kind: str, count: int) -> list[str]:
    """The first few failures of one kind, a line each, and how many more of `count` there are."""
    lines = [failure_line(each) for each in examples_of(report.failures, kind)]
    more = count - len(lines) if lines else 0
    return [*lines, f"… and {more:,} more"] if more else lines


def failure_line(failure: Failure) -> str:
    """One failure on one line: which file or object, at which step, why, and where in the code."""
    message = " ".join(printable(failure.message).split())
    if len(message) > MESSAGE_LENGTH:
        message = message[: MESSAGE_LENGTH - 1] + "…"
    step = f" in {failure.step}" if failure.step else ""
    where = f" ({failure.where})" if failure.where else ""
    return f"{printable(failure.called)}{step}: {message}{where}"


def format_seconds(seconds: float) -> str:
    """A duration for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _processed_fact(report: RunReport) -> str:
    """`53`, or `53 rows: 49 done, 4 failed`: those that failed are among them."""
    if not report.failed:
        return f"{report.processed:,}"
    done = report.processed - report.failed
    rows = "row" if report.processed == 1 else "rows"
    return f"{report.processed:,} {rows}: {done:,} done, {report.failed:,} failed"


def _vector_fact(count: int, unusable: Unusable) -> str:
    """`998 (left out: 1 missing, 1 all zeros)`."""
    return f"{count:,}" + (f" (left out: {unusable})" if unusable.total else "")
