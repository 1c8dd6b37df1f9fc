"""What tests of the platform's API ask with."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab

EXTRACTORS = "/namespaces/default/extractors"
TEXTS = ["river boat", "money bank", "fox tree"]
EXTRACTOR = {"feature_extractor_name": "hash_embedder", "version": "1.0.0"}
URI = "mixpeek://hash_embedder@1.0.0/hash_embedding"
RETRIEVER = {
    "retriever_name": "find",
    "stages": [
        {
            "stage_type": "search",
            "stage_id": "s",
            "feature_search": {"feature_uri": URI, "limit": 9},
        }
    ],
}

SECONDS = 240
"""For a machine with a great deal else to do."""


class Client:
    """Asks the API, and holds its answers to the envelope."""

    def __init__(self, http: Any, token: str) -> None:
        self.http, self._headers = http, {"authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of an answer that is no error."""
        answer = self.send(method, path, body, **options)
        assert answer.status_code in (200, 202), answer.text
        return answer.json()

    def refused(
        self, status: int, kind: str, method: str, path: str, body: Any = None, **options: Any
    ) -> Any:
        """The `error` of an answer that is one."""
        answer = self.send(method, path, body, **options)
        told = answer.json()
        assert answer.status_code == status, told
        assert (told["success"], told["status"], told["error"]["type"]) == (False, status, kind)
        return told["error"]

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = {**self._headers, **options.pop("headers", {})}
        return self.http.request(method, f"/v1{path}", json=body, headers=headers, **options)

    def upload(self, name: str, archive: bytes, version: str | None = None) -> Any:
        """Upload an archive, and confirm it."""
        made = self("POST", "/namespaces/default/extractors/uploads",
                    {"name": name, **({"version": version} if version else {})})  # fmt: skip
        assert self.http.put(made["presigned_url"], content=archive).status_code == 200
        return self("POST", f"/namespaces/default/extractors/uploads/{made['upload_id']}/confirm")


@contextmanager
def asking(lab: Lab) -> Iterator[Client]:
    """A client of the lab's endpoint, over HTTP."""
    with httpx.Client(base_url=lab.url, timeout=60) as http:
        yield Client(http, lab.token)


def zipped(source: ExtractorSource, folder: str | None = None, **changes: str) -> bytes:
    """A package as `zip -r` makes it. `changes`: file stem → text that replaces the whole file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in source.files:
            archive.writestr(f"{folder or source.name}/{path}", changes.get(Path(path).stem, text))
    return buffer.getvalue()


def filled(ask: Client, name: str = "texts", texts: list[str] = TEXTS) -> str:
    """A bucket with one object a text; its id."""
    body = {"bucket_name": name, "blob_schema": {"body": {"type": "text"}}}
    bucket = ask("POST", "/buckets", body)["bucket_id"]
    upload(ask, bucket, texts)
    return str(bucket)


def upload(ask: Client, bucket: str, texts: list[str]) -> Any:
    objects = [{"blob_data": {"body": text}, "metadata": {"n": n}} for n, text in enumerate(texts)]
    return ask("POST", f"/buckets/{bucket}/objects", {"objects": objects})


def collected(ask: Client, bucket: str, name: str = "docs", **config: Any) -> str:
    body = {
        "collection_name": name,
        "source": {"type": "bucket", "bucket_id": bucket},
        "feature_extractor": {**EXTRACTOR, **config},
    }
    return str(ask("POST", "/collections", body)["collection_id"])


def documents(ask: Client, collection: str, **body: Any) -> list[Any]:
    found = ask("POST", f"/collections/{collection}/documents/list", {"limit": 1000, **body})
    return list(found["results"])


def until(ask: Callable[[], Any], is_done: Callable[[Any], bool], pause: float = 0.05) -> Any:
    """The first answer that is done."""
    end = time.monotonic() + SECONDS
    while not is_done(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(pause)
    return answer


def ended(ask: Client, task_id: str) -> Any:
    """The task, once it has ended."""
    open_states = ("QUEUED", "IN_PROGRESS")
    return until(
        lambda: ask("GET", f"/tasks/{task_id}"), lambda task: task["status"] not in open_states
    )


def status(ask: Client, path: str, *wanted: str) -> Any:
    """The extractor's status, once it is one of those."""
    return until(lambda: ask("GET", f"{path}/status"), lambda answer: answer["status"] in wanted)


def worker_of(home: Path) -> int:
    """The process that holds the worker's lock; 0 where none does."""
    return next(iter(holders(home / "worker.lock")), 0)


def holders(path: Path) -> list[int]:
    """The processes that have a file open."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(file.path == str(path) for file in process.open_files()):
                found.append(int(process.pid))
        except psutil.Error:
            continue
    return found
