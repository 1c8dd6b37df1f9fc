"""Bring a version of an extractor here from another platform, commit it, and go on from it.

The key is in MIXPEEK_API_KEY, or in the lab's secret of that name (`mixpeek-lab secret set`); it
is never an argument. The package is read and checked, and not run.
"""

from __future__ import annotations

import argparse

from mixpeek_lab.cli.opening import add_place, opened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("name", help="the extractor, or NAME@VERSION (default: the newest)")
    parser.add_argument("--from", dest="source", required=True, metavar="URL", help="the platform")
    parser.add_argument("--namespace", metavar="NS", help="there (default: its only one)")
    parser.add_argument("--force", action="store_true", help="leave what is not committed here")
    add_place(parser, option="--own-namespace")


def run(options: argparse.Namespace) -> None:
    """Pull it, and say what came."""
    from mixpeek_lab.widgets.cards.moved import pulled_card

    with opened(options) as lab:
        pulled = lab.hosted.pull(
            options.name, options.source, namespace=options.namespace, force=options.force
        )
    print(pulled_card(pulled))
