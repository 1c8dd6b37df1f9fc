"""The REST API over real collections; only Ray is left out: services answer in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from filled_labs import fill
from platform_host import LocalServices

from mixpeek_lab.api import create_app
from mixpeek_lab.catalog import Catalog
from mixpeek_lab.version import __version__
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

TOKEN = "a token"
URI = "mixpeek://hash_embedder@1.0.0/hash_embedding"
ROWS = [
    {"_id": f"r{i}", "text": text, "n": i, "kind": "even" if i % 2 == 0 else "odd", "gap": gap}
    for i, (text, gap) in enumerate(
        [("river boat", 1.5), ("money bank", None), ("river stone", 2.5), ("fox tree", 0.5)] * 6
    )
]

LEGS = [{"feature_uri": URI, "top_k": 50}, {"lexical": True, "name": "words", "top_k": 50}]
SHORT = {"name": "short", "collection": "filings", "searches": LEGS, "fusion": "rrf"}
SEED = {
    "retriever_name": "seed",
    "collection_ids": ["filings"],
    "stages": [
        {
            "stage_type": "search",
            "stage_id": "meaning",
            "feature_search": {"feature_uri": URI, "limit": 20},
        }
    ],
    "fusion_strategy": {"type": "rrf"},
}
PARAMETERS = {"searches": LEGS, "final_top_k": 7, "fusion": "rrf"}
PUBLIC = {
    "retriever_name": "public",
    "collection_identifiers": ["filings"],
    "stages": [
        {
            "stage_name": "search",
            "stage_type": "filter",
            "config": {"stage_id": "feature_search", "parameters": PARAMETERS},
        }
    ],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's home with the collection `filings`."""
    place = tmp_path_factory.mktemp("api") / "home"
    fill(Lab(place), ROWS, "filings")
    return place


@pytest.fixture(scope="module")
def services(home: Path) -> LocalServices:
    return LocalServices(home)


@pytest.fixture(scope="module")
def app(home: Path, services: LocalServices) -> FastAPI:
    return create_app(Backend(home, services), TOKEN)


class Client:
    """Asks the app as a process beside it would."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def __call__(
        self, method: str, path: str, *, token: str | None = TOKEN, host: str = "127.0.0.1:80",
        **options: Any,
    ) -> httpx.Response:  # fmt: skip
        headers = {"host": host, **options.pop("headers", {})}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport) as client:
                url = f"http://127.0.0.1/v1{path}"
                return await client.request(method, url, headers=headers, **options)

        return asyncio.run(ask())

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return self("POST", path, json=body, **options)


@pytest.fixture
def ask(app: FastAPI, home: Path, services: LocalServices) -> Iterator[Client]:
    """A client of the API, and no retriever but `short`."""
    catalog = Catalog(home / "catalog.sqlite")
    for record in catalog.retrievers():
        catalog.delete_retriever(record.name)
    client = Client(app)
    assert client.post("/retrievers", SHORT).status_code == 200
    yield client
    services.is_up = True


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Check the envelope of an error; its `error`."""
    body = answer.json()
    assert answer.status_code == status, body
    assert set(body) == {"success", "status", "error"}
    assert (body["success"], body["status"]) == (False, status)
    error: dict[str, Any] = body["error"]
    assert set(error) == {"type", "message", "details"}
    assert error["type"] == kind
    assert error["message"]
    assert isinstance(error["details"], dict)
    return error


