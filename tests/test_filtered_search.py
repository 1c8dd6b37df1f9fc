"""Filters in searches, against an evaluator written here: on flat, HNSW and IVF indexes."""

from __future__ import annotations

import random
import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packages import HASH_EMBEDDER

from mixpeek_lab.indexes.vectors import FEW
from mixpeek_lab.workbench import Lab

KINDS = ("flat", "hnsw", "ivf")
COUNT, SHOWN = 2_600, 10
"""More documents than FEW, so that wide filters walk the graph and the lists."""
WORDS = [f"{head}{tail}" for head in "bcdfghjk" for tail in ("an", "er", "il", "of", "um", "ax")]
NAMES = [
    "Apple",
    "apple pie",
    "ÄPFEL",
    "äpfel",
    "Straße",
    "strasse",
    "東京",
    "Ünal",
    "10",
    "",
    "b2B",
]
QUERY = "ban cer dil fof gum hax"


def made_row(n: int, draw: random.Random) -> dict[str, Any]:
    """A document whose fields are sometimes null, sometimes absent."""
    row = {
        "_id": f"r{n}",
        "text": " ".join(draw.choices(WORDS, k=12)),
        "name": draw.choice([*NAMES, None]),
        "n": draw.choice([None, -1, 0, 1, 2, 10, 2**53 + 1]),
        "ratio": draw.choice([None, -0.5, 0.0, 0.5, 1.0, 2.0]),
        "flag": draw.choice([None, True, False]),
        "tags": draw.choice([None, [], ["A", "b"], ["Straße"], ["apple", "10"]]),
        "place": draw.choice([None, {"city": "Köln", "zip": 50667}, {"city": None, "zip": 1}]),
        "filed": draw.choice([None, "2023-01-31", "2024-11-01"]),
    }
    absent = draw.sample(sorted(set(row) - {"_id", "text"}), k=draw.choice([0, 0, 1, 3]))
    return {key: value for key, value in row.items() if key not in absent}


class Stored:
    """The same documents in one collection for each kind of index."""

    def __init__(self, home: Path) -> None:
        draw = random.Random(11)
        rows = [made_row(n, draw) for n in range(COUNT)]
        self.lab = Lab(home)
        self.lab.load(HASH_EMBEDDER)
        self.lab.bucket("b", rows)
        for kind in KINDS:
            options: dict[str, Any] = {"engine": "kernel", "indexes": {"hash_embedding": kind}}
            self.lab.process("b", "hash_embedder", kind, **options)
        # The field that was embedded is called `data` from there on.
        self.documents = {row["_id"]: {**row, "data": row["text"]} for row in rows}
        self.vectors = np.stack([embed(row["text"]) for row in rows])

    def __repr__(self) -> str:
        return "stored"

    def found(self, kind: str, filters: Any, query: str = QUERY) -> list[str]:
        """The ids of a search's hits."""
        body = {"collection": kind, "searches": [{"feature": "hash_embedding", "top_k": SHOWN}]}
        hits = self.lab.search(body, query, limit=SHOWN, filters=filters).hits
        return [str(hit.fields["_id"]) for hit in hits]

    def admitted(self, filters: Any) -> set[str]:
        """The documents that a filter admits."""
        return {key for key, row in self.documents.items() if holds(row, filters)}

    def similarity(self, query: str) -> dict[str, float]:
        """Document → cosine."""
        return dict(zip(self.documents, (self.vectors @ embed(query)).tolist(), strict=True))


def embed(text: str) -> Any:
    return EMBEDDER["embed"](text)


EMBEDDER = runpy.run_path(str(HASH_EMBEDDER / "processors" / "words.py"))


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Stored:
    return Stored(tmp_path_factory.mktemp("filters") / "home")


# ---------------------------------------------------------------- what a filter means


