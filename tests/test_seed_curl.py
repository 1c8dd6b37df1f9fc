"""The page's shell commands, as they are written, against a lab on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import seed
from platform_client import until

from mixpeek_lab.workbench import Lab

pytestmark = [
    pytest.mark.ray,
    pytest.mark.model,
    pytest.mark.skipif(not shutil.which("zip"), reason="zip is not installed"),
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed"),
]

WALKTHROUGH = [
    "zip -r sec_filing_embedder.zip", "extractors/uploads\"", "curl -X PUT", "/confirm", "/deploy",
    "/v1/buckets\"", "/objects", "/v1/collections", "/v1/retrievers\"", "/execute",
]  # fmt: skip


class Shell:
    """Runs commands of the page; `values` are its placeholders, filled from the answers."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._url, self._folder = lab.url, folder
        self.values = {"API_KEY": lab.token}

    def run(self, command: str) -> dict[str, Any]:
        """The JSON that the command prints; `{}` where it prints none."""
        done = subprocess.run(
            ["bash", "-c", command.replace("https://api.mixpeek.com", self._url)],
            cwd=self._folder, env={**os.environ, **self.values}, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        self._fill(answer)
        return answer

    def get(self, path: str) -> dict[str, Any]:
        """Ask as a reader of the page would, between its steps."""
        ask = f'curl -s "https://api.mixpeek.com/v1{path}" -H "Authorization: Bearer $API_KEY"'
        return self.run(ask)

    def _fill(self, answer: dict[str, Any]) -> None:
        for key in ("presigned_url", "upload_id", "extractor_id", "bucket_id", "collection_id"):
            if key in answer:
                self.values[key.upper()] = answer[key]
        if "retriever" in answer:
            self.values["RETRIEVER_ID"] = answer["retriever"]["retriever_id"]


@pytest.fixture(scope="module")
def served(
    served_lab: Lab, bge_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A lab of its own on the tests' Ray and Serve, with its endpoint up and nothing in it."""
    with Lab(tmp_path_factory.mktemp("curl") / "home") as own:
        own.start(wait=True)
        yield own


def shell_of(served: Lab, folder: Path, package: str) -> Shell:
    """A shell beside a copy of the package, that knows the namespace."""
    shutil.copytree(seed.FIXTURES / package, folder, dirs_exist_ok=True)
    shell = Shell(served, folder)
    (namespace,) = shell.get("/namespaces")["results"]
    shell.values["NS_ID"] = namespace["namespace_id"]
    return shell


def test_the_walkthrough_finds_the_filing(served: Lab, tmp_path: Path) -> None:
    commands = seed.commands(
        "End-to-End: Extractor → Collection → Retriever", end="Upload and Deploy"
    )
    for command, part in zip(commands, WALKTHROUGH, strict=True):
        assert part in command
    shell = shell_of(served, tmp_path, "seed_sec")
    answers = [shell.run(command) for command in commands[:-1]]
    confirmed, deployed, collection = answers[3], answers[4], answers[7]
    assert confirmed["validation_status"] == "passed", confirmed
    assert confirmed["feature_uri"] == "mixpeek://sec_filing_embedder@1.0.0/filing_embedding"
    assert deployed["status"] in ("QUEUED", "PENDING", "IN_PROGRESS", "DEPLOYED")
    (index,) = collection["vector_indexes"]
    assert index["index"]["dimensions"] == 768

    status = f"/namespaces/{shell.values['NS_ID']}/extractors/{shell.values['EXTRACTOR_ID']}/status"
    until(lambda: shell.get(status), lambda answer: answer["status"] == "DEPLOYED")
    found = until(
        lambda: shell.run(commands[-1]),
        lambda answer: not answer.get("error", {}).get("details", {}).get("retryable"),
    )
    (document,) = found["documents"]
    assert document["data"] == "Revenue increased 22% year-over-year..."
    assert (document["ticker"], document["form"]) == ("AAPL", "10-K")
    assert document["score"] > 0
    lineage = document["_internal"]["lineage"]
    assert lineage["root_bucket_id"] == shell.values["BUCKET_ID"]
    assert lineage["root_object_id"] == answers[6]["object_ids"][0]
    assert document["collection_id"] == shell.values["COLLECTION_ID"]

    # What came over HTTP is what the notebook sees.
    assert served.extractor("sec_filing_embedder").source.digest == confirmed["code_hash"]
    assert served.bucket("sec-filings").object_count == 1
    assert served.collection("sec-filing-chunks").document_count == 1
    runs = served.sql("SELECT state FROM runs").table.to_pylist()
    assert runs == [{"state": "completed"}]
    assert any(name.startswith("sec_filing_embedder@") for name in served.status().deployed)


def test_upload_and_deploy(served: Lab, tmp_path: Path) -> None:
    commands = seed.commands("Upload and Deploy", end="Local Development")
    assert len(commands) == 5
    shell = shell_of(served, tmp_path, "seed_plain")
    for command in commands:
        shell.run(command)
    assert shell.values["EXTRACTOR_ID"] == "my_extractor_1_0_0"
    path = f"/namespaces/{shell.values['NS_ID']}/extractors/my_extractor_1_0_0/status"
    seen: list[str] = []

    def ask() -> dict[str, Any]:
        answer = shell.get(path)
        seen.append(answer["status"])
        return answer

    until(ask, lambda answer: answer["status"] in ("DEPLOYED", "FAILED"))
    assert seen[-1] == "DEPLOYED"
    assert set(seen) <= {"QUEUED", "PENDING", "IN_PROGRESS", "DEPLOYED"}
