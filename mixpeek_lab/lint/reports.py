"""Findings as text for people, as JSON for scripts, and as SARIF 2.1.0 for code hosts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mixpeek_lab.findings import Finding, Severity
from mixpeek_lab.lint.rules import RULES
from mixpeek_lab.models import JSON

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
NOT_A_SANDBOX = (
    "A linter, not a sandbox: it reads an extractor's text and runs nothing. It follows names and "
    "folds constants, and code that is written to deceive it can. Run code that you do not trust "
    "where it can do no harm."
)
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was linted, and what was found."""

    extractor: str
    root: str
    """Folder or file that was linted, as it was given: paths in the reports begin with it."""
    findings: tuple[Finding, ...]
    is_cell: bool = False
    """Whether `root` is a notebook cell's file: lines are then the cell's."""

    def count(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def place(self, finding: Finding) -> tuple[str, int, int]:
        """File, line and column of a finding, from 1; 0 where it is about the whole file."""
        if self.is_cell:
            line = finding.cell_line or 0
            return self.root, line, finding.column if line else 0
        is_archive = self.root.endswith((".zip", ".gz", ".tgz", ".tar"))
        root = "" if is_archive else f"{self.root.rstrip('/')}/"
        return f"{root}{finding.path}", finding.line, finding.column


def as_text(report: LintReport) -> str:
    """A line per finding, `path:line:column: severity RULE message fix`, and a summary."""
    lines = [_line(report, finding) for finding in report.findings]
    return "\n".join([*lines, f"{report.extractor}: {summary(report)}"])


def summary(report: LintReport) -> str:
    """`2 errors, 1 warning`."""
    words = {"error": "error", "warning": "warning", "info": "note"}
    counts = [(report.count(severity), word) for severity, word in words.items()]  # type: ignore[arg-type]
    shown = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    return ", ".join(shown) or "no findings"


def _line(report: LintReport, finding: Finding) -> str:
    path, line, column = report.place(finding)
    place = ":".join([path, *(str(n) for n in (line, column) if n)])
    text = f"{place}: {finding.severity} {finding.rule} {finding.message}"
    return f"{text} {finding.fix}" if finding.fix else text


def as_json(report: LintReport) -> str:
    """One object: extractor, counts, findings with every field."""
    whole: dict[str, JSON] = {
        "extractor": report.extractor,
        "path": report.root,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "findings": [_entry(report, finding) for finding in report.findings],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _entry(report: LintReport, finding: Finding) -> dict[str, JSON]:
    path, line, column = report.place(finding)
    return {
        "rule": finding.rule,
        "title": RULES[finding.rule].title,
        "severity": finding.severity,
        "message": finding.message,
        "fix": finding.fix,
        "path": path,
        "line": line,
        "column": column,
        "file": finding.path,
    }


def as_sarif(report: LintReport) -> str:
    """A SARIF 2.1.0 log of one run; its rules are those that the findings break."""
    from mixpeek_lab.version import __version__

    ids = sorted({finding.rule for finding in report.findings})
    index = {rule: number for number, rule in enumerate(ids)}
    driver = {
        "name": "mixpeek-lab lint",
        "version": __version__,
        "semanticVersion": __version__,
        "fullDescription": {"text": NOT_A_SANDBOX},
        "rules": [_rule(name) for name in ids],
    }
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(report, finding, index) for finding in report.findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _rule(name: str) -> dict[str, object]:
    rule = RULES[name]
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in _words(rule.title)),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": rule.explanation},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _words(text: str) -> Iterable[str]:
    return "".join(c if c.isascii() and c.isalnum() else " " for c in text).split()


def _result(report: LintReport, finding: Finding, index: Mapping[str, int]) -> dict[str, object]:
    path, line, column = report.place(finding)
    place: dict[str, object] = {"artifactLocation": {"uri": _uri(path)}}
    if line:
        place["region"] = {"startLine": line, **({"startColumn": column} if column else {})}
    message = f"{finding.message} {finding.fix}".strip()
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.replace("\\", "/"), safe="/:")
