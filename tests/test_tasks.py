"""Tasks and addresses without Ray: what is canceled, lost, taken up again; and who answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packages import HASH_EMBEDDER, TEXT_STATS, WORD_RERANKER
from platform_client import (
    EXTRACTORS,
    RETRIEVER,
    TEXTS,
    Client,
    collected,
    documents,
    filled,
    upload,
)
from platform_host import Host

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import EngineError
from mixpeek_lab.source import read_source, write_source
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.engines import KernelEngine
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.processing import Processing


class Died(BaseException):
    """Stands for the end of a process."""


class Interrupted(KernelEngine):
    """An engine in the middle of whose work something happens."""

    def __init__(self, home: Path, happens: Callable[[], Any]) -> None:
        super().__init__(home)
        self._happens = happens

    def run(self, *values: Any) -> Any:
        blocks, notes = super().run(*values)
        computed = list(blocks)
        self._happens()
        return (block for block in computed), notes


def task_of(ask: Client, collection: str) -> Any:
    return ask("GET", f"/tasks/{ask('GET', f'/collections/{collection}')['task_id']}")


class TestCanceling:
    @pytest.mark.parametrize("way", [("POST", "/cancel"), ("DELETE", "")])
    def test_one_that_waits(self, ask: Client, host: Host, way: tuple[str, str]) -> None:
        collection = collected(ask, filled(ask))
        path = f"/tasks/{task_of(ask, collection)['task_id']}"
        method, tail = way
        ask(method, path + tail)
        assert ask("GET", path)["status"] == "CANCELED"
        assert "was canceled" in ask("GET", path)["error"]
        assert host.work() == 0
        assert ask("POST", f"{path}/cancel")["status"] == "CANCELED"  # once more is no error
        assert ask("POST", f"/collections/{collection}/trigger")["task_id"] not in path
        assert host.work() == 1

    def test_one_under_way_shows_nothing_whatever_it_has(
        self, ask: Client, host: Host, home: Path
    ) -> None:
        bucket = filled(ask)
        collection = collected(ask, bucket)
        host.work()
        before = ask("GET", f"/collections/{collection}")
        upload(ask, bucket, ["new"])
        task = task_of(ask, collection)["task_id"]
        catalog, place = host.catalog, Home.open(home)
        engine = Interrupted(home, lambda: catalog.cancel_task(task, "not any more"))
        Processing(catalog, place, engine).step()
        assert ask("GET", f"/tasks/{task}")["status"] == "CANCELED"
        after = ask("GET", f"/collections/{collection}")
        assert after["snapshot"] == before["snapshot"]
        assert len(documents(ask, collection)) == len(TEXTS)
        states = Lab(home).sql("SELECT state FROM runs ORDER BY started_at").table
        assert states.column("state").to_pylist() == ["completed", "interrupted"]
        ask("POST", f"/collections/{collection}/trigger")
        host.work()
        assert len(documents(ask, collection)) == len(TEXTS) + 1

    def test_one_that_has_ended(self, ask: Client, host: Host) -> None:
        collection = collected(ask, filled(ask))
        host.work()
        path = f"/tasks/{task_of(ask, collection)['task_id']}"
        error = ask.refused(409, "ConflictError", "POST", f"{path}/cancel")
        assert "COMPLETED" in error["message"]
        assert ask("DELETE", path)["success"] is True  # as Mixpeek's does
        assert ask("GET", path)["status"] == "COMPLETED"
        ask.refused(404, "NotFoundError", "POST", "/tasks/task_none/cancel")
        assert ask("DELETE", "/tasks/task_none")["success"] is True

    def test_from_the_notebook(self, ask: Client, host: Host, home: Path) -> None:
        collected(ask, filled(ask))
        lab = Lab(home)
        assert "Background: 1 waiting" in str(lab.status())
        (task,) = lab.work.tasks()
        assert lab.work.cancel(task["task_id"])["status"] == "CANCELED"
        assert "Background" not in str(lab.status())
        query = "SELECT state, error, attempts FROM tasks"
        assert lab.sql(query).table.to_pylist()[0]["state"] == "CANCELED"


class TestLost:
    """Nobody holds the worker's lock here: whatever is in progress is a dead one's."""

    def test_it_waits_again_and_three_times_are_enough(self, ask: Client, host: Host) -> None:
        collection = collected(ask, filled(ask))
        task = task_of(ask, collection)["task_id"]
        for attempt in (1, 2, 3):
            assert ask("GET", f"/tasks/{task}")["status"] == "QUEUED"
            assert host.catalog.begin_task(task, f"run_{attempt}")
        found = ask("GET", f"/tasks/{task}")
        assert (found["status"], found["additional_data"]["attempts"]) == ("FAILED", 3)
        assert "trigger the collection" in found["error"]
        assert host.work() == 0
        ask("POST", f"/collections/{collection}/trigger")
        assert host.work() == 1

    def test_attempts_count_in_one_session_of_ray(self, ask: Client, host: Host) -> None:
        task = task_of(ask, collected(ask, filled(ask)))["task_id"]
        for attempt in range(5):
            host.catalog.excuse_tasks(f"session {attempt}")
            assert host.catalog.begin_task(task, f"run_{attempt}")
            assert ask("GET", f"/tasks/{task}")["status"] == "QUEUED"

    def test_code_that_ends_its_process_is_tried_no_more_often_than_it_begins(
        self, ask: Client, host: Host, home: Path
    ) -> None:
        def die() -> None:
            raise Died

        task = task_of(ask, collected(ask, filled(ask)))["task_id"]
        dying = Processing(host.catalog, Home.open(home), Interrupted(home, die))
        with pytest.raises(Died):
            dying.step()
        found = ask("GET", f"/tasks/{task}")
        assert (found["status"], found["additional_data"]["attempts"]) == ("QUEUED", 1)
        assert found["progress"] == {}
        host.work()
        found = ask("GET", f"/tasks/{task}")
        assert (found["status"], found["progress"]["processed_rows"]) == ("COMPLETED", len(TEXTS))

    def test_what_was_shown_is_done_and_counts_once(
        self, ask: Client, host: Host, home: Path
    ) -> None:
        collection = collected(ask, filled(ask, texts=[*TEXTS, "FAIL"]))
        task = task_of(ask, collection)["task_id"]
        catalog = Catalog(home / "catalog.sqlite")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(catalog, "end_task", lambda *_: None)  # its process is gone by then
            Processing(catalog, Home.open(home), KernelEngine(home)).step()
        found = ask("GET", f"/tasks/{task}")
        assert found["status"] == "COMPLETED_WITH_ERRORS"
        assert (found["progress"]["processed_rows"], found["progress"]["failed_rows"]) == (4, 1)
        assert host.work() == 0
        assert len(documents(ask, collection)) == len(TEXTS)

    def test_a_deployment(self, ask: Client, host: Host) -> None:
        path = f"{EXTRACTORS}/hash_embedder_1_0_0"
        ask("POST", f"{path}/deploy")
        digest = ask("GET", path)["code_hash"]
        for attempt in (1, 2, 3):
            assert host.catalog.move_deployment("hash_embedder", digest, "QUEUED", "PENDING")
            ask("GET", "/tasks")  # whoever looks sees that nobody is at work
            told = ask("GET", f"{path}/status")
            assert told["status"] == ("QUEUED" if attempt < 3 else "FAILED")
        assert "3 times" in told["error"]
        assert ask("POST", f"{path}/deploy")["status"] == "QUEUED"


def test_how_rows_failed_is_told_by_kind(ask: Client, host: Host) -> None:
    collection = collected(ask, filled(ask, texts=["river", "FAIL here", "FAIL there"]))
    host.work()
    progress = task_of(ask, collection)["progress"]
    assert progress["total_rows"] == 3
    assert progress["failed_rows"] == 2
    assert sum(progress["failed_kinds"].values()) == 2
    assert progress["documents"] == 1


# ---------------------------------------------------------------- addresses


def keep(home: Path, folder: Path, package: Path, version: str, **changes: str) -> str:
    """Define another version of a package in the lab; its digest."""
    source = read_source(package)
    for path in ("manifest.py", "realtime.py"):
        text = source.text(path) or ""
        for old, new in changes.items():
            text = text.replace(old, new)
        text = text.replace('"1.0.0"', f'"{version}"').replace('"v1"', f'"{version}"')
        source = source.with_file(path, text)
    write_source(source, folder / version)
    assert Lab(home).load(folder / version, source.name).is_kept
    return source.digest


def deploy(host: Host, name: str, digest: str, state: str = "DEPLOYED") -> None:
    host.catalog.put_deployment(name, digest, "api", state)
    host.states[name, digest[:12]] = ("RUNNING", "") if state == "DEPLOYED" else ("DEPLOYING", "")


class TestAddresses:
    def stats(self, ask: Client, **address: str) -> Any:
        answer = ask("POST", "/inference", {**address, "inputs": {"text": "a b"}})
        return answer["model"], answer["data"]["words"]

    def test_a_name_stands_for_the_newest_that_is_deployed(
        self, ask: Client, host: Host, home: Path, tmp_path: Path
    ) -> None:
        name = {"inference_name": "text_stats"}
        first = keep(home, tmp_path, TEXT_STATS, "1.0.0")
        assert self.stats(ask, **name) == ("text_stats@1.0.0", 2)
        deploy(host, "text_stats", first)
        digests = {
            version: keep(home, tmp_path, TEXT_STATS, version, **{"len(words)": f"{size}"})
            for version, size in [("1.0.2", 20), ("1.0.10", 100), ("2.0.0", 200)]
        }
        assert self.stats(ask, **name) == ("text_stats@1.0.0", 2)
        for version, size in [("1.0.10", 100), ("1.0.2", 100), ("2.0.0", 200)]:
            deploy(host, "text_stats", digests[version], "IN_PROGRESS")
            before = self.stats(ask, **name)
            deploy(host, "text_stats", digests[version])
            after = self.stats(ask, **name)
            assert after[1] == size >= before[1]
        assert self.stats(ask, inference_name="text_stats@1.0.0")[1] == 2
        assert self.stats(ask, inference_name="text_stats_1_0_2")[1] == 20
        ask("POST", f"{EXTRACTORS}/text_stats_2_0_0/undeploy")
        assert self.stats(ask, **name)[1] == 100

    def test_a_uri_without_a_version(
        self, ask: Client, host: Host, home: Path, tmp_path: Path, hash_source: Any
    ) -> None:
        deploy(host, "hash_embedder", hash_source.digest)
        keep(home, tmp_path, HASH_EMBEDDER, "2.0.0")
        uri = "mixpeek://hash_embedder/hash_embedding"
        body = {"feature_uri": uri, "inputs": {"text": "river"}}
        assert ask("POST", "/inference", body)["model"] == "hash_embedder@1.0.0"
        wrong = {**body, "feature_uri": uri + "s"}
        ask.refused(404, "NotFoundError", "POST", "/inference", wrong)

    def test_one_that_is_taken_down_in_the_middle_of_a_request(
        self, ask: Client, host: Host, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = keep(home, tmp_path, TEXT_STATS, "1.0.0")
        deploy(host, "text_stats", old)
        new = keep(home, tmp_path, TEXT_STATS, "1.0.1", **{"len(words)": "7"})
        infer = host.infer

        async def taken_down(name: str, digest: str, *values: Any) -> Any:
            if digest == old:
                deploy(host, "text_stats", new)
                raise EngineError("its process ended")
            return await infer(name, digest, *values)

        monkeypatch.setattr(host, "infer", taken_down)
        assert self.stats(ask, inference_name="text_stats") == ("text_stats@1.0.1", 7)
        body = {"inference_name": "text_stats@1.0.0", "inputs": {"text": "a"}}
        ask.refused(503, "EngineError", "POST", "/inference", body)

    def test_what_the_notebook_has_taken_down_is_forgotten(
        self, ask: Client, host: Host, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deploy(host, "text_stats", keep(home, tmp_path, TEXT_STATS, "1.0.0"))
        gone = keep(home, tmp_path, TEXT_STATS, "1.0.1", **{"len(words)": "7"})
        host.catalog.put_deployment("text_stats", gone, "lab", "DEPLOYED")
        infer = host.infer

        async def running(name: str, digest: str, *values: Any) -> Any:
            if (name, digest[:12]) not in host.states:
                raise EngineError("it is not deployed")
            return await infer(name, digest, *values)

        monkeypatch.setattr(host, "infer", running)
        assert self.stats(ask, inference_name="text_stats") == ("text_stats@1.0.0", 2)
        assert host.catalog.deployment("text_stats", gone) is None

    def test_a_stage_follows_and_a_collection_does_not(
        self, ask: Client, host: Host, home: Path, tmp_path: Path
    ) -> None:
        old = keep(home, tmp_path, WORD_RERANKER, "1.0.0")
        deploy(host, "word_reranker", old)
        collection = collected(ask, filled(ask, texts=["river boat", "river", "boat"]))
        host.work()
        rerank = {"stage_type": "sort", "stage_id": "rerank",
                  "rerank": {"inference_name": "word_reranker"}}  # fmt: skip
        body = {**RETRIEVER, "collection_ids": [collection]}
        ask("POST", "/retrievers", {**body, "stages": [*body["stages"], rerank]})

        def found() -> list[str]:
            answer = ask("POST", "/retrievers/find/execute", {"query": "river boat"})
            return [document["data"] for document in answer["documents"]]

        assert found()[0] == "river boat"
        change = {"return len(words &": "return -len(words &"}
        new = keep(home, tmp_path, WORD_RERANKER, "1.0.1", **change)
        deploy(host, "word_reranker", new, "IN_PROGRESS")
        assert found()[0] == "river boat"
        deploy(host, "word_reranker", new)
        assert found()[-1] == "river boat"
        record = ask("GET", f"/collections/{collection}")
        assert record["feature_extractor"]["version"] == "1.0.0"

    def test_what_a_stage_asks_is_not_deleted(
        self, ask: Client, host: Host, home: Path, tmp_path: Path
    ) -> None:
        old = keep(home, tmp_path, WORD_RERANKER, "1.0.0")
        deploy(host, "word_reranker", old)
        collection = collected(ask, filled(ask))
        rerank = {"stage_type": "sort", "stage_id": "rerank",
                  "rerank": {"inference_name": "word_reranker"}}  # fmt: skip
        body = {**RETRIEVER, "collection_ids": [collection]}
        ask("POST", "/retrievers", {**body, "stages": [*body["stages"], rerank]})
        path = f"{EXTRACTORS}/word_reranker_1_0_0"
        assert "'find'" in "".join(ask("POST", f"{path}/undeploy")["warnings"])
        error = ask.refused(409, "ConflictError", "DELETE", path)
        assert "find" in error["message"]
        # Another version answers: the stage, which names none, needs this one no more.
        deploy(host, "word_reranker", keep(home, tmp_path, WORD_RERANKER, "1.0.1"))
        assert ask("DELETE", path) == {"success": True}
        newer = f"{EXTRACTORS}/word_reranker_1_0_1"
        ask.refused(409, "ConflictError", "DELETE", newer)
        ask("DELETE", "/retrievers/find")
        assert ask("DELETE", newer) == {"success": True}
