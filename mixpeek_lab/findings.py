"""What a check found in an extractor: rule, place, reason, remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem in one place. `line` and `column` count from 1; 0 is "the whole file"."""

    rule: str
    severity: Severity
    message: str
    fix: str = ""
    path: str = "manifest.py"
    line: int = 0
    column: int = 0
    cell_line: int | None = None
    """The line in the notebook cell, where the file was cut out of one."""

    @property
    def place(self) -> str:
        """Where it is, as people write it: `manifest.py:12`, with the cell's line if known."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place} (cell line {self.cell_line})" if self.cell_line else place

    def __str__(self) -> str:
        text = f"{self.severity} {self.rule} {self.place}: {self.message}"
        return f"{text} {self.fix}" if self.fix else text


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings stops the extractor from running."""
    return any(finding.severity == "error" for finding in findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by file and line."""
    return tuple(
        sorted(findings, key=lambda f: (_ORDER[f.severity], f.path, f.line, f.column, f.rule))
    )
