"""Cells that define what there is: an extractor's package, a retriever, a draft of one.

What is heavy is imported when it is asked for: `%load_ext` imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpeek_lab.workbench import Lab


def extractor_cell(lab: Lab, name: str) -> str:
    """The working state of an extractor, as a cell to edit. NotFoundError."""
    from mixpeek_lab.cells import join_sections

    source = lab.extractor(name).source
    return f"%%extractor {source.name}\n{join_sections(source)}"


def retriever_cell(lab: Lab, name: str) -> str:
    """A retriever's definition as YAML. NotFoundError."""
    from mixpeek_lab.workbench.retriever_exports import imported

    found, body = imported(lab.export_retriever(name))
    return f"%%retriever {found}\n{_yaml(body)}"


def retriever_draft(lab: Lab, name: str) -> str:
    """A retriever over a collection: each of its vectors, and its words. NotFoundError."""
    collection = lab.collection(name)
    made = lab.versions.find(f"{collection.extractor}@{collection.extractor_version}")
    searches: list[dict[str, Any]] = [{"feature": f.feature_name} for f in made.manifest.vectors]
    body = {
        "collection": collection.name,
        "searches": [*searches, {"lexical": True}],
        "fusion": "rrf",
    }
    return f"%%retriever «search_{collection.name.replace(' ', '_')}»\n{_yaml(body)}"


def _yaml(body: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    return text.rstrip("\n")
