"""Keep, list or forget secrets, which extractors read with `container.secrets`."""

from __future__ import annotations

import argparse
import sys

from mixpeek_lab.cli.opening import add_place, home_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=["set", "list", "delete"],
                        help="set asks for the value, or reads it from standard input")  # fmt: skip
    parser.add_argument("name", nargs="?", help="such as EXTERNAL_API_KEY")
    add_place(parser)


def run(options: argparse.Namespace) -> None:
    """Set (the value is asked for, or read from standard input), list or delete."""
    from getpass import getpass

    from mixpeek_lab.errors import InvalidInputError
    from mixpeek_lab.secrets import SecretStore, demand_name

    store = SecretStore(home_of(options).path)
    if options.action == "list":
        print("\n".join(store.names()) or "There is no secret yet.")
    elif not options.name:
        raise InvalidInputError(f"Name the secret: mixpeek-lab secret {options.action} NAME")
    elif options.action == "delete":
        store.delete(options.name)
    else:
        demand_name(options.name)
        is_typed = sys.stdin.isatty()
        value = getpass(f"{options.name}: ") if is_typed else sys.stdin.read().rstrip("\n")
        store.set(options.name, value)
