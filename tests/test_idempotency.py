"""Idempotency keys: sent twice, done once; also where the first one's process died."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from platform_client import EXTRACTOR, RETRIEVER, Client, filled
from platform_host import TOKEN, Host, client_of

from mixpeek_lab.api import create_app
from mixpeek_lab.workbench.platform.buckets import Buckets

BODY = {"bucket_name": "once", "blob_schema": {"body": {"type": "text"}}}


def post(ask: Client, key: str, body: Any = BODY, path: str = "/buckets", **headers: str) -> Any:
    return ask.send("POST", path, body, headers={"idempotency-key": key, **headers})


def test_the_same_request_gets_the_same_answer(ask: Client) -> None:
    first, again = post(ask, "k1"), post(ask, "k1")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert ask("GET", "/buckets")["pagination"]["total"] == 1
    ask.refused(409, "ConflictError", "POST", "/buckets", BODY)  # without the key


def test_it_outlives_the_process_and_ends_after_a_day(
    ask: Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = post(ask, "k1")
    other = client_of(home, Host(home))
    assert post(other, "k1").content == first.content
    later = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert post(other, "k1").json()["error"]["type"] == "ConflictError"  # done anew: name taken


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/buckets", {**BODY, "bucket_name": "other"}, {}),
        ("/namespaces/default/buckets", BODY, {}),
        ("/buckets", BODY, {"x-namespace": "default"}),
        ("/retrievers", BODY, {}),
    ],
)
def test_another_request_with_the_key_is_refused(
    ask: Client, path: str, body: Any, headers: dict[str, str]
) -> None:
    post(ask, "k1")
    answer = post(ask, "k1", body, path, **headers)
    assert answer.status_code == 422
    assert "take a new one" in answer.json()["error"]["message"]
    assert ask("GET", "/buckets")["pagination"]["total"] == 1


def test_what_came_to_nothing_leaves_the_key_free(ask: Client) -> None:
    assert post(ask, "k1", {"bucket_name": "once"}).status_code == 422
    assert post(ask, "k1").status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_odd_keys(ask: Client, key: str) -> None:
    answer = ask.send("POST", "/buckets", BODY, headers={"idempotency-key": key.encode()})
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["error"]["message"]


def test_every_kind_of_thing_that_is_created(ask: Client) -> None:
    bucket = filled(ask)
    collection = {
        "collection_name": "docs", "source": {"type": "bucket", "bucket_id": bucket},
        "feature_extractor": EXTRACTOR,
    }  # fmt: skip
    for number, (path, body) in enumerate([
        ("/collections", collection), (f"/buckets/{bucket}/objects", {"blob_data": {"body": "x"}}),
        ("/collections/docs/trigger", {}), (f"/buckets/{bucket}/batches", {}),
        ("/retrievers", {**RETRIEVER, "collection_ids": ["docs"]}),
        ("/namespaces/default/extractors/uploads", {"name": "a"}),
        ("/namespaces/default/plugins/uploads", {"name": "b"}),
    ]):  # fmt: skip
        first, again = (post(ask, f"key-{number}", body, path) for _ in range(2))
        assert first.status_code in (200, 202), first.text
        assert (again.content, again.status_code) == (first.content, first.status_code)
        assert "idempotency-replayed" in again.headers, path


def test_what_only_reads_takes_no_key(ask: Client) -> None:
    post(ask, "k1")
    for path in ("/buckets/list", "/inference"):
        assert "idempotency-replayed" not in post(ask, "k1", {}, path).headers


def test_many_at_once_make_one(ask: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(ask, "k1"), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert ask("GET", "/buckets")["pagination"]["total"] == 1


def test_one_that_lasts_is_waited_for_and_then_told(
    ask: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mixpeek_lab.api.idempotency.WAIT", 0.2)
    begun, may_end, create = threading.Event(), threading.Event(), Buckets.create

    def slow(self: Buckets, body: Any) -> Any:
        begun.set()
        assert may_end.wait(20)
        return create(self, body)

    monkeypatch.setattr(Buckets, "create", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, ask, "k1")
        assert begun.wait(20)
        busy = post(ask, "k1")
        may_end.set()
        assert first.result().status_code == 200
    assert (busy.status_code, busy.headers["retry-after"]) == (409, "2")
    error = busy.json()["error"]
    assert (error["type"], error["details"]["retryable"]) == ("StillRunningError", True)
    assert post(ask, "k1").content == first.result().content


def test_an_unexpected_failure_before_anything_is_written_frees_the_key(
    ask: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Buckets, "create", lambda *_: 1 / 0)
        assert post(ask, "k1").status_code == 500
    assert post(ask, "k1").status_code == 200


def test_one_after_it_is_kept(ask: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not be done twice, and the same answer is as good as it gets."""
    create = Buckets.create
    with monkeypatch.context() as patch:
        patch.setattr(Buckets, "create", lambda self, body: create(self, body) and 1 / 0)
        assert post(ask, "k1").status_code == 500
    assert post(ask, "k1").status_code == 500
    assert [b["bucket_name"] for b in ask("GET", "/buckets")["results"]] == ["once"]


DIES = """
import os, sys
from pathlib import Path
from test_idempotency import Host, client_of, post
from mixpeek_lab.workbench.platform.{module} import {name}
{name}.{method} = lambda *_: os._exit(9)
home = Path(sys.argv[1])
post(client_of(home, Host(home)), "k1")
"""


@pytest.mark.parametrize(
    ("dies", "is_done"),
    [(("buckets", "Buckets", "create"), False), (("request_keys", "RequestKeys", "end"), True)],
    ids=["before it is written", "before it is answered"],
)
def test_a_process_that_died(ask: Client, home: Path, dies: Any, is_done: bool) -> None:
    module, name, method = dies
    code = DIES.format(module=module, name=name, method=method)
    here = Path(__file__).parent
    child = subprocess.run([sys.executable, "-c", code, str(home)], cwd=here, check=False)
    assert child.returncode == 9
    answer = post(ask, "k1")
    if is_done:
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (409, "ConflictError")
        assert "carried out" in error["message"]
    else:
        assert answer.status_code == 200
        assert post(ask, "k1").content == answer.content
    assert [b["bucket_name"] for b in ask("GET", "/buckets")["results"]] == ["once"]
    assert len(list((home / "requests").glob("*.lock"))) == 1  # this process's own


def test_the_app_needs_no_backend_to_say_what_takes_a_key() -> None:
    paths = create_app(None, TOKEN).openapi()["paths"]
    wanted = {"$ref": "#/components/parameters/IdempotencyKey"}
    takes = {
        path for path, told in paths.items() if wanted in told.get("post", {}).get("parameters", [])
    }
    assert "/v1/buckets" in takes
    assert "/v1/buckets/list" not in takes
