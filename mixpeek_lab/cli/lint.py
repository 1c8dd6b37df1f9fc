"""Check an extractor from its text: manifest, layout, security, batches, agreement of both sides.

A linter, not a sandbox: nothing is run, and code that is written to deceive it can. Exit code: 0
without errors, 1 with errors (with --strict also warnings), 2 where there is nothing to check.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mixpeek_lab.errors import LabError

if TYPE_CHECKING:
    from mixpeek_lab.lint.reports import LintReport

_MAGIC = re.compile(r"\s*%%extractor[ \t]+(?P<name>\w+)[ \t]*\r?\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("path", help="a package's folder, .zip or .tar.gz; or a cell as a .py file")
    parser.add_argument("--format", choices=["text", "json", "sarif"], default="text",
                        help="of the report (default: text)")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="write the report there")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")


def run(options: argparse.Namespace) -> int:
    """Lint, report, and give the exit code."""
    from mixpeek_lab.lint import reports

    try:
        report = _linted(Path(options.path))
        formats = {"text": reports.as_text, "json": reports.as_json, "sarif": reports.as_sarif}
        text = formats[options.format](report)
        if options.output:
            Path(options.output).write_text(text + "\n", encoding="utf-8")
            text = f"{report.extractor}: {reports.summary(report)}; written to {options.output}"
    except (LabError, OSError, UnicodeDecodeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(text)
    fails = report.count("error") or (options.strict and report.count("warning"))
    return 1 if fails else 0


def _linted(path: Path) -> LintReport:
    from mixpeek_lab.lint import lint
    from mixpeek_lab.lint.reports import LintReport
    from mixpeek_lab.workbench.packages import read_package

    if path.is_file() and path.suffix == ".py":
        return _cell(path)
    source = read_package(path).source
    return LintReport(source.name, path.as_posix(), lint(source))


def _cell(path: Path) -> LintReport:
    """A cell as it stands in a notebook, with or without its `%%extractor NAME` line."""
    from mixpeek_lab.cells import read_cell
    from mixpeek_lab.findings import Finding
    from mixpeek_lab.lint import lint
    from mixpeek_lab.lint.reports import LintReport
    from mixpeek_lab.source import PythonSyntaxError

    text = path.read_bytes().decode("utf-8-sig")
    magic = _MAGIC.match(text)
    name = magic["name"] if magic else re.sub(r"\W+", "_", path.stem, flags=re.ASCII)
    above = text.count("\n", 0, magic.end()) if magic else 0
    try:
        split = read_cell(name, text[magic.end() :] if magic else text)
    except PythonSyntaxError as error:
        found = Finding("SYN001", "error", error.reason, "", path.name, error.line, error.column,
                        error.line + above)  # fmt: skip
        return LintReport(name, path.as_posix(), (found,), is_cell=True)
    located = [split.locate(finding) for finding in lint(split.source)]
    findings = (replace(f, cell_line=f.cell_line and f.cell_line + above) for f in located)
    return LintReport(name, path.as_posix(), tuple(findings), is_cell=True)
