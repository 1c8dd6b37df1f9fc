"""Cells that define what there is: an extractor's package, a retriever, a draft of one.

What is heavy is imported when it is asked for: `%load_ext` imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixpeek_lab.sidebar.item import quoted

if TYPE_CHECKING:
    from mixpeek_lab.workbench import Lab


_NOT_WORD = re.compile(r"[^\w.-]")
_USUAL: Mapping[str, Any] = {"top_k": 100, "weight": 1.0, "lexical": False}
"""What a search has where it does not say."""


def extractor_cell(lab: Lab, name: str) -> str:
    """The working state of an extractor, as a cell to edit. NotFoundError."""
    from mixpeek_lab.cells import join_sections

    source = lab.extractor(name).source
    return f"%%extractor {source.name}\n{join_sections(source)}"


def retriever_cell(lab: Lab, name: str) -> str:
    """A retriever's definition as YAML. NotFoundError."""
    from mixpeek_lab.workbench.retriever_exports import imported

    found, body = imported(lab.export_retriever(name))
    short = _short(body)
    resolve = lab.overview.resolve_retriever
    if short is not None and resolve(short, found) == resolve(body, found):
        body = short
    return f"%%retriever {quoted(found)}\n{_yaml(body)}"


def _short(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A retriever of one search stage as one would write it by hand; None for any other."""
    stages, collections = body.get("stages", ()), body.get("collection_identifiers", ())
    if len(stages) != 1 or not collections:
        return None
    one = len(collections) == 1
    parameters = stages[0].get("config", {}).get("parameters", {})
    searches = [
        {key: value for key, value in search.items() if _USUAL.get(key, search) != value}
        for search in parameters.get("searches", ())
    ]
    return {
        **({"collection": collections[0]} if one else {"collections": list(collections)}),
        "searches": searches,
        **({"fusion": parameters["fusion"]} if "fusion" in parameters else {}),
        **({"limit": parameters["final_top_k"]} if "final_top_k" in parameters else {}),
    }


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
    return f"%%retriever «search_{_NOT_WORD.sub('_', collection.name)}»\n{_yaml(body)}"


def _yaml(body: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    return text.rstrip("\n")
