"""Index the docstrings of the installed packages, and search them."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--documents", type=int, default=1500, help="how many (default: 1500)")
    parser.add_argument("--home", help="folder that keeps the lab's state (default: .mixpeek_lab)")


def run(options: argparse.Namespace) -> None:
    """Run the demo."""
    from mixpeek_lab.demo import run_demo

    run_demo(lambda text: print(text, flush=True), documents=options.documents, home=options.home)
