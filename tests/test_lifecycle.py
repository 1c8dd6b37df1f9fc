"""What comes and goes on a real Ray: versions under load, services that hang, runs left behind."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from packages import HASH_EMBEDDER, TEXT_STATS
from platform_client import (
    EXTRACTORS,
    Client,
    asking,
    collected,
    documents,
    ended,
    filled,
    holders,
    status,
    until,
    upload,
    worker_of,
    zipped,
)
from probes import load_probe

from mixpeek_lab.source import ExtractorSource, read_source
from mixpeek_lab.workbench import Lab

pytestmark = pytest.mark.ray

LIMIT = 40.0
"""Seconds that a service may take to load here."""
REQUESTS, CLIENTS = 2000, 8
SLOW = """\
note({pids!r}, os.getpid())
time.sleep(batch['data'].str.extract(r'([\\d.]+) s')[0].fillna(0).astype(float).sum())
batch['vec'] = [[1.0, 2.0]] * len(batch)
return batch
"""
SERVICE = """\
import os
import time


class RealtimeHandler:
    def __init__(self):
        {load}

    def predict(self, request):
        return {{"version": {version!r}, "pid": os.getpid()}}

    def check_health(self):
        {health}
"""


@pytest.fixture(scope="module")
def pids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the slow extractor's actors write who they are."""
    return tmp_path_factory.mktemp("pids") / "pids"


@pytest.fixture(scope="module")
def served(served_lab: Lab, tmp_path_factory: pytest.TempPathFactory, pids: Path) -> Iterator[Lab]:
    """A lab of its own on the tests' Ray and Serve, with its endpoint up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXPEEK_LAB_DEPLOY_SECONDS", str(LIMIT))
        own = Lab(tmp_path_factory.mktemp("lifecycle") / "home")
    with own:
        own.load(HASH_EMBEDDER)
        folder = tmp_path_factory.mktemp("slow")
        load_probe(own, folder, SLOW.format(pids=str(pids)), name="slow", profile={"batch_size": 1})
        load_probe(own, folder, "return batch", name="fatal",
                   pipeline="def build_steps(request, **kwargs):\n    os._exit(1)")  # fmt: skip
        own.start(wait=True)
        yield own


@pytest.fixture
def ask(served: Lab) -> Iterator[Client]:
    with asking(served) as client:
        yield client


def service(version: str, load: str = "pass", health: str = "pass") -> ExtractorSource:
    """A version of an extractor that answers with its version. The lines run when it is loaded,
    and when it is asked how it is."""
    return read_source(TEXT_STATS).with_file(
        "realtime.py", SERVICE.format(version=version, load=load, health=health)
    )


def uploaded(ask: Client, source: ExtractorSource, name: str = "text_stats") -> str:
    """The path of a new version of the extractor."""
    manifest = (source.text("manifest.py") or "").replace("text_stats", name)
    done = ask.upload(name, zipped(source, name, manifest=manifest))
    assert done["validation_errors"] == []
    return f"{EXTRACTORS}/{done['extractor_id']}"


def deployed(ask: Client, source: ExtractorSource, *wanted: str) -> str:
    """The path of a new version, once it is deployed (or what is wanted)."""
    path = uploaded(ask, source)
    ask("POST", f"{path}/deploy")
    found = status(ask, path, "DEPLOYED", "FAILED")
    assert found["status"] in (wanted or ("DEPLOYED",)), found
    return path


@pytest.fixture(scope="module")
def hanging(served: Lab) -> str:
    """A service that never comes up, from now on."""
    with asking(served) as ask:
        path = uploaded(ask, service("1", load="time.sleep(3600)"), "hanging")
        ask("POST", f"{path}/deploy")
        status(ask, path, "IN_PROGRESS")
    assert until(lambda: [p for p in replicas() if "hanging" in p], bool)
    return path


# ---------------------------------------------------------------- versions


@dataclass
class Load:
    """Clients that ask for the extractor by its name, and what they were told."""

    url: str
    token: str
    answers: list[tuple[float, float, str]] = field(default_factory=list)
    """When a request was sent, when it was answered, and by which version."""
    failures: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask until it is `done` and there were enough requests."""
        headers = {"authorization": f"Bearer {self.token}"}
        body = {"inference_name": "text_stats", "inputs": {"text": "a"}}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60) as http:
            while not self.done.is_set() or len(self.answers) < REQUESTS:
                begun = time.monotonic()
                answer = http.post("/v1/inference", json=body)
                if answer.status_code == 200:
                    version = answer.json()["data"]["version"]
                    self.answers.append((begun, time.monotonic(), version))
                else:
                    self.failures.append(answer.text)

    def goes_back(self) -> list[Any]:
        """Answers of an older version that were asked for after a newer one had answered."""
        newest, found, ends = "", [], sorted(self.answers, key=lambda answer: answer[1])
        position = 0
        for begun, _, version in sorted(self.answers):
            while ends[position][1] < begun:
                newest = max(newest, ends[position][2])
                position += 1
            if version < newest:
                found.append((begun, version, newest))
        return found


def test_versions_roll_over_under_load(served: Lab, ask: Client, hanging: str) -> None:
    first = deployed(ask, service("1"))
    load = Load(served.url, served.token)
    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(load.run) for _ in range(CLIENTS)]
        try:
            deployed(ask, service("2"))
            ask("POST", f"{first}/undeploy")  # with requests on their way to it
            broken = deployed(ask, service("3", load="os._exit(3)"), "FAILED")
            second = deployed(ask, service("4"))
            sick = deployed(ask, service("5", health="1 / 0"), "FAILED")
            deployed(ask, service("6"))
        finally:
            load.done.set()
        for client in running:
            client.result()
    assert load.failures == []
    assert len(load.answers) >= REQUESTS
    assert load.goes_back() == []
    assert list(dict.fromkeys(v for _, _, v in sorted(load.answers))) == ["1", "2", "4", "6"]
    assert "its process ended while it was loaded" in ask("GET", f"{broken}/status")["error"]
    error = ask("GET", f"{sick}/status")["error"]
    assert "check_health() failed at realtime.py:13" in error
    assert "ZeroDivisionError" in error
    # Whoever names a version gets that one.
    body = {"inference_name": second.rpartition("/")[2], "inputs": {"text": "a"}}
    assert ask("POST", "/inference", body)["data"]["version"] == "4"


