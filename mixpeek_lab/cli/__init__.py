"""`mixpeek-lab`: the lab from a terminal. One file per command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from mixpeek_lab.errors import LabError
from mixpeek_lab.settings import settings_text

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "demo": "index the docstrings of installed packages; search",
    "lint": "check an extractor's folder, archive or cell, without running it",
    "test": "test an extractor: batch on Ray Data, realtime on Ray Serve, and both together",
    "serve": "serve the local platform over HTTP, without a notebook",
    "namespace": "list, make, rename or delete namespaces",
    "secret": "keep, list or forget secrets",
    "pack": "lint an extractor and write it as the .zip that Mixpeek takes",
    "unpack": "write an extractor's .zip or .tar.gz as a folder",
    "extractor": "versions of extractors: status, commit, log, diff, checkout, tag",
    "push": "send a version of an extractor to another platform",
    "pull": "bring a version of an extractor here from another platform",
    "retriever": "list retrievers and stages; write one as JSON, or define one from it",
    "evaluate": "measure a retriever against judged queries; list, show, compare such runs",
    "delete": "a bucket, collection, retriever, extractor, object or document",
    "bench": "compare with a hand-written loop on a BEIR folder",
}
"""Command → what it does. Its module here has `add_arguments(parser)` and `run(options)`.

`run` prints, and gives the exit code; None is 0.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code, 1 for a LabError, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except LabError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    from mixpeek_lab.version import __version__

    parser = argparse.ArgumentParser(
        prog="mixpeek-lab",
        description="The lab from a terminal. `mixpeek-lab COMMAND --help` has the options.",
        epilog=f"settings (environment variables):\n{settings_text()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mixpeek-lab {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        module = import_module(f"{__name__}.{name}")
        command = commands.add_parser(
            name,
            help=purpose,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
