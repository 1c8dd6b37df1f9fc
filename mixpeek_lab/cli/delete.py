"""Delete a bucket, collection, retriever or extractor, or one object or document."""

from __future__ import annotations

import argparse

WHOLE = ("bucket", "collection", "retriever", "extractor")
PARTS = {"object": "bucket", "document": "collection"}
"""One of many → what it is in."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("kind", choices=[*WHOLE, *PARTS], help="what is deleted")
    parser.add_argument(
        "name", help="its name; of an object its bucket, of a document its collection"
    )
    parser.add_argument("id", nargs="?", help="object, document: its id")
    parser.add_argument("--home", help="folder of the lab (default: .mixpeek_lab)")


def run(options: argparse.Namespace) -> None:
    """Delete it. What others use is refused, and they are named."""
    from mixpeek_lab.errors import InvalidInputError
    from mixpeek_lab.workbench import Lab

    kind, name, key = options.kind, options.name, options.id
    if (key is None) == (kind in PARTS):
        wanted = f"{PARTS[kind].upper()} ID" if kind in PARTS else "NAME"
        raise InvalidInputError(f"Write: mixpeek-lab delete {kind} {wanted}")
    with Lab(options.home) as lab:
        getattr(lab.delete, kind)(*filter(None, (name, key)))
    print(f"Deleted {kind} {key or name}.")
