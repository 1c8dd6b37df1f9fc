"""Send a committed version of an extractor to another platform.

The key is in MIXPEEK_API_KEY, or in the lab's secret of that name (`mixpeek-lab secret set`); it
is never an argument. What arrived in an earlier try is not sent again: run the same command.
"""

from __future__ import annotations

import argparse

from mixpeek_lab.cli.opening import add_place, opened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("name", help="the extractor, or NAME@VERSION, or NAME@TAG (default: head)")
    parser.add_argument(
        "--to", required=True, metavar="URL", help="such as https://api.mixpeek.com"
    )
    parser.add_argument("--namespace", metavar="NS", help="there (default: its only one)")
    parser.add_argument("--deploy", action="store_true", help="have it served, and wait for that")
    parser.add_argument("--batch-only", action="store_true", help="deploy it for batches alone")
    add_place(parser, option="--own-namespace")


def run(options: argparse.Namespace) -> None:
    """Push it, and say each step."""
    from mixpeek_lab.widgets.cards.moved import pushed_card

    with opened(options) as lab:
        pushed = lab.hosted.push(
            options.name,
            options.to,
            namespace=options.namespace,
            deploy=options.deploy,
            batch_only=options.batch_only,
            on_step=lambda step: print(step, flush=True),
        )
    print(pushed_card(pushed))
