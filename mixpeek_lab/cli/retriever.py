"""Retrievers: the list, the stages they may have, and one as the JSON that Mixpeek takes."""

from __future__ import annotations

import argparse
import sys

from mixpeek_lab.cli.opening import add_place, opened
from mixpeek_lab.errors import InvalidInputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=["list", "stages", "export", "import"],
                        help="stages: what may come after the searches")  # fmt: skip
    parser.add_argument(
        "name", nargs="?",
        help="export: the retriever. import: the file. stages: one of them, for its parameters",
    )  # fmt: skip
    parser.add_argument("more", nargs="?", help="export: file to write. import: another name")
    add_place(parser)


def run(options: argparse.Namespace) -> None:
    """Print or write what is asked for; or define the retriever, and show it."""
    if options.more and options.action in ("list", "stages"):
        raise InvalidInputError(f"retriever {options.action}: what is {options.more!r} for?")
    if options.action == "stages":
        from mixpeek_lab.widgets.cards.stages import stages_card

        print(stages_card(options.name))
    elif options.action == "list":
        _list(options)
    elif not options.name:
        what = "FILE" if options.action == "import" else "NAME"
        raise InvalidInputError(f"Say which: mixpeek-lab retriever {options.action} {what}")
    else:
        _move(options)


def _list(options: argparse.Namespace) -> None:
    from mixpeek_lab.widgets.cards import RetrieverList

    if options.name:
        raise InvalidInputError(f"retriever list: what is {options.name!r} for?")
    with opened(options) as lab:
        print(RetrieverList([(each.name, each.body) for each in lab.retrievers()]))


def _move(options: argparse.Namespace) -> None:
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
