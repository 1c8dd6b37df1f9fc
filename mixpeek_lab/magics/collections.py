"""`%collection`: what was made of buckets, and taking it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import read_options
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.models import Collection
    from mixpeek_lab.widgets.cards import FactsCard

COLLECTION_ACTIONS = ("list", "delete")


@magics_class
class CollectionMagics(Magics):
    """Collections in the notebook."""

    @explained()
    @argument(
        "name", nargs="?", default="list", help="a collection, or list, or delete (default: list)"
    )
    @argument("more", nargs="?", help="delete: the collection")
    @argument("document", nargs="?", help="delete: one document of it alone")
    @line_magic
    @tells_errors
    def collection(self, line: str) -> FactsCard | None:
        """Show collections, or delete one.

        %collection list                      all of them
        %collection NAME                      this one
        %collection delete NAME               with its documents; refused where a retriever needs it
        %collection delete NAME DOCUMENT_ID   one document

        `%process` makes them; `%explore NAME` and `%inspect NAME` show the documents.
        """
        from mixpeek_lab.widgets.cards import FactsCard

        options = read_options(self.collection, line)
        name, more = options.name, options.more or ""
        if name == "delete":
            delete("collection", more, "document", options.document or "")
            return None
        if more:
            raise InvalidInputError(f"%collection NAME: what is {more!r} for?")
        if name == "list":
            found = current_lab().collections()
            count = f"{len(found) or 'no'} collection{'' if len(found) == 1 else 's'}"
            return FactsCard(count, [(each.name, _in_short(each)) for each in found])
        return FactsCard(f"collection {name}", _facts(current_lab().collection(name)))


def delete(kind: str, name: str, part: str = "", key: str = "") -> None:
    """Delete what a line says: a bucket, …, or with a key only the part of it that has it."""
    if not name:
        raise InvalidInputError(f"%{kind} delete NAME: which one?")
    lab = current_lab()
    if key:
        getattr(lab.delete, part)(name, key)
        print(f"Deleted {part} {key}.")  # noqa: T201
    else:
        getattr(lab.delete, kind)(name)
        print(f"Deleted {kind} {name}.")  # noqa: T201


def _in_short(found: Collection) -> str:
    count = found.document_count
    return f"{count:,} document{'' if count == 1 else 's'} by {found.extractor}"


def _facts(found: Collection) -> list[tuple[str, str]]:
    names = current_lab().lineage.sources(found.name)
    return [
        ("documents", f"{found.document_count:,}"),
        (f"made of {found.source.kind}", ", ".join(names)),
        ("extractor", f"{found.extractor}@{found.extractor_version}"),
    ]
