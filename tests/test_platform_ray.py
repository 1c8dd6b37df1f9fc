"""The platform on a real Ray: services come and go, runs go on in the background, workers die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from packages import HASH_EMBEDDER
from platform_client import (
    EXTRACTORS,
    Client,
    asking,
    collected,
    documents,
    ended,
    filled,
    status,
    until,
    upload,
    worker_of,
    zipped,
)
from probes import load_probe

from mixpeek_lab.errors import ConflictError, EngineError, SourceError
from mixpeek_lab.serving.apart import call_apart
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab

pytestmark = pytest.mark.ray

HASH = f"{EXTRACTORS}/hash_embedder_1_0_0"
SLOW = "time.sleep(float(batch['data'].str.extract(r'(\\d+) s')[0].fillna(0).astype(float).sum()))"


@pytest.fixture(scope="module")
def served(served_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own on the tests' Ray and Serve, with its endpoint up."""
    with Lab(tmp_path_factory.mktemp("platform") / "home") as own:
        own.load(HASH_EMBEDDER)
        load_probe(own, tmp_path_factory.mktemp("slow"), SLOW,
                   "batch['vec'] = [[1.0, 2.0]] * len(batch)\nreturn batch",
                   name="slow", profile={"batch_size": 1})  # fmt: skip
        own.start(wait=True)
        yield own


@pytest.fixture
def ask(served: Lab) -> Iterator[Client]:
    with asking(served) as client:
        yield client


def test_deployments_are_the_same_from_both_sides(
    served: Lab, ask: Client, hash_source: ExtractorSource
) -> None:
    mine = f"hash_embedder@{hash_source.digest[:12]}"
    assert ask("POST", f"{HASH}/deploy")["status"] in ("QUEUED", "PENDING", "IN_PROGRESS")
    status(ask, HASH, "DEPLOYED")
    assert mine in served.status().deployed
    found = ask("POST", f"{HASH}/realtime/test", {"inputs": {"text": "river"}})
    assert len(found["data"]["embedding"]) == 16
    # Another version becomes current and is deployed in the notebook: the first one stays.
    edited = hash_source.text("processors/words.py") + "\n# edited\n"
    assert ask.upload("hash_embedder", zipped(hash_source, words=edited))["version"] == "1.0.1"
    served.deploy("hash_embedder")
    assert len([d for d in served.status().deployed if d.startswith("hash_embedder@")]) == 2
    newer = f"{EXTRACTORS}/hash_embedder_1_0_1"
    assert ask("GET", f"{newer}/status")["status"] == "DEPLOYED"
    assert ask("POST", f"{HASH}/undeploy")["status"] == "NOT_DEPLOYED"
    assert ask("DELETE", newer) == {"success": True}
    assert [d for d in served.status().deployed if d.startswith("hash_embedder@")] == []
    assert served.extractor("hash_embedder").source.digest == hash_source.digest


def test_code_that_does_not_load_fails_with_its_line(
    served: Lab, ask: Client, hash_source: ExtractorSource
) -> None:
    text = hash_source.text("realtime.py") or ""
    broken = text.replace(
        "    async def infer", "    def setup(self):\n        1 / 0\n\n    async def infer"
    )
    done = ask.upload("hash_embedder", zipped(hash_source, realtime=broken))
    path = f"{EXTRACTORS}/{done['extractor_id']}"
    ask("POST", f"{path}/deploy")
    answer = status(ask, path, "FAILED", "DEPLOYED")
    assert answer["status"] == "FAILED"
    assert "setup() failed at realtime.py:" in answer["error"]
    assert "ZeroDivisionError" in answer["error"]
    assert ask("GET", path)["error"] == answer["error"]
    assert not any(d.endswith(done["code_hash"][:12]) for d in served.status().deployed)
    ask("DELETE", path)


def test_what_ends_its_process_takes_nobody_along(served: Lab, ask: Client) -> None:
    with pytest.raises(EngineError, match="process ended"):
        call_apart("os:_exit", 3)
    with pytest.raises(SourceError, match="nowhere"):
        call_apart("mixpeek_lab.archives:read_archive", "nowhere.zip")
    assert ask.http.get("/v1/health").status_code == 200


