"""Versions of a lab's extractors: status, commit, log, diff, checkout and tag."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mixpeek_lab.cli.opening import add_place, opened
from mixpeek_lab.errors import UnchangedError

if TYPE_CHECKING:
    from mixpeek_lab.findings import Finding
    from mixpeek_lab.workbench import Lab

ACTIONS = {
    "status": "what changed since the last commit",
    "commit": "make the working state a version for good",
    "log": "the versions: who, when, from which, tags",
    "diff": "two versions side by side: code, manifest, evaluations, rows to compute",
    "checkout": "go back to a version; what it computed is not computed again",
    "tag": "name a version: NAME@TAG from now on",
}
"""Action → what it does."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    for name, purpose in ACTIONS.items():
        action = actions.add_parser(name, help=purpose, description=f"{purpose[:1].upper()}"
                                    f"{purpose[1:]}.")  # fmt: skip
        action.add_argument("name", help="the extractor")
        if name in _OPTIONS:
            _OPTIONS[name](action)
        add_place(action)


def run(options: argparse.Namespace) -> int:
    """Do the action, and print what it gives; 1 where there was nothing to commit, as of git."""
    with opened(options) as lab:
        try:
            print(_RUN[options.action](lab, options))
        except UnchangedError as error:
            print(error)
            return 1
    return 0


def _commit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", "--message", required=True, help="what changed")
    parser.add_argument("--as", dest="number", metavar="VERSION", help="its number (default: next)")
    parser.add_argument(
        "--load", metavar="PATH", help="a folder or an archive that becomes the working state first"
    )


def _diff_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", nargs="?", help="version, tag or digest (default: head)")
    parser.add_argument("after", nargs="?", help="the same (default: the working state)")


def _checkout_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", nargs="?", help="version, tag or digest; or NAME@VERSION in one")
    parser.add_argument("--force", action="store_true", help="leave what is not committed")


def _tag_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tag", nargs="?", help="the tag; without one, those there are")
    parser.add_argument("version", nargs="?", help="default: head; or NAME@VERSION in one")
    parser.add_argument("--force", action="store_true", help="move it from where it is")
    parser.add_argument("--delete", action="store_true", help="forget it")


def _status(lab: Lab, options: argparse.Namespace) -> Any:
    from mixpeek_lab.widgets.cards import StatusCard

    return StatusCard(lab.versions.status(options.name))


def _commit(lab: Lab, options: argparse.Namespace) -> Any:
    from mixpeek_lab.workbench.extractors import demand
    from mixpeek_lab.workbench.numbering import NUMBERED

    told: tuple[Finding, ...] = ()
    if options.load:
        told = demand(lab.load(options.load, options.name)).findings
    commit = lab.versions.commit(options.name, options.message, options.number)
    lines = [f"Committed {commit.name} {commit.version} ({commit.digest[:12]})."]
    if options.number is None:
        lines += [f"note: {f.message} {f.fix}" for f in told if f.rule == NUMBERED]
    return "\n".join(lines)


def _log(lab: Lab, options: argparse.Namespace) -> Any:
    from mixpeek_lab.widgets.cards import LogCard

    return LogCard(lab.versions.log(options.name))


def _diff(lab: Lab, options: argparse.Namespace) -> Any:
    from mixpeek_lab.widgets.cards import DiffCard

    return DiffCard(lab.versions.diff(options.name, options.before, options.after))


def _checkout(lab: Lab, options: argparse.Namespace) -> Any:
    from mixpeek_lab.widgets.cards import CheckoutCard

    return CheckoutCard(lab.versions.checkout(options.name, options.version, force=options.force))


def _tag(lab: Lab, options: argparse.Namespace) -> Any:
    name, tag = options.name, options.tag
    if not tag:
        tags = lab.versions.log(name).tags
        return "\n".join(f"{tag} {version}" for tag, version in tags.items()) or "No tags yet."
    if options.delete:
        lab.versions.untag(name, tag)
        return f"Tag {tag} of {name} is forgotten."
    commit = lab.versions.tag(name, tag, options.version, force=options.force)
    return f"{commit.name}@{tag} is {commit.version}."


_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "commit": _commit_options, "diff": _diff_options, "checkout": _checkout_options,
    "tag": _tag_options,
}  # fmt: skip
_RUN: dict[str, Callable[[Lab, argparse.Namespace], Any]] = {
    "status": _status, "commit": _commit, "log": _log, "diff": _diff, "checkout": _checkout,
    "tag": _tag,
}  # fmt: skip
