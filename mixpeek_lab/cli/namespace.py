"""List the namespaces of a lab, make one, rename one, or delete one with everything in it."""

from __future__ import annotations

import argparse

from mixpeek_lab.errors import InvalidInputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=["list", "create", "rename", "delete"],
                        help="delete takes everything in it along")  # fmt: skip
    parser.add_argument("name", nargs="?", help="its name or id")
    parser.add_argument("new_name", nargs="?", help="rename: the new one")
    parser.add_argument("--description", default="", help="create: what it is for")
    parser.add_argument("--home", help="folder of the lab (default: .mixpeek_lab)")


def run(options: argparse.Namespace) -> None:
    """Do it, and print what there is now."""
    from mixpeek_lab.workbench import Lab

    if options.action != "list" and not options.name:
        raise InvalidInputError(f"Name it: mixpeek-lab namespace {options.action} NAME")
    if (options.action == "rename") != bool(options.new_name):
        raise InvalidInputError("Two names are for renaming: mixpeek-lab namespace rename OLD NEW")
    with Lab(options.home) as lab:
        if options.action == "create":
            lab.namespaces.create(options.name, options.description)
        elif options.action == "rename":
            lab.namespaces.update(options.name, new_name=options.new_name)
        elif options.action == "delete":
            lab.namespaces.delete(options.name)
        for each in lab.namespaces.list():
            about = each.details.get("description", "")
            print(f"{each.namespace_id}  {each.name}" + (f"  {about}" if about else ""))