def holds(row: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """The grammar's meaning, as plainly as it can be written."""
    if "AND" in filters:
        return all(holds(row, part) for part in filters["AND"])
    if "OR" in filters:
        return any(holds(row, part) for part in filters["OR"])
    if "NOT" in filters:
        parts = filters["NOT"] if isinstance(filters["NOT"], list) else [filters["NOT"]]
        return not any(holds(row, part) for part in parts)
    return condition_holds(row, **filters)


def condition_holds(row, field, operator, value, case_sensitive=False) -> bool:
    if operator in ("ne", "nin"):
        return not condition_holds(row, field, {"ne": "eq", "nin": "in"}[operator], value,
                                   case_sensitive)  # fmt: skip
    held: Any = row
    for key in field.split("."):
        held = held.get(key) if isinstance(held, dict) else None
    if operator in ("exists", "is_null"):
        return (held is not None) == (value if operator == "exists" else not value)
    wanted = value if operator == "in" else [value]
    if operator in ("eq", "in") and held is None:
        return None in wanted
    entries = held if isinstance(held, list) else [] if held is None else [held]
    if operator == "in" or operator == "eq" or (operator == "contains" and isinstance(held, list)):
        return any(same(entry, one, case_sensitive) for entry in entries for one in wanted)
    return any(compares(entry, operator, value, case_sensitive) for entry in entries)


def same(entry, value, case_sensitive) -> bool:
    if isinstance(entry, str) and isinstance(value, str) and not case_sensitive:
        return entry.casefold() == value.casefold()
    if isinstance(entry, dict):
        return False
    return kind_of(entry) == kind_of(value) and entry == value


def compares(entry, operator, value, case_sensitive) -> bool:
    if operator in ("gt", "gte", "lt", "lte"):
        if kind_of(entry) != kind_of(value) or kind_of(entry) not in ("text", "number"):
            return False
        return {"gt": entry > value, "gte": entry >= value, "lt": entry < value,
                "lte": entry <= value}[operator]  # fmt: skip
    if not isinstance(entry, str) or not isinstance(value, str):
        return False
    if operator == "regex":
        return re.search(value, entry, 0 if case_sensitive else re.IGNORECASE) is not None
    if not case_sensitive:
        entry, value = entry.casefold(), value.casefold()
    return {"contains": value in entry, "starts_with": entry.startswith(value),
            "ends_with": entry.endswith(value)}[operator]  # fmt: skip


def kind_of(value) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


# ---------------------------------------------------------------- filters drawn at random

FIELDS = ("name", "n", "ratio", "flag", "tags", "place.city", "place.zip", "filed", "data",
          "place", "nothing", "name.deeper")  # fmt: skip
TEXTS = st.sampled_from([*NAMES, "A", "STRASSE", "köln", "KÖLN", "app", "2023-06-01", "2024-11-01"])
NUMBERS = st.sampled_from([-1, 0, 1, 0.5, 1.0, 1.5, 10, 50667, 2**53, 2**53 + 1, 10**30])
SCALARS = TEXTS | NUMBERS | st.booleans()
VALUES = {
    "eq": st.none() | SCALARS, "ne": st.none() | SCALARS,
    "gt": TEXTS | NUMBERS, "gte": TEXTS | NUMBERS, "lt": TEXTS | NUMBERS, "lte": TEXTS | NUMBERS,
    "in": st.lists(st.none() | SCALARS, max_size=3),
    "nin": st.lists(st.none() | SCALARS, max_size=3),
    "exists": st.booleans(), "is_null": st.booleans(), "contains": SCALARS,
    "starts_with": TEXTS, "ends_with": TEXTS,
    "regex": st.sampled_from(["^a", "e$", "[0-9]+", "pp", "^$", "東", "^[A-Z]"]),
}  # fmt: skip
CONDITIONS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda operator: st.fixed_dictionaries(
        {
            "field": st.sampled_from(FIELDS),
            "operator": st.just(operator),
            "value": VALUES[operator],
            "case_sensitive": st.booleans(),
        }
    )
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: (
        st.builds(
            lambda name, parts: {name: parts},
            st.sampled_from(["AND", "OR", "NOT"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(lambda part: {"NOT": part}, inner)
    ),
    max_leaves=6,
)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filters=FILTERS)
def test_every_hit_satisfies_the_filter_and_nothing_nearer_was_left_out(filters, stored):
    scores, admitted = stored.similarity(QUERY), stored.admitted(filters)
    best = sorted((scores[key] for key in admitted), reverse=True)[:SHOWN]
    for kind in KINDS:
        names = stored.found(kind, filters)
        assert set(names) <= admitted, kind
        assert len(set(names)) == len(names) == len(best), kind
        if kind == "flat" or len(admitted) < FEW:
            assert [scores[name] for name in names] == pytest.approx(best, abs=1e-5), kind


WIDE = [
    {"field": "name", "operator": "ne", "value": "apple"},
    {"NOT": [{"field": "flag", "operator": "eq", "value": True},
             {"field": "n", "operator": "gt", "value": 10**6}]},
    {"OR": [{"field": "ratio", "operator": "gte", "value": 0}, {"field": "tags", "operator":
            "exists", "value": True}, {"field": "n", "operator": "lte", "value": 10}]},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_a_wide_filter_costs_approximate_indexes_little_recall(kind, stored):
    draw, recalls = random.Random(5), []
    admitted = [stored.admitted(filters) for filters in WIDE]
    assert max(map(len, admitted)) >= FEW
    for query in (" ".join(draw.choices(WORDS, k=8)) for _ in range(12)):
        scores = stored.similarity(query)
        for filters, inside in zip(WIDE, admitted, strict=True):
            least = sorted((scores[key] for key in inside), reverse=True)[SHOWN - 1]
            names = stored.found(kind, filters, query)
            assert set(names) <= inside
            recalls.append(sum(scores[name] >= least - 1e-6 for name in names) / SHOWN)
    assert sum(recalls) / len(recalls) >= 0.95
