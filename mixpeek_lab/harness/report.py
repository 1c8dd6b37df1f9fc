"""What the harness found: one result for each check, as text, as JSON and as a card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import ClassVar, Literal, get_args

from mixpeek_lab.markup import COLOURS, MUTED, framed, line_html, marked_html, printable
from mixpeek_lab.models import JSON

Outcome = Literal["passed", "failed", "warned", "skipped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_COLOURS: Mapping[Outcome, str] = {
    "passed": COLOURS["success"],
    "failed": COLOURS["error"],
    "warned": COLOURS["warning"],
    "skipped": "inherit",  # it is muted instead
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says."""

    outcome: Outcome
    message: str = ""
    """What was found and what to do about it; for a skipped check, why it was left out."""
    where: str = ""
    """The extractor's own line, as far as one is to blame: `processors/core.py:14`."""
    measured: Mapping[str, JSON] = field(default_factory=dict)
    """Numbers, such as the worst cosine."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of the table, with what it says of this extractor."""

    id: str
    title: str
    verdict: Verdict
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """passed, failed, warned or skipped."""
        return self.verdict.outcome

    @property
    def message(self) -> str:
        """What was found, where, and what to do about it, on one line."""
        where = f" ({self.verdict.where})" if self.verdict.where else ""
        return " ".join(printable(f"{self.verdict.message}{where}").split())

    def __str__(self) -> str:
        message = f": {self.message}" if self.message else ""
        return f"{self.outcome.ljust(7)}  {self.id}  {self.title}{message}"

    def as_dict(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "id": self.id,
            "title": self.title,
            **asdict(self.verdict),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True, repr=False)
class TestReport:
    """All results of one test of one extractor. Text by `str`, JSON by `as_dict`."""

    __test__: ClassVar[bool] = False  # pytest would take a class of this name for tests

    extractor: str
    version: str
    digest: str
    engine: Literal["ray", "kernel"]
    """`ray`: on Ray Data and Ray Serve as well; `kernel`: in this process alone."""
    rows: int
    results: tuple[CheckResult, ...]
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Remarks on the sample rows."""
    seconds: float = 0.0

    @property
    def is_passed(self) -> bool:
        """Whether no check failed. A warning is no failure."""
        return not any(result.outcome == "failed" for result in self.results)

    @property
    def counts(self) -> dict[Outcome, int]:
        """Outcome → how many checks ended so; all four are there."""
        found = Counter(result.outcome for result in self.results)
        return {outcome: found[outcome] for outcome in OUTCOMES}

    @property
    def summary(self) -> str:
        """`21 passed, 1 warned, 2 skipped`, the failed ones first."""
        order: tuple[Outcome, ...] = ("failed", "passed", "warned", "skipped")
        parts = [f"{self.counts[outcome]} {outcome}" for outcome in order if self.counts[outcome]]
        return ", ".join(parts) or "no checks"

    def of(self, *outcomes: Outcome) -> list[CheckResult]:
        """The results with one of these outcomes: outcome by outcome, each as in the table."""
        return [result for o in outcomes for result in self.results if result.outcome == o]

    def result(self, check: str) -> CheckResult:
        """One check's result, by its id. KeyError for an id that the table does not have."""
        return {result.id: result for result in self.results}[check]

    @property
    def title(self) -> str:
        """What was tested, on what."""
        rows = f"{self.rows} sample row{'' if self.rows == 1 else 's'}"
        where = "on Ray" if self.engine == "ray" else "in the kernel"
        return f"{self.extractor} {self.version} {where}, {rows}"

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.summary}", *(f"  {result}" for result in self.results)]
        return "\n".join([*lines, *(f"  note: {printable(note)}" for note in self.notes)])

    __repr__ = __str__

    def as_dict(self) -> dict[str, JSON]:
        """As JSON: what was tested, the counts, and every check."""
        return {
            "extractor": self.extractor,
            "version": self.version,
            "digest": self.digest,
            "engine": self.engine,
            "rows": self.rows,
            "parameters": dict(self.parameters),
            "outcome": "passed" if self.is_passed else "failed",
            "counts": self.counts,
            "checks": [result.as_dict() for result in self.results],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def _repr_html_(self) -> str:
        shown = [_shown(result) for result in self.of("failed", "warned")]
        shown += [_muted(line) for line in lines_of(self.of("skipped"))]
        passed = self.of("passed")
        rows = "".join(_row(result) for result in passed)
        folded = (
            f'<details style="margin-top:.4em"><summary style="{MUTED}">{len(passed)} passed'
            f'</summary><table style="border-collapse:collapse;font-size:13px">{rows}</table>'
            "</details>"
        )
        notes = [line_html(note, MUTED) for note in self.notes]
        return framed(self.title, self.summary, *shown, folded if passed else "", *notes)


def lines_of(results: Sequence[CheckResult]) -> list[str]:
    """Results for a place with little room; skipped checks with one reason share a line."""
    lines = [f"{r.outcome} {r.id} {r.title}: {r.message}" for r in results if not _is_left_out(r)]
    alike: dict[str, list[str]] = {}
    for result in filter(_is_left_out, results):
        alike.setdefault(result.message, []).append(result.id)
    return [*lines, *(f"skipped {', '.join(ids)}: {why}" for why, ids in alike.items())]


def _is_left_out(result: CheckResult) -> bool:
    return result.outcome == "skipped"


def _shown(result: CheckResult) -> str:
    colour = _COLOURS[result.outcome]
    return (
        f'<div style="margin-top:.5em;border-left:3px solid {colour};padding-left:.7em">'
        f'<b style="color:{colour}">{result.outcome} {escape(result.id)}</b> '
        f"{escape(result.title)}<div>{marked_html(result.message)}</div></div>"
    )


def _muted(line: str) -> str:
    return f'<div style="margin:.3em 0;{MUTED}">{marked_html(line)}</div>'


def _row(result: CheckResult) -> str:
    style = "text-align:left;padding:3px 12px 3px 0;vertical-align:top"
    head = f'<b style="color:{_COLOURS["passed"]}">{escape(result.id)}</b>'
    cells = (head, escape(result.title), marked_html(result.message))
    shown = "".join(f'<td style="{style}">{cell}</td>' for cell in cells)
    return f"<tr>{shown}</tr>"
