"""Interactions over the API: what people did with hits, in Mixpeek's shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mixpeek_lab.catalog import Catalog, Interaction
from mixpeek_lab.errors import BodyError, InvalidInputError, LabError
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers import parse_retriever
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.interactions import check_types
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown
from mixpeek_lab.workbench.platform.executions import Executions
from mixpeek_lab.workbench.values import plain

MOST_AT_ONCE = 1000
MOST_POSITION = 1_000_000
CLOCKS = timedelta(days=1)
"""How far another platform's clock may be ahead, zones that it does not tell included."""
FILTERS = ("execution_id", "retriever_id", "session_id", "user_id", "feature_id")
OF_A_SEARCH = ("zero_results", "query_refinement", "filter_toggle")
"""Types that are of a search as a whole: there may be no document that it showed."""
_DETAILS: dict[str, type[Any]] = {
    "metadata": dict,
    "query_snapshot": dict,
    "result_set_size": int,
    "occurred_at": str,
}
_FIELDS = (
    "feature_id", "document_id", "interaction_type", "position", "user_id", "session_id",
    "execution_id", "retriever_id", "document_score", "feature_uri", *_DETAILS,
)  # fmt: skip


class PlatformInteractions:
    """Interactions by id."""

    def __init__(self, catalog: Catalog, executions: Executions) -> None:
        self._catalog, self._executions = catalog, executions

    def create(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep one. The same one again (execution, document, types) is told as a duplicate."""
        read = self._read(body)
        [interaction_id] = self._catalog.add_interactions([read])
        if interaction_id is None:
            return {**_record(read), "interaction_id": None, "deduplicated": True}
        answer = _record(self._catalog.interaction(interaction_id))
        if not read.legs:
            answer["warning"] = (
                "Without feature_uri (a feature's URI, or a leg's name) it teaches learned fusion "
                "nothing."
            )
        elif read.retriever_id is None:
            answer["warning"] = "Without retriever_id it teaches learned fusion nothing."
        return answer

    def create_batch(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Keep up to 1000. Those that cannot be read are told by their number, the others kept."""
        demand_known(body, ("interactions",))
        given = required(body, ("interactions",), list)
        if not 1 <= len(given) <= MOST_AT_ONCE:
            raise BodyError.at("interactions", f"must have 1 to {MOST_AT_ONCE} entries.")
        read, errors = self._read_all(given)
        ids = self._catalog.add_interactions([each for _, each in read])
        pairs = zip(read, ids, strict=True)
        results = [
            {"index": at, "interaction_id": key, "status": "created"}
            for (at, _), key in pairs
            if key is not None
        ]
        return {
            "created": len(results),
            "failed": len(errors),
            "errors": errors or None,
            "results": results,
        }

    def get(self, interaction_id: str) -> dict[str, JSON]:
        """One of them."""
        return _record(self._catalog.interaction(interaction_id))

    def delete(self, interaction_id: str) -> dict[str, JSON]:
        """Forget one."""
        self._catalog.interaction(interaction_id)
        self._catalog.delete_interactions(interaction_id=interaction_id)
        return {"success": True, "interaction_id": interaction_id}

    def list_all(self, body: Mapping[str, JSON], offset: int, limit: int) -> tuple[list[JSON], int]:
        """Newest first, those that the body's fields name, and how many there are in total."""
        demand_known(body, (*FILTERS, "interaction_type"))
        equal = {name: optional(body, name, str) for name in FILTERS}
        equal["document_id"] = equal.pop("feature_id")
        kind = optional(body, "interaction_type", str)
        if kind is not None:
            _checked_types([kind])
        found = self._catalog.interactions(kind, offset, limit, **equal)
        return [_record(each) for each in found], self._catalog.count_interactions(kind, **equal)

    def _read_all(self, given: list[Any]) -> tuple[list[tuple[int, Interaction]], list[str]]:
        read: list[tuple[int, Interaction]] = []
        errors: list[str] = []
        for at, each in enumerate(given):
            try:
                if not isinstance(each, dict):
                    raise BodyError.at("(entry)", f"must be an object, and is {shown(each)}.")
                read.append((at, self._read(each)))
            except LabError as error:
                errors.append(f"interactions[{at}]: {error}")
        return read, errors

    def _read(self, body: Mapping[str, JSON]) -> Interaction:
        demand_known(body, _FIELDS)
        types = _types(body)
        position = required(body, ("position",), int)
        if not 0 <= position <= MOST_POSITION:
            raise BodyError.at("position", "counts from 0, and is a place in a list of results.")
        retriever = optional(body, "retriever_id", str)
        execution = optional(body, "execution_id", str)
        if retriever and not execution:
            raise BodyError.at("execution_id", "is missing: every execute answer has it.")
        document = required(body, ("feature_id", "document_id"), str)
        retriever_id = self._retriever_id(retriever)
        if execution:
            shown_one = document if set(types) - set(OF_A_SEARCH) else None
            # What happened long ago, perhaps on another platform, is taken as it is told.
            is_history = bool(body.get("occurred_at"))
            self._executions.demand(execution, retriever_id, shown_one, is_history=is_history)
        return Interaction(
            document_id=document,
            types=types,
            position=position,
            retriever_id=retriever_id,
            execution_id=execution,
            legs=self._legs(optional(body, "feature_uri", str), retriever),
            user_id=optional(body, "user_id", str),
            session_id=optional(body, "session_id", str),
            details=_details(body, types),
        )

    def _retriever_id(self, retriever: str | None) -> str | None:
        return None if retriever is None else self._catalog.retriever(retriever).retriever_id

    def _legs(self, given: str | None, retriever: str | None) -> tuple[str, ...]:
        """A feature's URI, normalised, or the name of a leg: BM25 has no feature."""
        if not given:
            return ()
        legs = (
            parse_retriever(self._catalog.retriever(retriever).body).searches if retriever else ()
        )
        if given in [leg.name for leg in legs]:
            return (given,)
        try:
            uri = str(FeatureURI.parse(given))
        except InvalidInputError as error:
            names = ", ".join(leg.name for leg in legs)
            raise BodyError.at("feature_uri", f"{error} Or a leg's name: {names}.") from error
        if legs and uri not in [leg.feature_uri for leg in legs]:
            known = ", ".join(leg.feature_uri or leg.name for leg in legs)
            raise BodyError.at("feature_uri", f"is no leg of this retriever. It has: {known}.")
        return (uri,)


def _types(body: Mapping[str, JSON]) -> tuple[str, ...]:
    given = body.get("interaction_type")
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed or not all(isinstance(t, str) for t in listed):
        raise BodyError.at("interaction_type", 'must be a list of types, such as ["click"].')
    return _checked_types(listed)


def _checked_types(types: list[str]) -> tuple[str, ...]:
    try:
        check_types(types, "interaction_type")
    except InvalidInputError as error:
        raise BodyError.at("interaction_type", str(error).partition(": ")[2]) from error
    return tuple(dict.fromkeys(types))


def _details(body: Mapping[str, JSON], types: tuple[str, ...]) -> dict[str, JSON]:
    found: dict[str, JSON] = {name: optional(body, name, kind) for name, kind in _DETAILS.items()}
    score = body.get("document_score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise BodyError.at("document_score", f"must be a number, and is {shown(score)}.")
    size = found["result_set_size"]
    if size is not None and size < (0 if "zero_results" in types else 1):
        raise BodyError.at("result_set_size", "must be 1 or more, or 0 with zero_results.")
    found["document_score"] = score
    if (when := found["occurred_at"]) is not None:
        found["occurred_at"] = _moment(when).isoformat()
    return {name: plain(value) for name, value in found.items() if value is not None}


def _moment(when: str) -> datetime:
    try:
        found = datetime.fromisoformat(when)
        is_to_come = found.replace(tzinfo=found.tzinfo or UTC) > datetime.now(UTC) + CLOCKS
    except (ValueError, OverflowError) as error:
        raise BodyError.at("occurred_at", f"must be ISO 8601, and is {shown(when)}.") from error
    if is_to_come:
        raise BodyError.at("occurred_at", f"is {shown(when)}: that is to come.")
    return found


def _record(each: Interaction) -> dict[str, JSON]:
    details = dict.fromkeys(("document_score", *_DETAILS)) | dict(each.details)
    return {
        "interaction_id": each.interaction_id,
        "feature_id": each.document_id,
        "interaction_type": list(each.types),
        "position": each.position,
        "retriever_id": each.retriever_id,
        "execution_id": each.execution_id,
        "feature_uri": each.legs[0] if each.legs else None,
        "legs": list(each.legs),
        "user_id": each.user_id,
        "session_id": each.session_id,
        **details,
        "timestamp": each.created_at,
        "deduplicated": False,
        "warning": None,
    }
