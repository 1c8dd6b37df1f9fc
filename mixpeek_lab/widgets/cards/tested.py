"""Sample rows after an extractor's steps, with what the quick checks say of it."""

from __future__ import annotations

from dataclasses import dataclass

from mixpeek_lab.harness import TestReport, lines_of
from mixpeek_lab.widgets.cards.preview import PreviewCard
from mixpeek_lab.workbench.extractors import Preview


@dataclass(frozen=True, repr=False)
class TrialCard(PreviewCard):
    """A preview, and the report of the checks that ran beside it."""

    report: TestReport | None = None

    def __str__(self) -> str:
        if self.report is None:
            return super().__str__()
        told = lines_of(self.report.of("failed", "warned", "skipped"))
        lines = [super().__str__(), f"  checks: {self.report.summary}"]
        return "\n".join([*lines, *(f"  {line}" for line in told)])

    def _repr_html_(self) -> str:
        checks = "" if self.report is None else self.report._repr_html_()
        return f'{super()._repr_html_()}<div style="margin-top:6px">{checks}</div>'


def tested(name: str, preview: Preview, report: TestReport) -> TrialCard:
    """The card of a preview and a report of the same extractor."""
    return TrialCard(
        name,
        preview.documents,
        preview.failures,
        preview.rows_in,
        preview.seconds,
        preview.setup_seconds,
        preview.notes,
        preview.llm,
        report,
    )