# ---------------------------------------------------------------- runs


def runs_of(pids: Path) -> set[int]:
    """The slow extractor's actors that are alive."""
    known = {int(line) for line in pids.read_text().split()} if pids.exists() else set()
    return {pid for pid in known if psutil.pid_exists(pid)}


def test_a_long_run_holds_nobody_up_and_can_be_canceled(
    served: Lab, ask: Client, pids: Path
) -> None:
    bucket = filled(ask, "long", ["endless, 600 s"])
    long = collected(ask, bucket, "long-docs", feature_extractor_name="slow")
    task = ask("GET", f"/collections/{long}")["task_id"]
    until(lambda: runs_of(pids), bool)
    for name in ("one", "two"):
        quick = collected(ask, filled(ask, name, ["quick, 0 s"]), f"{name}-docs",
                          feature_extractor_name="slow")  # fmt: skip
        assert ended(ask, ask("GET", f"/collections/{quick}")["task_id"])["status"] == "COMPLETED"
    assert ask("GET", f"/tasks/{task}")["status"] == "IN_PROGRESS"
    assert "long-docs 0 %" in str(served.status())
    error = ask.refused(409, "ConflictError", "DELETE", f"/collections/{long}")
    assert f"/v1/tasks/{task}/cancel" in error["message"]
    ask.refused(409, "ConflictError", "DELETE", f"/buckets/{bucket}")
    assert ask("POST", f"/tasks/{task}/cancel")["status"] == "CANCELED"
    assert ask("GET", f"/collections/{long}")["snapshot"] is None
    until(lambda: runs_of(pids), lambda alive: not alive)
    ask("DELETE", f"/collections/{long}")
    assert ask("DELETE", f"/tasks/{task}")["success"]  # it went with its collection


def test_a_service_that_hangs_fails_in_time_and_is_gone(
    served: Lab, ask: Client, hanging: str
) -> None:
    found = status(ask, hanging, "FAILED", "DEPLOYED")
    assert "did not load within 40 s" in found["error"]
    assert "MIXPEEK_LAB_DEPLOY_SECONDS" in found["error"]
    assert not any(name.startswith("hanging@") for name in served.status().deployed)
    until(lambda: [p for p in replicas() if "hanging" in p], lambda left: not left)


def test_what_ends_its_process_each_time_is_given_up(served: Lab, ask: Client) -> None:
    collection = collected(ask, filled(ask, "fatal"), "fatal-docs", feature_extractor_name="fatal")
    found = ended(ask, ask("GET", f"/collections/{collection}")["task_id"])
    assert (found["status"], found["additional_data"]["attempts"]) == ("FAILED", 3)
    assert "ended 3 times" in found["error"]


def test_work_survives_what_is_killed(served: Lab, ask: Client) -> None:
    chance = random.Random(4)
    texts = [f"{n}, {chance.uniform(0, 0.6):.2f} s" for n in range(5)]
    bucket = filled(ask, "killed", texts[:1])
    collection = collected(ask, bucket, "killed-docs", feature_extractor_name="slow")
    tasks = {ask("GET", f"/collections/{collection}")["task_id"]}
    for text in texts[1:]:
        tasks.update(upload(ask, bucket, [text])["task_ids"])
    port = int(served.url.rpartition(":")[2])
    for victim in chance.sample(["worker", "gateway"], 2):
        time.sleep(chance.uniform(0.2, 2.5))
        kill(worker_of(served.home) if victim == "worker" else listener(port))
    until(lambda: answers(ask), bool)
    for task in tasks:
        found = ended(ask, task)
        assert found["status"] == "COMPLETED", found
        assert found["progress"]["processed_rows"] + found["progress"]["reused_rows"] <= len(texts)
    assert sorted(d["data"] for d in documents(ask, collection)) == sorted(texts)
    runs = served.sql(
        f"SELECT count(*) AS n FROM runs WHERE collection_id = '{collection}' AND state = 'running'"
    )
    assert runs.table.column("n").to_pylist() == [0]


def answers(ask: Client) -> bool:
    try:
        return ask.http.get("/v1/health").status_code == 200
    except httpx.HTTPError:
        return False


def kill(pid: int) -> None:
    if pid:
        os.kill(pid, signal.SIGKILL)


def listener(port: int) -> int:
    """The process that listens on the port; 0 where none does."""
    for process in psutil.Process().children(recursive=True):
        try:
            if any(
                c.status == psutil.CONN_LISTEN and c.laddr.port == port
                for c in process.net_connections("inet")
            ):
                return process.pid
        except psutil.Error:
            continue
    return 0


def replicas() -> list[str]:
    """What Ray calls the processes of services below this one."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return [name for name in found if "ServeReplica" in name]


def test_sql_knows_what_was_asked_for(served: Lab, ask: Client) -> None:
    query = "SELECT state, count(*) AS n FROM {} GROUP BY state"
    for table, state in [("tasks", "FAILED"), ("deployments", "DEPLOYED"), ("uploads", "passed")]:
        counts = served.sql(query.format(table)).table.to_pylist()
        assert any(row["state"] == state and row["n"] for row in counts), (table, counts)
    assert holders(served.home / "worker.lock")
