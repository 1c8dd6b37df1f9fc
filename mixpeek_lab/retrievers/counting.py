"""What a feature_search says about its candidates as a whole: groups of them, counts of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mixpeek_lab.filters.values import resolve, scalars
from mixpeek_lab.fusion import Fused
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.context import FetchedDocument
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.spec import Facet, GroupBy


def grouped(
    fused: Sequence[Fused], documents: Mapping[str, FetchedDocument], group_by: GroupBy
) -> tuple[list[Fused], int]:
    """The hits that the grouping keeps, in its order; and how many have no value to group by."""
    groups: dict[str, list[Fused]] = {}
    kept: list[Fused] = []
    left_out = 0
    size = 1 if group_by.output_mode == "first" else group_by.group_size
    for entry in fused:
        key = _group_key(documents.get(entry.document_id), group_by.field)
        left_out += key is None
        if key is None or (key not in groups and len(groups) == group_by.limit):
            continue
        members = groups.setdefault(key, [])
        if len(members) < size:
            members.append(entry)
            kept.append(entry)
    if group_by.output_mode != "flatten":
        kept = [entry for members in groups.values() for entry in members]
    return kept, left_out


def counted(facet: Facet, documents: Sequence[FetchedDocument | None]) -> dict[str, JSON]:
    """The values of a field among the documents, the most frequent first, equal counts by value.

    Of scope `candidates` these are the documents that the searches found (each up to its top_k,
    its filters and min_score applied) and whose fused score reaches min_score; grouping and pages
    do not matter. Of scope `collection` they are all that pass the filters of retriever and
    request. A list counts once for each of its different values. `missing` documents have none, and
    `other_values` are those beyond the facet's limit.
    """
    counts: Counter[str] = Counter()
    values: dict[str, JSON] = {}
    missing = 0
    for document in documents:
        own = {_key(value): value for value in scalars(plain(value_of(document, facet.key)))}
        counts.update(own.keys())
        values.update(own)
        missing += not own
    order = sorted(counts, key=lambda key: (-counts[key], _order(values[key])))
    shown = order[: facet.limit]
    return {
        "key": facet.key,
        "values": [{"value": values[key], "count": counts[key]} for key in shown],
        "other_values": len(order) - len(shown),
        "missing": missing,
        "total": len(documents),
        "over": facet.scope,
        "scope": facet.scope,
        "exact": True,
    }


def value_of(document: FetchedDocument | None, name: str) -> JSON:
    """A document's value at a dotted path, or of its lineage: `root_object_id`, `collection_id`."""
    if document is None:
        return None
    value = resolve(document.fields, name)
    if value is None:
        value = resolve({**document.lineage, "collection_id": document.collection_id}, name)
    return value


def ids(fused: Iterable[Fused]) -> list[str]:
    """The documents' ids."""
    return [entry.document_id for entry in fused]


def _group_key(document: FetchedDocument | None, name: str) -> str | None:
    value = value_of(document, name)
    return None if value is None else _key(value)


def _key(value: JSON) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _order(value: JSON) -> tuple[int, float, str]:
    """Numbers by size, then texts, then the rest by how they are written."""
    if isinstance(value, bool):
        return (2, 0.0, str(value))
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, value) if isinstance(value, str) else (2, 0.0, _key(value))
