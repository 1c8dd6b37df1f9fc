"""Datasets made of interactions: what people took up counts as relevant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from mixpeek_lab.catalog import Catalog, Interaction
from mixpeek_lab.errors import BodyError, InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.interactions import check_types
from mixpeek_lab.workbench.platform.bodies import demand_known, optional

POSITIVE = ("click", "purchase", "positive_feedback", "bookmark", "share")
_FIELDS = ("dataset_name", "min_interactions", "lookback_days", "positive_interaction_types")


def clicked_dataset(catalog: Catalog, retriever: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
    """The body of a dataset: each query with the documents that people took up.

    Queries with fewer positive interactions than `min_interactions` (5) are left out, as are those
    older than `lookback_days` (30). InvalidInputError where none is left.
    """
    demand_known(body, _FIELDS)
    least = _whole(body, "min_interactions", 5, 1_000_000)
    days = _whole(body, "lookback_days", 30, 365)
    types = optional(body, "positive_interaction_types", list) or list(POSITIVE)
    _check(types)
    record = catalog.retriever(retriever)
    since = datetime.now(UTC) - timedelta(days=days)
    by_query: dict[str, list[str]] = {}
    for each in reversed(catalog.interactions(retriever_id=record.retriever_id)):
        query = each.details.get("query_snapshot")
        if query and set(each.types) & set(types) and _when(each) >= since:
            by_query.setdefault(json.dumps(query, sort_keys=True), []).append(each.document_id)
    kept = {query: documents for query, documents in by_query.items() if len(documents) >= least}
    if not kept:
        raise InvalidInputError(
            f"No query of retriever {record.name!r} has {least} positive interactions with a "
            f"query_snapshot in the last {days} days ({len(by_query)} queries have some). Record "
            "more, or lower min_interactions."
        )
    today = datetime.now(UTC).date().isoformat()
    return {
        "dataset_name": optional(body, "dataset_name", str)
        or f"auto_{record.retriever_id}_{today}",
        "description": f"Made of the interactions with {record.name} in {days} days.",
        "queries": [
            {
                "query_id": f"q{number}",
                "query_input": json.loads(query),
                "relevant_documents": list(dict.fromkeys(documents)),
            }
            for number, (query, documents) in enumerate(kept.items(), start=1)
        ],
    }


def _check(types: list[JSON]) -> None:
    try:
        check_types(types, "positive_interaction_types")
    except InvalidInputError as error:
        name, _, reason = str(error).partition(": ")
        raise BodyError.at(name, reason) from error


def _when(each: Interaction) -> datetime:
    """When it happened, or when it was recorded; a time without a zone is UTC."""
    found = datetime.fromisoformat(str(each.details.get("occurred_at") or each.created_at))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _whole(body: Mapping[str, JSON], name: str, usual: int, most: int) -> int:
    value = optional(body, name, int)
    if value is None:
        return usual
    if not 1 <= value <= most:
        raise BodyError.at(name, f"must be 1 to {most}.")
    return value
