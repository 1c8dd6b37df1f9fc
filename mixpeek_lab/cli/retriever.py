"""Write a retriever as the JSON that Mixpeek takes, or define one from such a file."""

from __future__ import annotations

import argparse
import sys

from mixpeek_lab.cli.opening import add_place, opened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=["export", "import"])
    parser.add_argument("name", help="export: the retriever. import: the file")
    parser.add_argument("more", nargs="?", help="export: file to write. import: another name")
    add_place(parser)


def run(options: argparse.Namespace) -> None:
    """Print or write the JSON; or define the retriever, and show it."""
    from mixpeek_lab.widgets.cards import RetrieverCard
    from mixpeek_lab.workbench.retriever_exports import (
        hosted_problems,
        read_export,
        to_text,
        write_export,
    )

    with opened(options) as lab:
        if options.action == "import":
            record = lab.import_retriever(read_export(options.name), options.more)
            print(RetrieverCard(record.name, record.body, record.notes))
            return
        body = lab.export_retriever(options.name)
    if options.more:
        print(f"Wrote {write_export(body, options.more)}")
    else:
        print(to_text(body), end="")
    for problem in hosted_problems(body):
        print(f"note: {problem}", file=sys.stderr)
