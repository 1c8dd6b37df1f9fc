"""Test an extractor package: its steps on Ray Data, its service on Ray Serve, and both together.

Exit code 0 where every check passed (warnings are no failure), 1 where one failed, 2 where the
command line or the package cannot be read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.cli.streams import output_aside
from mixpeek_lab.errors import InvalidInputError, LabError

if TYPE_CHECKING:
    from mixpeek_lab.harness import TestReport
    from mixpeek_lab.workbench import Lab

FAILED, UNREADABLE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("path", help="the extractor's folder")
    parser.add_argument("--quick", action="store_true", help="in this process alone: seconds")
    parser.add_argument("--rows", metavar="FILE", help="sample rows: CSV, JSONL, Parquet, folder")
    parser.add_argument(
        "--param", action="append", default=[], type=_pair, metavar="KEY=VALUE",
        help="a parameter of the extractor; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--no-parity", type=_reason, metavar="REASON",
        help="why batch and realtime need not agree; it is in the report",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="keep the report as JSON; - prints it alone")
    parser.add_argument("--home", help="lab whose secrets may be read (default: .mixpeek_lab)")


def run(options: argparse.Namespace) -> int:
    """Run the checks and print each as it ends; the exit code."""
    from mixpeek_lab.workbench import Lab

    with (
        output_aside(is_on=options.json == "-"),
        tempfile.TemporaryDirectory(prefix="mixpeek-lab-test-") as home,
    ):
        _bring_secrets(options.home, Path(home))
        with Lab(home) as lab:
            try:
                report = _report(lab, options)
            except InvalidInputError as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                return UNREADABLE
    _keep(report, options.json)
    return 0 if report.is_passed else FAILED


def _report(lab: Lab, options: argparse.Namespace) -> TestReport:
    from mixpeek_lab.workbench.extractors import demand

    is_shown = options.json != "-"
    if is_shown and options.json and not Path(options.json).absolute().parent.is_dir():
        raise InvalidInputError(f"--json {options.json}: there is no such folder.")
    definition = demand(lab.load(options.path))
    report = lab.test(
        definition.source.name,
        options.rows,
        parameters=dict(options.param),
        engine="kernel" if options.quick else "ray",
        no_parity=options.no_parity or "",
        on_result=(lambda result: print(result, flush=True)) if is_shown else None,
    )
    if is_shown:
        for note in report.notes:
            print(f"note: {note}")
        print(f"{report.title}: {report.summary} ({report.seconds:.1f} s)")
    return report


def _keep(report: TestReport, place: str | None) -> None:
    if place is None:
        return
    text = json.dumps(report.as_dict(), indent=2, default=str)
    if place == "-":
        print(text)
    else:
        Path(place).write_text(f"{text}\n", encoding="utf-8")


def _bring_secrets(given: str | None, home: Path) -> None:
    """The lab's secrets in the test's own home, which is gone at the end. Encrypted, as ever."""
    from mixpeek_lab.secrets import SecretStore

    usual = Path(given or os.environ.get("MIXPEEK_LAB_HOME") or ".mixpeek_lab").expanduser()
    if given and not usual.is_dir():
        raise LabError(f"There is no lab at {usual}: --home names its folder.")
    if usual.is_dir():
        for name, value in SecretStore(usual).values().items():
            SecretStore(home).set(name, value)


def _pair(text: str) -> tuple[str, Any]:
    import yaml

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} should read KEY=VALUE.")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: the value is no YAML: {error}") from error


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why, in a few words: --no-parity 'E5 query prefix'")
    return text
