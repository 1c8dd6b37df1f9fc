"""feature_search against a plain-Python oracle on random documents, in the kernel and over HTTP."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from filled_labs import fill
from packages import HASH_EMBEDDER
from platform_host import LocalServices
from starlette.testclient import TestClient
from test_api import TOKEN

from mixpeek_lab.api import create_app
from mixpeek_lab.errors import InvalidInputError, RetrieverError, VectorError
from mixpeek_lab.retrievers import Facet, GroupBy, parse_retriever
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

URI = "mixpeek://hash_embedder@1.0.0/hash_embedding"
WORDS = "river boat money bank stone fox tree ship wing engine flow heat shock wave"
SEED, COUNT = 7, 240
ALL = 10_000


def embed(text: str) -> list[float]:
    """As the extractor does."""
    sys.path.insert(0, str(HASH_EMBEDDER / "processors"))
    try:
        from words import embed as own
    finally:
        sys.path.remove(str(HASH_EMBEDDER / "processors"))
    return own(text).tolist()


def rows(count: int, random: Random) -> list[dict[str, Any]]:
    return [
        {
            "_id": f"r{i:03}",
            "text": " ".join(random.choices(WORDS.split(), k=random.randint(2, 7))) + f" id{i}",
            "kind": random.choice(["a", "b", "c", None]),
            "n": random.randint(0, 9),
            "tags": random.sample(["x", "y", "z"], random.randint(0, 3)),
        }
        for i in range(count)
    ]


ROWS = rows(COUNT, Random(SEED))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's home with `docs`, `others` (by the same code) and `chunks` (other parameters)."""
    place = tmp_path_factory.mktemp("search") / "home"
    lab = fill(Lab(place), ROWS)
    lab.bucket("few", [{"_id": "o0", "text": "river boat wing"}, {"_id": "o1", "text": "fox"}])
    lab.process("few", "hash_embedder", "others", engine="kernel")
    lab.process("few", "hash_embedder", "chunks", parameters={"chunk": True}, engine="kernel")
    return place


@pytest.fixture(scope="module")
def searched(home: Path) -> Lab:
    return Lab(home)


@pytest.fixture(scope="module")
def execute(home: Path) -> Callable[..., Any]:
    """Define a retriever over HTTP and run it: the answer, whatever its status."""
    http = TestClient(create_app(Backend(home, LocalServices(home)), TOKEN),
                      base_url="http://127.0.0.1")  # fmt: skip
    headers = {"authorization": f"Bearer {TOKEN}"}
    count = iter(range(10_000))

    def run(body: Mapping[str, Any], query: Mapping[str, Any]) -> Any:
        name = f"over_http_{next(count)}"
        made = http.post("/v1/retrievers", json={**body, "name": name}, headers=headers)
        if made.status_code != 200:
            return made
        return http.post(f"/v1/retrievers/{name}/execute", json=query, headers=headers)

    return run


# ---------------------------------------------------------------- the oracle

FILTERS: dict[str, tuple[Any, Callable[[Mapping[str, Any]], bool]]] = {
    "none": (None, lambda _: True),
    "kind": ({"kind": "a"}, lambda d: d["kind"] == "a"),
    "low": ({"field": "n", "operator": "lt", "value": "{{INPUT.most}}"}, lambda d: d["n"] < 6),
    "not": ({"NOT": [{"field": "tags", "operator": "in", "value": ["x"]}]},
            lambda d: "x" not in d["tags"]),
}  # fmt: skip
INPUTS = {"query": "river boat", "more": "money bank wave", "most": 6}


