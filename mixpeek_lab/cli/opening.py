"""The lab that a command works on: `--home`, and `--namespace` in it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpeek_lab.workbench import Lab
    from mixpeek_lab.workbench.home import Home


def add_place(parser: argparse.ArgumentParser, *, option: str = "--namespace") -> None:
    """The two options. `option`: another name, where a command has a `--namespace` already."""
    parser.add_argument("--home", help="folder of the lab (default: .mixpeek_lab)")
    parser.add_argument(
        option, dest="own_namespace", metavar="NAME", help="of the lab's own (default: default)"
    )


@contextmanager
def opened(options: argparse.Namespace, home: str | Path | None = None) -> Iterator[Lab]:
    """The lab of the namespace that the options name. NotFoundError where there is none."""
    from mixpeek_lab.workbench import Lab

    with Lab(home or options.home) as lab:
        yield lab.namespace(options.own_namespace or "default")


def home_of(options: argparse.Namespace) -> Home:
    """The home folder alone, without a lab. NotFoundError where there is no such namespace."""
    from mixpeek_lab.catalog import Catalog
    from mixpeek_lab.workbench.home import Home
    from mixpeek_lab.workbench.spaces import Spaces

    home = Home.open(options.home)
    if not options.own_namespace:
        return home
    spaces = Spaces(Catalog(home.catalog), home)
    return spaces.open(spaces.find(options.own_namespace)).home
