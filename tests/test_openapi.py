"""The API's description: every route has one, and answers are what it says (schemathesis).

The requests are made from the description, by a fixed seed, and go to the real app over a real
home; the worker and Ray Serve are left out, as in test_platform_api.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from packages import HASH_EMBEDDER
from platform_client import EXTRACTOR, RETRIEVER, URI, collected, filled
from platform_host import TOKEN, Host, client_of
from schemathesis.specs.openapi import checks

from mixpeek_lab.api import create_app
from mixpeek_lab.api.openapi import OPERATIONS
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

ALIASES = r"/plugins|^/v1/namespaces/\{namespace\}/(?!extractors)"
"""Paths that lead to the same functions as others."""


class Late:
    """The app, which is made by a fixture, while the tests are made of its description before."""

    app: Any = None

    async def __call__(self, *connection: Any) -> None:
        await self.app(*connection)


late = Late()


def described(*, coverage: bool) -> Any:
    """The description, to be asked by. `coverage`: with what lies at the edges of schemas."""
    found = schemathesis.openapi.from_dict(create_app(None, TOKEN).openapi())
    found.config.update(base_url="http://127.0.0.1")
    found.config.phases.coverage.enabled = coverage
    found.config.phases.coverage.unexpected_methods = {"TRACE"}  # {name} takes the others
    found.app = late
    return found.exclude(path_regex=ALIASES)


api, briefly = described(coverage=True), described(coverage=False)

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]

SEARCH = {"collection_identifiers": ["docs"], "searches": [{"feature_uri": URI}]}
ADHOC = {
    "collection_identifiers": ["docs"],
    "stages": [{"stage_id": "feature_search", "parameters": {"searches": [{"feature_uri": URI,
                "query": "{{INPUT.query}}"}]}}],
}  # fmt: skip
BODIES: dict[str, list[Any]] = {
    "buckets.create": [{"bucket_name": "made", "blob_schema": {"body": {"type": "text"}}}],
    "objects.create": [
        {"blob_data": {"body": "a text"}, "metadata": {"n": 1}},
        {"blobs": [{"property": "body", "type": "text", "data": "another"}], "kind": "x"},
        {"objects": [{"blob_data": {"body": "a text"}}]},
    ],
    "objects.create_batch": [{"objects": [{"blob_data": {"body": "one"}}]}],
    "collections.create": [
        {"collection_name": "made", "source": {"type": "bucket", "bucket_id": "texts"},
         "feature_extractor": EXTRACTOR},
    ],
    "collections.trigger": [{}, {"dedup_strategy": "force"}],
    "documents.list_by_post": [
        {}, {"limit": 1}, {"filters": {"field": "n", "operator": "gte", "value": 1}},
    ],
    "documents.patch": [{"reviewed": True}],
    "documents.put": [{"reviewed": False}],
    "batches.create": [{}, {"auto_submit": True}],
    "namespaces.patch": [{"description": "new"}],
    "buckets.patch": [{"description": "new"}],
    "collections.patch": [{"description": "new"}],
    "retrievers.patch": [{"description": "new"}],
    "retrievers.execute_adhoc": [{**ADHOC, "inputs": {"query": "river"}}],
    "retrievers.execute_batch": [{"queries": [{"inputs": {"query": "river"}}]}],
    "interactions.create": [
        {"feature_id": "doc_1", "interaction_type": ["click"], "position": 0, "feature_uri": URI},
    ],
    "interactions.create_batch": [
        {"interactions": [{"feature_id": "d", "interaction_type": ["click"], "position": 1}, {}]},
    ],
    "evaluations.score": [{"predicted": ["a", "b"], "ground_truth": ["a"]}],
    "evaluations.create_dataset": [
        {"dataset_name": "made", "queries": [{"query_id": "q", "query_input": {"query": "river"},
                                              "relevant_documents": ["doc_1"]}]},
    ],
    "uploads.create": [{"name": "hash_embedder"}],
    "inference.infer": [{"feature_uri": URI, "inputs": {"text": "river"}}],
    "retrievers.create": [{**SEARCH, "retriever_name": "made"}],
    "retrievers.execute": [{"query": {"query_text": "river"}}, {"inputs": {"query": "x"}}],
    "retrievers.explain": [{"query": {"query_text": "river"}, "limit": 2}],
}  # fmt: skip
"""Bodies that work, for every other request: what is made of schemas alone rarely does."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A platform with bucket `texts`, collection `docs` with documents, and retriever `find`."""
    home = tmp_path_factory.mktemp("openapi") / "home"
    Lab(home).load(HASH_EMBEDDER)
    host = Host(home)
    ask = client_of(home, host)
    collected(ask, filled(ask))
    host.work()
    ask("POST", "/retrievers", {**RETRIEVER, "collection_ids": ["docs"]})
    late.app = create_app(Backend(home, host), TOKEN)
    return late.app