class Oracle:
    """What a feature_search must answer, given every leg's own complete ranking."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        found = lab.search(self._plain(None), INPUTS, limit=ALL).hits
        self.documents = {hit.document_id: dict(hit.fields) for hit in found}
        assert len(self.documents) == COUNT

    def _plain(self, query: Any, **more: Any) -> dict[str, Any]:
        search = {"feature_uri": URI, "top_k": ALL, "query": query, **more}
        return {"name": "all", "collection": "docs", "searches": [search], "fusion": "max"}

    def leg(self, search: Mapping[str, Any], keeps: Callable[[Any], bool]) -> list[Any]:
        """(document id, score) of one search."""
        query = search.get("query")
        itself = None
        if isinstance(query, dict) and query.get("exclude_self"):
            itself = query["document_ref"]["document_id"]
            query = {key: value for key, value in query.items() if key != "exclude_self"}
        [leg] = self._lab.search(self._plain(query), INPUTS, limit=1).legs
        pairs = list(zip(leg.document_ids, leg.scores, strict=True))
        pairs = [(key, score) for key, score in pairs if keeps(self.documents[key])]
        pairs = [pair for pair in pairs if pair[0] != itself][: search["top_k"]]
        return [pair for pair in pairs if pair[1] >= search.get("min_score", -2.0)]

    def fused(self, body: Mapping[str, Any], legs: list[Any]) -> list[tuple[str, float]]:
        scores: dict[str, float] = {}
        for search, pairs in zip(body["searches"], legs, strict=True):
            for rank, (key, score) in enumerate(pairs, start=1):
                weight = search["weight"]
                if body["fusion"] == "rrf":
                    scores[key] = scores.get(key, 0.0) + weight / (60 + rank)
                elif body["fusion"] == "weighted":
                    scores[key] = scores.get(key, 0.0) + weight * score
                else:
                    scores[key] = max(scores.get(key, -9.0), score)
        ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
        return [pair for pair in ranked if pair[1] >= body.get("min_score", -9.0)]

    def grouped(self, body: Mapping[str, Any], fused: list[Any]) -> list[Any]:
        by = body.get("group_by")
        if by is None:
            return fused[: body["final_top_k"]]
        members: dict[Any, list[Any]] = {}
        for pair in fused:
            value = self.documents[pair[0]][by["field"]]
            if value is not None:
                members.setdefault(value, []).append(pair)
        size = 1 if by.get("output_mode") == "first" else by["group_size"]
        kept = [pair for group in list(members.values())[: by["limit"]] for pair in group[:size]]
        return sorted(kept, key=fused.index) if by.get("output_mode") == "flatten" else kept

    def counts(self, field: str, fused: list[Any]) -> list[tuple[Any, int]]:
        seen: Counter[Any] = Counter()
        for key, _ in fused:
            value = self.documents[key][field]
            seen.update(set(value) if isinstance(value, list) else [] if value is None else [value])
        return sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))


@pytest.fixture(scope="module")
def oracle(searched: Lab) -> Oracle:
    return Oracle(searched)


def a_case(random: Random, ids: list[str]) -> tuple[dict[str, Any], list[Any]]:
    """A retriever by chance, and what each of its legs' filters keeps."""
    queries: list[Any] = [
        None,
        "{{INPUT.more}} stone",
        {"input_mode": "text", "value": "{{INPUT.query}}"},
        {"input_mode": "vector", "value": embed(" ".join(random.choices(WORDS.split(), k=3)))},
        {"document_ref": {"collection_id": "docs", "document_id": random.choice(ids)}},
        {"input_mode": "document", "document_ref": {"document_id": random.choice(ids)},
         "exclude_self": True},
    ]  # fmt: skip
    searches, keeps = [], []
    for i in range(random.randint(1, 3)):
        written, keep = FILTERS[random.choice(list(FILTERS))]
        search = {"name": f"leg{i}", "feature_uri": URI, "query": random.choice(queries),
                  "top_k": random.choice([5, 30, 300]),
                  "weight": random.choice([1.0, 0.5])}  # fmt: skip
        if random.random() < 0.3:
            search["min_score"] = 0.3
        searches.append(search | ({"filters": written} if written else {}))
        keeps.append(keep)
    body: dict[str, Any] = {
        "collection": "docs", "searches": searches, "final_top_k": random.choice([3, 25, 400]),
        "fusion": random.choice(["rrf", "weighted", "max"]), "facets": ["kind", "n", "tags"],
    }  # fmt: skip
    if random.random() < 0.3:
        body["min_score"] = {"rrf": 0.012, "weighted": 0.25, "max": 0.4}[body["fusion"]]
    if random.random() < 0.4:
        by = {"field": random.choice(["kind", "n"]), "limit": random.choice([2, 25])}
        mode = random.choice(["all", "first", "flatten"])
        body["group_by"] = {**by, "group_size": random.choice([1, 4]), "output_mode": mode}
    return body, keeps


@pytest.mark.parametrize("number", range(24))
def test_random_retrievers(
    searched: Lab, oracle: Oracle, execute: Callable[..., Any], number: int
) -> None:
    random = Random(f"{SEED} {number}")
    body, keeps = a_case(random, sorted(oracle.documents))
    legs = [oracle.leg(s, keep) for s, keep in zip(body["searches"], keeps, strict=True)]
    fused = oracle.fused(body, legs)
    wanted = oracle.grouped(body, fused)
    found = searched.search({"name": "r", **body}, INPUTS)
    assert [leg.document_ids for leg in found.legs] == [tuple(k for k, _ in leg) for leg in legs]
    assert [hit.document_id for hit in found.hits] == [key for key, _ in wanted]
    assert [hit.score for hit in found.hits] == pytest.approx([score for _, score in wanted])
    answer = execute(body, {"inputs": INPUTS}).json()
    assert [d["document_id"] for d in answer["documents"]] == [key for key, _ in wanted]
    for facets in (found.facets, answer["facets"]):
        for facet in facets:
            own = [(value["value"], value["count"]) for value in facet["values"]]
            assert own == oracle.counts(facet["key"], fused)
            assert (facet["total"], facet["over"], facet["exact"]) == (
                len(fused),
                "candidates",
                True,
            )