def test_runs_in_the_background_lose_nothing(served: Lab, ask: Client) -> None:
    bucket = filled(ask, "parallel", ["first, 1 s", "second, 1 s"])
    collection = collected(ask, bucket, "parallel-docs", feature_extractor_name="slow")
    first = ask("GET", f"/collections/{collection}")["task_id"]
    until(lambda: ask("GET", f"/tasks/{first}"), lambda task: task["status"] == "IN_PROGRESS")
    (second,) = upload(ask, bucket, ["third, 0 s"])["task_ids"]
    assert second != first
    slowest, refusals = 0.0, list[str]()
    while ask("GET", f"/tasks/{first}")["status"] == "IN_PROGRESS":
        begun = time.monotonic()
        assert ask.http.get("/v1/health").status_code == 200
        slowest = max(slowest, time.monotonic() - begun)
        try:  # the notebook's own run of it, at the same time
            served.process("parallel", "slow", "parallel-docs", engine="kernel")
        except ConflictError as error:
            refusals.append(str(error))
    assert slowest < 5
    assert all("Another run" in refusal for refusal in refusals)
    for task in (first, second):
        assert ended(ask, task)["status"] == "COMPLETED"
    found = documents(ask, collection)
    assert [d["data"] for d in found] == ["first, 1 s", "second, 1 s", "third, 0 s"]
    states = served.sql("SELECT DISTINCT state FROM runs").table.column("state").to_pylist()
    assert states == ["completed"]


def test_a_worker_that_dies(served: Lab, ask: Client) -> None:
    bucket = filled(ask, "dying", ["fine, 0 s"])
    collection = collected(ask, bucket, "dying-docs", feature_extractor_name="slow")
    ended(ask, ask("GET", f"/collections/{collection}")["task_id"])
    (task,) = upload(ask, bucket, ["endless, 600 s"])["task_ids"]
    until(lambda: ask("GET", f"/tasks/{task}")["progress"], lambda progress: progress.get("phase"))
    os.kill(worker_of(served.home), signal.SIGKILL)
    # Ray starts the worker again, which takes up what the one before was at.
    again = until(
        lambda: ask("GET", f"/tasks/{task}"),
        lambda found: found["additional_data"]["attempts"] == 2 and found["progress"],
    )
    assert again["status"] == "IN_PROGRESS"
    assert (
        "cancel"
        in ask.refused(409, "ConflictError", "DELETE", f"/collections/{collection}")["message"]
    )
    assert ask("POST", f"/tasks/{task}/cancel")["status"] == "CANCELED"
    assert [d["data"] for d in documents(ask, collection)] == ["fine, 0 s"]
    # What is asked for next is done.
    endless = ask("GET", f"/buckets/{bucket}/objects")["results"][1]["object_id"]
    answer = ask("DELETE", f"/buckets/{bucket}/objects/{endless}")
    assert ended(ask, answer["task_ids"][0])["status"] == "COMPLETED"
    upload(ask, bucket, ["later, 0 s"])
    again = ask("POST", f"/collections/{collection}/trigger")["task_id"]
    assert ended(ask, again)["status"] == "COMPLETED"
    assert [d["data"] for d in documents(ask, collection)] == ["fine, 0 s", "later, 0 s"]
    runs = served.sql("SELECT state FROM runs WHERE state = 'interrupted'").table
    assert runs.num_rows == 2


def test_a_lab_that_is_started_again_goes_on(served: Lab, ask: Client) -> None:
    ask("POST", f"{HASH}/deploy")
    status(ask, HASH, "DEPLOYED")
    bucket = filled(ask, "stopped", ["endless, 600 s"])
    collection = collected(ask, bucket, "stopped-docs", feature_extractor_name="slow")
    task = ask("GET", f"/collections/{collection}")["task_id"]
    until(lambda: ask("GET", f"/tasks/{task}"), lambda found: found["status"] == "IN_PROGRESS")
    queued = ask("POST", f"/collections/{collection}/trigger")["task_id"]
    served.stop()
    until(lambda: worker_of(served.home), lambda pid: pid == 0)
    served.bucket("stopped", [{"_id": "a", "body": "short, 0 s"}], text="body")
    served.start(wait=True)
    with asking(served) as again:
        assert ended(again, queued)["status"] == "COMPLETED"
        assert again("GET", f"/tasks/{task}")["status"] == "COMPLETED"
        assert [d["data"] for d in documents(again, collection)] == ["short, 0 s"]
        status(again, HASH, "DEPLOYED")