@pytest.fixture(scope="module")
def known(app: Any) -> dict[str, list[str]]:
    """Path parameter → names and ids of what there is."""
    ask = client_of_app(app)
    bucket = ask("GET", "/buckets/texts")["bucket_id"]
    objects = ask("GET", f"/buckets/{bucket}/objects")["results"]
    documents = "/collections/docs/documents"
    return {
        "namespace": ["default"],
        "bucket": ["texts", bucket],
        "object_id": [item["object_id"] for item in objects],
        "collection": ["docs"],
        "retriever": ["find"],
        "extractor": ["hash_embedder_1_0_0", "hash_embedder"],
        "task_id": [task["task_id"] for task in ask("GET", "/tasks")["results"]],
        "document_id": [d["document_id"] for d in ask("GET", documents)["results"]],
        "batch_id": [ask("POST", "/buckets/texts/batches", {})["batch_id"] for _ in range(3)],
    }


def client_of_app(app: Any) -> Any:
    from platform_client import Client
    from starlette.testclient import TestClient

    return Client(TestClient(app, base_url="http://127.0.0.1"), TOKEN)


def at_home(case: Any, known: dict[str, list[str]]) -> Any:
    """Every other request, by its own digits, is about what there is, and with a body that works.

    Not what deletes: it would leave nothing.
    """
    drawn = int.from_bytes(
        hashlib.sha256(repr((case.path_parameters, case.body)).encode()).digest()[:4]
    )
    if drawn % 2 and case.method != "DELETE":
        case.headers = {**(case.headers or {}), "X-Namespace": "default"}
        for name in case.path_parameters or {}:
            if name in known:
                case.path_parameters[name] = known[name][drawn // 2 % len(known[name])]
        key = case.operation.definition.raw["operationId"].replace("_", ".", 1)
        if drawn // 4 % 4 and (bodies := BODIES.get(key.removesuffix("_in_namespace"))):
            case.body = bodies[drawn // 16 % len(bodies)]
    return case


def test_every_route_is_described() -> None:
    """A new route gets its line in `api/openapi/operations.py`; a line without a route goes."""
    document = create_app(None, TOKEN).openapi()
    operations = [told for path in document["paths"].values() for told in path.values()]
    ids = [told["operationId"] for told in operations]
    assert len(set(ids)) == len(ids)
    bare = [told["operationId"] for told in operations if "401" not in told["responses"]]
    assert bare == [], "no description"
    named = {re.sub("_(in_namespace|plugin)$", "", each) for each in ids}
    known = {key.replace(".", "_") for key in OPERATIONS}
    assert {each for each in known - named if not each.endswith("_patch")} == set()
    used = set(re.findall("#/components/schemas/(\\w+)", json.dumps(document)))
    assert used == set(document["components"]["schemas"])


def test_the_document_needs_the_token(app: Any) -> None:
    ask = client_of_app(app)
    assert ask.http.get("/openapi.json").status_code == 401
    found = ask.http.get("/openapi.json", headers=HEADERS)
    assert found.json() == json.loads(json.dumps(app.openapi()))


def test_no_route_answers_without_the_token(app: Any) -> None:
    """Health is open, and the addresses of uploads are signed: without a signature, they are not.

    Every path is tried with methods that it has and has not, and each that it has with a token
    that is another.
    """
    ask = client_of_app(app)
    wrong = {"Authorization": "Bearer another-token-of-no-use"}
    for path, told in app.openapi()["paths"].items():
        tries = [(method, {}) for method in ("get", "put", "post", "delete", "options", "head")]
        for method, headers in [*tries, *((method, wrong) for method in told)]:
            answer = ask.http.request(method, re.sub("{.*?}", "x", path), headers=headers)
            is_open = path == "/v1/health"
            assert (answer.status_code == 401) != is_open, (method, path, answer.text)


def seeded(examples: int) -> Any:
    """The same requests in every run."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@api.parametrize()
@seeded(3)
def test_answers_are_as_they_are_described(
    case: Any, app: Any, known: dict[str, list[str]]
) -> None:
    at_home(case, known).call_and_validate(headers=HEADERS, checks=CHECKS)


@briefly.parametrize()
@seeded(1)
def test_authentication_is_not_ignored(case: Any, app: Any, known: dict[str, list[str]]) -> None:
    at_home(case, known).call_and_validate(headers=HEADERS, checks=[checks.ignored_auth])
