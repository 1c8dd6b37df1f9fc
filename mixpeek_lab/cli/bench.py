"""Compare the lab with a hand-written script that does the same work, on a BEIR folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("path", help="folder with corpus.jsonl, queries.jsonl, qrels/test.tsv")
    parser.add_argument("--json", metavar="FILE", help="keep the numbers")
    parser.add_argument("--analyzer", default="english", metavar="NAME",
                        help="text analysis of BM25: plain, … (default: english)")  # fmt: skip
    parser.add_argument("--no-serve", action="store_true", help="leave the endpoint out")


def run(options: argparse.Namespace) -> None:
    """Run the benchmark and print its table."""
    from mixpeek_lab.bench import format_table, run_bench

    numbers = run_bench(
        Path(options.path),
        analyzer=options.analyzer,
        serve=not options.no_serve,
        say=lambda text: print(text, flush=True),
    )
    print(format_table(numbers))
    if options.json:
        Path(options.json).write_text(json.dumps(numbers, indent=2))