class TestWhoMayAsk:
    def test_health_is_open(self, ask: Client) -> None:
        answer = ask("GET", "/health", token=None)
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok", "version": __version__}

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/retrievers"), ("POST", "/retrievers"), ("POST", "/retrievers/list"),
            ("GET", "/retrievers/short"), ("DELETE", "/retrievers/short"),
            ("POST", "/retrievers/short/execute"), ("POST", "/retrievers/short/execute/explain"),
            ("POST", "/inference"), ("GET", "/nothing"), ("GET", "/health/"),
            ("GET", "/../openapi.json"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("token", [None, "", "another", TOKEN + "x", TOKEN[:-1]])
    def test_all_else_needs_the_token(
        self, ask: Client, method: str, path: str, token: str | None
    ) -> None:
        answer = ask(method, path, token=token)
        error = refused(answer, 401, "UnauthorizedError")
        assert TOKEN not in error["message"]
        assert answer.headers["www-authenticate"] == "Bearer"

    def test_every_route_is_among_those(self, app: FastAPI) -> None:
        """A route that is added shows up here, and is tried without a token."""
        client = Client(app)
        for path, operations in app.openapi()["paths"].items():
            for method in operations:
                answer = client(method.upper(), path.removeprefix("/v1"), token=None)
                assert answer.status_code == (200 if path == "/v1/health" else 401), path

    def test_the_scheme_must_be_bearer(self, ask: Client) -> None:
        basic = ask("GET", "/retrievers", token=None, headers={"authorization": f"Basic {TOKEN}"})
        refused(basic, 401, "UnauthorizedError")
        lower = ask("GET", "/retrievers", token=None, headers={"authorization": f"bearer {TOKEN}"})
        assert lower.status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
    def test_other_hosts_are_refused_even_with_the_token(self, ask: Client, host: str) -> None:
        refused(ask("GET", "/retrievers", host=host), 421, "WrongHostError")
        refused(ask("GET", "/health", host=host), 421, "WrongHostError")

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
    def test_loopback_hosts_are_served(self, ask: Client, host: str) -> None:
        assert ask("GET", "/retrievers", host=host).status_code == 200

    def test_below_a_prefix_only_health_itself_is_open(self, app: FastAPI) -> None:
        """As Serve mounts it beside the user's own applications."""

        async def status(path: str) -> int:
            sent: list[Any] = []
            scope = {
                "type": "http", "method": "GET", "path": path, "root_path": "/lab", "headers":
                [(b"host", b"127.0.0.1")], "query_string": b"", "http_version": "1.1",
                "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
            }  # fmt: skip

            async def receive() -> Any:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            await app(scope, receive, send)
            found: int = sent[0]["status"]
            return found

        assert asyncio.run(status("/lab/v1/health")) == 200
        assert asyncio.run(status("/lab/v1/retrievers")) == 401


class TestErrors:
    def test_unknown_path_and_method(self, ask: Client) -> None:
        assert "/v1/nothing" in refused(ask("GET", "/nothing"), 404, "NotFoundError")["message"]
        answer = ask("PUT", "/retrievers/short")
        refused(answer, 405, "MethodNotAllowedError")
        assert "GET" in answer.headers["allow"]

    def test_unknown_retriever_names_the_near_one(self, ask: Client) -> None:
        for method, path in [
            ("GET", "/retrievers/shrt"),
            ("DELETE", "/retrievers/shrt"),
            ("POST", "/retrievers/shrt/execute"),
        ]:
            error = refused(ask(method, path, json={"query": "x"}), 404, "NotFoundError")
            assert "Did you mean 'short'?" in error["message"]

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"{not json", "is not JSON"),
            (b"[1]", "must be a JSON object"),
            (b"", "is not JSON"),
            (b'{"query": "\xff"}', "is not JSON"),
            (b"[" * 100_000, "is not JSON"),
            (b'{"query": ' + b"9" * 5000 + b"}", "is not JSON"),
        ],
    )
    def test_bodies_that_are_no_objects(self, ask: Client, content: bytes, kind: str) -> None:
        headers = {"content-type": "application/json"}
        for path in ("/retrievers", "/retrievers/short/execute", "/inference"):
            answer = ask("POST", path, content=content, headers=headers)
            problem = refused(answer, 422, "InvalidInputError")["details"]["validation_errors"][0]
            assert kind in problem["message"]
            assert problem["location"] == ["body"]

    def test_a_body_counts_whatever_its_content_type(self, ask: Client) -> None:
        """As `curl -d` sends it."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = ask("POST", "/retrievers/short/execute", content=b'{"query": "fox"}', headers=form)
        assert answer.status_code == 200

    def test_what_is_too_long_or_strange_is_refused(self, ask: Client) -> None:
        long = ask.post("/retrievers/short/execute", {"query": "a" * 5_000_000})
        assert "5,000,000 characters" in refused(long, 422, "RetrieverError")["message"]
        headers = {"content-type": "application/json"}
        strange = ask(
            "POST", "/retrievers/short/execute", content=b'{"\\ud800": 1}', headers=headers
        )
        refused(strange, 422, "RetrieverError")

    def test_what_the_lab_refuses_is_a_validation_error_too(self, ask: Client) -> None:
        answer = ask.post("/retrievers/short/execute", {"query": "x", "limt": 3})
        error = refused(answer, 422, "RetrieverError")
        assert "limit" in error["message"]
        problem = error["details"]["validation_errors"][0]
        assert problem == {
            "type": "RetrieverError", "location": ["body"], "message": error["message"],
        }  # fmt: skip

    def test_the_users_code_failed(self, ask: Client) -> None:
        answer = ask.post("/retrievers/short/execute", {"query": "FAIL"})
        assert "realtime.py:8: ValueError" in refused(answer, 422, "ExtractorRunError")["message"]

    def test_a_client_need_not_ask_again_for_what_is_not_deployed(
        self, ask: Client, services: LocalServices
    ) -> None:
        services.is_up = False
        answer = ask.post("/retrievers/short/execute", {"query": "river"})
        assert refused(answer, 503, "EngineError")["details"]["retryable"] is False

    def test_what_is_not_meant_to_fail_tells_nothing(self, ask: Client) -> None:
        answer = ask.post("/retrievers/short/execute", {"query": "BUG"})
        error = refused(answer, 500, "InternalError")
        assert "secret" not in error["message"]
        assert ask.post("/retrievers/short/execute", {"query": "river"}).status_code == 200


class TestExecute:
    @pytest.mark.parametrize(
        "query",
        [
            {"query": {"query_text": "river"}}, {"inputs": {"query_text": "river"}},
            {"input": {"query_text": "river"}}, {"query": "river"}, {"inputs": {"query": "river"}},
        ],
    )  # fmt: skip
    def test_every_body_shape_finds_the_same(self, ask: Client, query: dict[str, Any]) -> None:
        found = ask.post("/retrievers/short/execute", {**query, "limit": 4}).json()
        plain = ask.post("/retrievers/short/execute", {"query": "river", "limit": 4}).json()
        assert found["documents"] == plain["documents"]
        assert len(found["documents"]) == 4

    def test_the_format(self, ask: Client) -> None:
        found = ask.post("/retrievers/short/execute", {"query": "river", "limit": 3}).json()
        assert found["results"] == found["documents"]
        assert found["execution_id"].startswith("exec_")
        assert found["status"] == "completed"
        assert (found["facets"], found["warnings"]) == ([], [])
        document = found["documents"][0]
        assert document["data"] in ("river boat", "river stone")
        assert document["collection_id"].startswith("col_")
        assert document["kind"] in ("even", "odd")
        lineage = document["_internal"]["lineage"]
        assert lineage["root_object_id"] == lineage["source_object_id"]
        assert lineage["root_bucket_id"].startswith("bkt_")
        assert lineage["chain"] == [{
            "collection_id": document["collection_id"],
            "feature_extractor_id": "hash_embedder_1_0_0",
            "document_id": document["document_id"],
            "source_object_id": lineage["root_object_id"],
            "source_bucket_id": lineage["root_bucket_id"],
        }]  # fmt: skip
        stage = found["stage_statistics"]["stages"]["feature_search"]
        assert stage["output_count"] == 3
        assert found["stage_statistics"]["total_time_ms"] >= stage["duration_ms"] > 0

    def test_numbers_are_numbers_and_nothing_is_nan(self, ask: Client) -> None:
        answer = ask.post("/retrievers/short/execute", {"query": "money river", "limit": 24})

        def fail(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        documents = json.loads(answer.content, parse_constant=fail)["documents"]
        assert len(documents) == 24
        for document in documents:
            assert isinstance(document["score"], float)
            assert isinstance(document["n"], int)
            assert isinstance(document["gap"], float | None)
        assert {document["gap"] for document in documents} == {None, 0.5, 1.5, 2.5}

    def test_pages(self, ask: Client) -> None:
        every = ask.post("/retrievers/short/execute", {"query": "river", "limit": 100}).json()
        total = every["pagination"]["total"]
        assert len(every["documents"]) == total == 24
        page = ask.post("/retrievers/short/execute", {"query": "river", "limit": 10, "offset": 10})
        found = page.json()
        assert [d["document_id"] for d in found["documents"]] == [
            d["document_id"] for d in every["documents"][10:20]
        ]
        shown = found["pagination"]
        assert {key: shown[key] for key in (
            "total", "page", "page_size", "total_pages", "next_page", "previous_page",
            "next_cursor",
        )} == {
            "total": 24, "page": 2, "page_size": 10, "total_pages": 3, "next_page": 3,
            "previous_page": 1, "next_cursor": None,
        }  # fmt: skip
        last = ask.post("/retrievers/short/execute", {"query": "river", "limit": 10, "offset": 20})
        assert (len(last.json()["documents"]), last.json()["pagination"]["next_page"]) == (4, None)

    def test_filters(self, ask: Client) -> None:
        filters = {"AND": [{"field": "kind", "operator": "eq", "value": "odd"}]}
        body = {"query": "river", "filters": filters, "limit": 100}
        found = ask.post("/retrievers/short/execute", body).json()["documents"]
        assert {document["kind"] for document in found} == {"odd"}
        assert len(found) == 12
        unknown = ask.post(
            "/retrievers/short/execute", {"query": "river", "filters": {"text": "river"}}
        ).json()
        assert unknown["documents"] == []
        assert "'text' is in no document of filings; did you mean 'data'" in unknown["warnings"][0]
        wrong = {"query": "x", "filters": {"field": "kind", "operator": "is", "value": 1}}
        refused(ask.post("/retrievers/short/execute", wrong), 422, "FilterError")

    def test_by_id(self, ask: Client) -> None:
        key = ask("GET", "/retrievers/short").json()["retriever_id"]
        assert ask.post(f"/retrievers/{key}/execute", {"query": "river"}).json()["documents"]

    def test_explain_holds_every_candidate(self, ask: Client) -> None:
        body = {"query": "rivers", "limit": 2, "weights": {"words": 0}}
        found = ask.post("/retrievers/short/execute/explain", body).json()
        names = [leg["name"] for leg in found["legs"]]
        assert names == ["hash_embedding", "words"]
        assert [leg["metric"] for leg in found["legs"]] == ["cosine", "bm25"]
        candidates = {key for leg in found["legs"] for key in leg["document_ids"]}
        assert candidates == set(found["documents"])
        assert len(found["legs"][1]["document_ids"]) == 12  # searched, though its weight is 0
        assert len(found["hits"]) == 2
        assert found["terms"] == ["river"]
        assert found["text_field"] == "data"


class TestRetrievers:
    def test_created_in_three_shapes(self, ask: Client) -> None:
        for body in (SEED, PUBLIC, {**SHORT, "name": "third"}):
            answer = ask.post("/retrievers", body)
            assert answer.status_code == 200, answer.text
            made = answer.json()["retriever"]
            assert made["retriever_id"].startswith("ret_")
            assert made["collection_identifiers"] == ["filings"]
            stage = made["stages"][0]
            assert stage["parameters"] == stage["config"]["parameters"]
            assert ask("GET", f"/retrievers/{made['retriever_name']}").json() == made
            found = ask.post(f"/retrievers/{made['retriever_id']}/execute", {"query": "river"})
            assert found.json()["documents"][0]["data"].startswith("river")

    def test_a_name_is_given_once(self, ask: Client) -> None:
        error = refused(ask.post("/retrievers", SHORT), 409, "ConflictError")
        assert "'short'" in error["message"]
        assert ask("DELETE", "/retrievers/short").json() == {"success": True}
        assert ask.post("/retrievers", SHORT).status_code == 200

    def test_one_that_cannot_work_is_refused(self, ask: Client) -> None:
        missing = {**SHORT, "name": "x", "collection": "nowhere"}
        refused(ask.post("/retrievers", missing), 404, "NotFoundError")
        no_feature = {**SHORT, "name": "x", "searches": [{"feature_uri": URI + "s"}]}
        error = refused(ask.post("/retrievers", no_feature), 422, "RetrieverError")
        assert URI in error["message"]
        both = {**SHORT, "name": "x", "searches": [{"feature_uri": URI, "lexical": True}]}
        error = refused(ask.post("/retrievers", both), 422, "RetrieverError")
        assert "either dense (feature_uri) or lexical" in error["message"]

    def test_lists(self, ask: Client) -> None:
        for name in ("c", "a", "b"):
            ask.post("/retrievers", {**SHORT, "name": name})
        found = ask("GET", "/retrievers").json()
        assert [r["retriever_name"] for r in found["results"]] == ["a", "b", "c", "short"]
        assert found["pagination"] == {
            "total": 4, "page": 1, "page_size": 100, "total_pages": 1, "next_page": None,
            "previous_page": None, "next_cursor": None,
        }  # fmt: skip
        assert ask("POST", "/retrievers/list").json() == found
        assert ask.post("/retrievers/list", {}).json() == found
        assert ask.post("/retrievers/list", {"filters": None}).json() == found
        second = ask("GET", "/retrievers?page=2&page_size=3").json()
        assert [r["retriever_name"] for r in second["results"]] == ["short"]
        assert (second["pagination"]["previous_page"], second["pagination"]["next_page"]) == (
            "1",
            None,
        )
        refused(ask.post("/retrievers/list", {"sort": {"field": "x"}}), 422, "InvalidInputError")
        refused(ask("GET", "/retrievers?page=0"), 422, "ValidationError")


class TestStages:
    def test_an_incompatible_extractor_is_refused(self, ask: Client) -> None:
        stage = {"stage_id": "rerank", "parameters": {"inference_name": "hash_embedder"}}
        error = refused(
            ask.post("/retrievers", {**SHORT, "name": "staged", "stages": [stage]}),
            422,
            "RetrieverError",
        )
        assert error["message"].startswith(
            "stages[0].parameters.inference_name: `hash_embedder` is `embedding`; "
            "stage `rerank` needs `rerank`."
        )

    def test_a_new_retriever_comes_with_its_warnings(self, ask: Client) -> None:
        answer = ask.post("/retrievers", {**SHORT, "name": "another"}).json()
        assert answer["retriever"]["retriever_name"] == "another"
        assert answer["warnings"] == []


class TestInference:
    @pytest.mark.parametrize(
        "service",
        [
            {"feature_uri": URI}, {"feature_uri": URI.replace("1.0.0", "v1")},
            {"inference_name": "hash_embedder"}, {"inference_name": "hash_embedder@v1"},
            {"inference_name": "hash_embedder@1.0.0"},
        ],
    )  # fmt: skip
    def test_by_uri_and_by_name(self, ask: Client, service: dict[str, str]) -> None:
        answer = ask.post("/inference", {**service, "inputs": {"text": "river"}})
        found = answer.json()
        assert answer.status_code == 200, found
        assert set(found) == {"data", "provider", "model", "latency_ms"}
        assert len(found["data"]["embedding"]) == 16
        assert found["model"] == "hash_embedder@1.0.0"
        assert found["latency_ms"] >= 0

    @pytest.mark.parametrize(
        ("body", "status", "kind"),
        [
            ({"inputs": {}}, 422, "InvalidInputError"),
            ({"inference_name": "hash_embedder"}, 422, "InvalidInputError"),
            ({"inference_name": "hash_embedder", "inputs": []}, 422, "InvalidInputError"),
            ({"inference_name": "hash_embeder", "inputs": {}}, 404, "NotFoundError"),
            ({"inference_name": "hash_embedder@2.0.0", "inputs": {}}, 404, "NotFoundError"),
            ({"feature_uri": URI + "s", "inputs": {}}, 404, "NotFoundError"),
            ({"feature_uri": "hash_embedder", "inputs": {}}, 422, "InvalidInputError"),
        ],
    )
    def test_what_is_wrong(self, ask: Client, body: dict[str, Any], status: int, kind: str) -> None:
        refused(ask.post("/inference", body), status, kind)

    def test_an_answer_that_is_no_json_is_made_so(
        self, ask: Client, services: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import numpy as np

        async def infer(*_: Any) -> dict[str, Any]:
            return {"embedding": np.ones(16), "score": np.float32(0.5), 3: ("x",)}

        monkeypatch.setattr(services, "infer", infer)
        answer = ask.post("/inference", {"inference_name": "hash_embedder", "inputs": {}})
        assert answer.json()["data"] == {"embedding": [1.0] * 16, "score": 0.5, "3": ["x"]}
