"""`%retriever export` and `import`: retrievers as JSON files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import RetrieverCard


def export_retriever(name: str | None, file: str | None) -> None:
    """Print the retriever's JSON, or write it; with what Mixpeek would not take of it."""
    from mixpeek_lab.workbench.retriever_exports import hosted_problems, to_text, write_export

    if not name:
        raise InvalidInputError("%retriever export NAME: which one?")
    body = current_lab().export_retriever(name)
    if file is None:
        print(to_text(body), end="")  # noqa: T201
    else:
        print(f"Wrote {write_export(body, file)}")  # noqa: T201
    for problem in hosted_problems(body):
        print(f"note: {problem}")  # noqa: T201


def import_retriever(file: str | None, name: str | None) -> RetrieverCard:
    """Define a retriever from a file of JSON."""
    from mixpeek_lab.widgets.cards import RetrieverCard
    from mixpeek_lab.workbench.retriever_exports import read_export

    if not file:
        raise InvalidInputError("%retriever import FILE: which file?")
    record = current_lab().import_retriever(read_export(file), name)
    return RetrieverCard(record.name, record.body, record.notes)
