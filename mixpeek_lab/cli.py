"""`mixpeek-lab`: the lab from a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mixpeek_lab.errors import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 for a LabError, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except LabError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    from mixpeek_lab.version import __version__

    parser = argparse.ArgumentParser(prog="mixpeek-lab", description=__doc__)
    parser.add_argument("--version", action="version", version=f"mixpeek-lab {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="index the docstrings of installed packages; search")
    demo.add_argument("--documents", type=int, default=1500, help="how many (default: 1500)")
    demo.add_argument("--home", help="folder that keeps the lab's state (default: .mixpeek_lab)")
    demo.set_defaults(run=_demo)

    secret = commands.add_parser("secret", help="keep, list or forget secrets")
    secret.add_argument("action", choices=["set", "list", "delete"])
    secret.add_argument("name", nargs="?", help="such as EXTERNAL_API_KEY")
    secret.add_argument("--home", help="folder that keeps the lab's state (default: .mixpeek_lab)")
    secret.set_defaults(run=_secret)

    bench = commands.add_parser("bench", help="compare with a hand-written loop on a BEIR folder")
    bench.add_argument("path", help="folder with corpus.jsonl, queries.jsonl, qrels/test.tsv")
    bench.add_argument("--json", metavar="FILE", help="keep the numbers")
    bench.add_argument("--analyzer", default="english", help="english (stemmed), plain, …")
    bench.add_argument("--no-serve", action="store_true", help="leave the endpoint out")
    bench.set_defaults(run=_bench)
    return parser


def _demo(options: argparse.Namespace) -> None:
    from mixpeek_lab.demo import run_demo

    run_demo(lambda text: print(text, flush=True), documents=options.documents, home=options.home)


def _secret(options: argparse.Namespace) -> None:
    from getpass import getpass

    from mixpeek_lab.errors import InvalidInputError
    from mixpeek_lab.secrets import SecretStore
    from mixpeek_lab.workbench.home import Home

    store = SecretStore(Home.open(options.home).path)
    if options.action == "list":
        print("\n".join(store.names()) or "There is no secret yet.")
    elif not options.name:
        raise InvalidInputError(f"Name the secret: mixpeek-lab secret {options.action} NAME")
    elif options.action == "delete":
        store.delete(options.name)
    else:
        is_typed = sys.stdin.isatty()
        value = getpass(f"{options.name}: ") if is_typed else sys.stdin.read().rstrip("\n")
        store.set(options.name, value)


def _bench(options: argparse.Namespace) -> None:
    import json
    from pathlib import Path

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


if __name__ == "__main__":
    sys.exit(main())