def test_a_raw_vector_finds_the_nearest(searched: Lab, oracle: Oracle) -> None:
    random = np.random.default_rng(SEED)
    matrix = np.array([embed(document["data"]) for document in oracle.documents.values()])
    for _ in range(5):
        vector = random.normal(size=16)
        query = {"input_mode": "vector", "value": vector.tolist()}
        body = {"name": "v", "collection": "docs", "fusion": "max",
                "searches": [{"feature_uri": URI, "query": query}]}  # fmt: skip
        found = searched.search(body, {}, limit=10).hits
        cosines = matrix @ vector / np.linalg.norm(vector) / np.linalg.norm(matrix, axis=1)
        best = sorted(cosines.tolist(), reverse=True)[:10]
        assert [hit.score for hit in found] == pytest.approx(best, abs=1e-5)


def test_a_vector_of_another_length_tells_both(searched: Lab, execute: Callable[..., Any]) -> None:
    searches = [{"feature_uri": URI, "query": {"input_mode": "vector", "value": "{{INPUT.v}}"}}]
    body = {"collection": "docs", "searches": searches}
    with pytest.raises(VectorError, match=r"query has 3 numbers, the index has 16"):
        searched.search({"name": "r", **body}, {"v": [1, 2, 3]})
    answer = execute(body, {"inputs": {"v": [1, 2, 3]}})
    assert answer.status_code == 422
    assert "3 numbers, the index has 16" in answer.json()["error"]["message"]
    for wrong in ("text", [], [1, "a"], [True], [float("nan")], None):
        with pytest.raises(RetrieverError, match="expected a list of finite numbers"):
            searched.search({"name": "r", **body}, {"v": wrong})


# ---------------------------------------------------------------- documents as queries


def like(collection: str | None, document: str, **more: Any) -> dict[str, Any]:
    ref = {"document_id": document} | ({"collection_id": collection} if collection else {})
    searches = [{"feature_uri": URI, "query": {"document_ref": ref, **more}}]
    return {"name": "like", "collection": "docs", "searches": searches}


def ids_of(lab: Lab, collection: str) -> dict[str, str]:
    searches = [{"feature_uri": URI, "query": "river"}]
    found = lab.search({"name": "x", "collection": collection, "searches": searches}, {}).hits
    return {hit.fields["data"]: hit.document_id for hit in found}


def test_a_document_of_another_collection_asks(searched: Lab) -> None:
    document = ids_of(searched, "others")["river boat wing"]
    found = searched.search(like("others", "{{INPUT.id}}"), {"id": document}).hits
    typed = {"name": "r", "collection": "docs", "searches": [{"feature_uri": URI}]}
    same = searched.search(typed, "river boat wing").hits
    assert [hit.document_id for hit in found] == [hit.document_id for hit in same]


def test_documents_that_cannot_ask(searched: Lab) -> None:
    others, chunks = ids_of(searched, "others"), ids_of(searched, "chunks")
    for body, told in (
        (like("others", "doc_x"), "document 'doc_x' is not in others"),
        (like("nowhere", "doc_x"), "document_ref: No collection called 'nowhere'"),
        (like("chunks", chunks["fox"]), "chunks has no mixpeek.*cannot be compared"),
        (like(None, others["fox"]), "is not in any collection of this retriever"),
    ):
        with pytest.raises(RetrieverError, match=told):
            searched.search(body, {})
    with pytest.raises(RetrieverError, match="document_id: expected the id of one, got 3"):
        searched.search(like(None, "{{INPUT.n}}"), {"n": 3})


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"input_mode": "text", "valeu": "x"}, r"query\.valeu: unknown key. Did you mean 'value'"),
        ({"input_mode": "text", "document_ref": {"document_id": "d"}}, "takes value, text"),
        ({"input_mode": "vector", "value": [1.0], "exclude_self": True}, "takes value"),
        ({"document_ref": {"document_id": "d", "colection_id": "c"}}, "mean 'collection_id'"),
        ({"document_ref": {"document_id": "d"}, "exclude_self": "yes"}, "exclude_self: .*boolean"),
        ({"document_ref": {"document_id": "d", "exclude_self": 1}}, "exclude_self: expected true"),
    ],
)  # fmt: skip
def test_a_query_is_checked_key_by_key(query: Any, told: str) -> None:
    searches = [{"feature_uri": URI, "query": query}]
    with pytest.raises(RetrieverError, match=told):
        parse_retriever({"name": "r", "collection": "docs", "searches": searches})


# ---------------------------------------------------------------- written, stored, told


def test_what_is_written_survives_json() -> None:
    body = {
        "name": "r", "collection": "docs", "min_score": 0.2,
        "facets": ["a", {"key": "b", "limit": 3}],
        "group_by": {"field": "kind", "max_per_group": 2, "output_mode": "flatten"},
        "searches": [{"feature_uri": URI, "query": {"document_ref": {"document_id": "d"},
                                                    "exclude_self": True}}],
    }  # fmt: skip
    spec = parse_retriever(body)
    assert spec.facets == (Facet("a"), Facet("b", 3))
    assert spec.group_by == GroupBy("kind", 25, 2, "flatten")
    assert (spec.min_score, spec.searches[0].query.exclude_self) == (0.2, True)
    assert parse_retriever(spec.as_dict()) == spec


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"facets": 3}, "facets: expected a list of fields, got 3"),
        ({"facets": [{"key": "a", "limit": 0}]}, r"facets\[0\]\.limit: .*got 0"),
        ({"facets": ["a", {"field": "a"}]}, r"facets\[1\]: 'a' is counted already"),
        ({"facets": [{"name": "a"}]}, r"facets\[0\]\.name: unknown key"),
        ({"min_score": "high"}, "min_score: .*number"),
        ({"group_by": {"field": "a", "output_mode": "last"}}, "group_by.output_mode: .*'all'"),
    ],
)
def test_errors_name_the_path(more: dict[str, Any], told: str) -> None:
    body = {"name": "r", "collection": "docs", "searches": [{"feature_uri": URI}], **more}
    with pytest.raises(InvalidInputError, match=told):
        parse_retriever(body)


def test_what_left_nothing_is_told(searched: Lab) -> None:
    body = {"name": "r", "collection": "docs", "searches": [{"feature_uri": URI}]}
    found = searched.search({**body, "min_score": 0.9, "facets": ["kind", "kinds"]}, "river")
    assert (found.hits, found.total) == ((), 0)
    assert any("No fused score reaches min_score 0.9 (100 documents" in w for w in found.warnings)
    assert [facet["total"] for facet in found.facets] == [0, 0]
    found = searched.search({**body, "facets": ["kinds"]}, "river")
    assert any("Facet 'kinds': none of 100 documents has that field" in w for w in found.warnings)
    assert found.facets[0]["missing"] == 100


def test_groups_are_the_page_where_there_is_no_limit(
    searched: Lab, execute: Callable[..., Any]
) -> None:
    by = {"field": "n", "limit": 10, "group_size": 5}
    body = {"collection": "docs", "searches": [{"feature_uri": URI, "top_k": 240}], "group_by": by}
    found = searched.search({"name": "r", **body}, "river")
    assert len(found.hits) == 50
    page = execute(body, {"query": "river"}).json()["pagination"]
    assert (page["total"], page["limit"], page["has_next"]) == (50, 50, False)
    first = searched.search({"name": "r", **body}, "river", limit=7)
    assert [h.document_id for h in first.hits] == [h.document_id for h in found.hits[:7]]


@pytest.mark.parametrize("seed", range(4))
def test_facets_of_the_whole_collection(
    searched: Lab, oracle: Oracle, execute: Callable[..., Any], seed: int
) -> None:
    """Exact over what the filters leave, however little the searches find."""
    least = Random(seed).randint(0, 9)
    names = ("kind", "n", "tags")
    facets = [{"key": key, "limit": 50, "scope": "collection"} for key in names]
    filters = {"field": "n", "operator": "gte", "value": least}
    body = {"name": "r", "collection": "docs", "searches": [{"feature_uri": URI, "top_k": 2}],
            "facets": [*facets, "root_object_id"], "filters": filters}  # fmt: skip
    passing = [(key, 0.0) for key, fields in oracle.documents.items() if fields["n"] >= least]
    found = searched.search(body, {"query": "river"})
    answer = execute(body, {"inputs": {"query": "river"}}).json()
    for counted in (found.facets, answer["facets"]):
        for facet in counted[:3]:
            own = [(value["value"], value["count"]) for value in facet["values"]]
            assert own == oracle.counts(facet["key"], passing)
            assert (facet["scope"], facet["total"]) == ("collection", len(passing))
        assert (counted[3]["scope"], counted[3]["total"]) == ("candidates", 2)
    spec = parse_retriever(body)
    assert parse_retriever(spec.as_dict()) == spec
    wide = {**body, "facets": [{"key": "root_object_id", "scope": "collection", "limit": 1000}]}
    [facet] = searched.search(wide, {"query": "river"}).facets
    assert len(facet["values"]) == facet["total"] == len(passing)
