"""The endpoint on a real Ray Serve: deploying, asking, failing, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.errors import EngineError, InvalidInputError, NotFoundError
from mixpeek_lab.serving.replies import answer_of, refusal
from mixpeek_lab.serving.services import ExtractorService
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.workbench import Lab

pytestmark = pytest.mark.ray

ROWS = [{"_id": f"r{i}", "text": t} for i, t in enumerate(["river boat", "money bank", "fox tree"])]
DENSE = {"collection": "c", "searches": [{"feature": "hash_embedding"}]}


@pytest.fixture(scope="module")
def served(served_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own on the tests' Ray and Serve, with retriever `r` served."""
    with Lab(tmp_path_factory.mktemp("serving") / "home") as own:
        own.load(HASH_EMBEDDER)
        own.bucket("b", ROWS)
        own.process("b", "hash_embedder", "c", engine="kernel")
        own.retriever("r", DENSE)
        own.serve("r")
        yield own


def load_edited(
    lab: Lab, source: ExtractorSource, folder: Path, path: str, *change: str
) -> ExtractorSource:
    """Load the extractor with `change[0]` replaced by `change[1]` in one file."""
    text = source.text(path)
    assert text is not None
    assert change[0] in text
    edited = source.with_file(path, text.replace(*change))
    write_source(edited, folder)
    assert lab.load(folder, "hash_embedder").is_kept
    return edited


def post(lab: Lab, path: str, body: Any, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {lab.token if token is None else token}"}
    return httpx.post(f"{lab.url}/v1{path}", json=body, headers=headers, timeout=60)


class TestAnswers:
    def test_the_three_ways_to_ask_agree(self, served: Lab) -> None:
        here = served.search("r", "river boat", limit=2)
        handle = served.execute("r", {"query": "river boat", "limit": 2})
        answer = post(served, "/retrievers/r/execute", {"query": "river boat", "limit": 2})
        assert answer.status_code == 200
        wanted = [(hit.document_id, hit.score) for hit in here.hits]
        for found in (handle, answer.json()):
            assert [(d["document_id"], d["score"]) for d in found["documents"]] == wanted

    def test_the_url_that_serve_gives_executes(self, served: Lab) -> None:
        headers = {"Authorization": f"Bearer {served.token}"}
        answer = httpx.post(served.serve("r"), json={"query": "fox tree"}, headers=headers)
        assert answer.json()["documents"][0]["data"] == "fox tree"
        assert post(served, "/retrievers/r/execute", {}, token="wrong").status_code == 401

    def test_explain_through_the_handle(self, served: Lab) -> None:
        found = served.execute("r", {"query": "fox tree", "limit": 1}, explain=True)
        assert len(found["documents"]) == 3
        assert len(found["hits"]) == 1

    def test_raw_inference(self, served: Lab) -> None:
        body = {"feature_uri": "mixpeek://hash_embedder@v1/hash_embedding", "inputs": {"text": "x"}}
        found = post(served, "/inference", body).json()
        assert len(found["data"]["embedding"]) == 16

    def test_errors_arrive_as_they_were_raised(self, served: Lab) -> None:
        with pytest.raises(NotFoundError, match="Did you mean 'r'"):
            served.execute("rr", {"query": "x"})
        with pytest.raises(InvalidInputError, match="limit"):
            served.execute("r", {"query": "x", "limt": 1})

    def test_what_changes_is_seen_by_the_next_request(self, served: Lab) -> None:
        served.retriever("changing", DENSE)
        served.execute("changing", {"query": "zebra"})
        served.bucket("b", [*ROWS, {"_id": "z", "text": "zebra"}])
        served.process("b", "hash_embedder", "c", engine="kernel")
        found = served.execute("changing", {"query": "zebra", "limit": 1})
        assert found["documents"][0]["data"] == "zebra"
        served.retriever("changing", {"collection": "c", "searches": [{"lexical": True}]})
        found = served.execute("changing", {"query": "zebra"})
        assert len(found["documents"]) == 1
        key = served.execute("changing", {"query": "zebra"})["documents"][0]["document_id"]
        assert key.startswith("doc_")
        headers = {"Authorization": f"Bearer {served.token}"}
        httpx.delete(f"{served.url}/v1/retrievers/changing", headers=headers)
        with pytest.raises(NotFoundError):
            served.execute("changing", {"query": "zebra"})
        assert "changing" not in [record.name for record in served.retrievers()]


class TestWhereItListens:
    def test_on_loopback_only(self, served: Lab) -> None:
        port = int(served.url.rpartition(":")[2].partition("/")[0])
        listening = {
            c.laddr.ip
            for process in psutil.Process().children(recursive=True)
            for c in process.net_connections("inet")
            if c.status == psutil.CONN_LISTEN and c.laddr.port == port
        }
        assert listening == {"127.0.0.1"}

    def test_a_gateway_that_died_answers_again_at_its_address(self, served: Lab) -> None:
        port = int(served.url.rpartition(":")[2])
        [gateway] = [
            process
            for process in psutil.Process().children(recursive=True)
            if any(
                c.status == psutil.CONN_LISTEN and c.laddr.port == port
                for c in process.net_connections("inet")
            )
        ]
        gateway.kill()
        gateway.wait(10)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if httpx.get(f"{served.url}/v1/health").status_code == 200:
                    break
            time.sleep(0.2)
        assert post(served, "/retrievers/r/execute", {"query": "fox tree"}).status_code == 200

    def test_a_taken_port_is_refused(self) -> None:
        from mixpeek_lab.serving import ports

        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            with pytest.raises(EngineError, match=f"Port {taken} on 127.0.0.1 cannot be used"):
                ports.claim(taken)
        assert ports.claim(taken) == taken
        with pytest.raises(EngineError, match="Port 99999"):
            ports.claim(99999)

    def test_another_lab_on_the_same_ray_gets_a_place_of_its_own(
        self, served: Lab, tmp_path: Path
    ) -> None:
        with Lab(tmp_path / "home") as second:
            second.start(wait=True)
            assert second.url.startswith("http://127.0.0.1:")
            assert second.url != served.url
            assert httpx.get(f"{second.url}/v1/health").status_code == 200
            assert post(second, "/retrievers/list", {}).json()["results"] == []
            assert post(second, "/retrievers/list", {}, token=served.token).status_code == 401
        assert second.url == ""
        assert served.execute("r", {"query": "fox tree"})["documents"]


def running_applications() -> list[str]:
    """Serve's applications, of whatever lab."""
    from ray import serve

    return sorted(serve.status().applications)


class TestExtractorServices:
    def test_not_deployed(self, served: Lab, tmp_path: Path, hash_source: ExtractorSource) -> None:
        other = hash_source.with_file(
            "manifest.py", str(hash_source.text("manifest.py")).replace("hash_embedder", "other")
        )
        write_source(other, tmp_path / "other")
        served.load(tmp_path / "other", "other")
        served.process("b", "other", "others", engine="kernel")
        served.retriever("others", {**DENSE, "collection": "others"})
        with pytest.raises(EngineError, match=r"'other' is not deployed.*lab\.serve"):
            served.execute("others", {"query": "fox tree"})
        answer = post(served, "/retrievers/others/execute", {"query": "fox tree"})
        assert answer.status_code == 503
        assert answer.json()["error"]["details"]["retryable"] is False
        served.serve("others")
        assert served.execute("others", {"query": "fox tree"})["documents"][0]["data"] == "fox tree"

    def test_versions_side_by_side_until_nothing_needs_the_old_one(
        self, served: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        text = "money bank"
        before = served.execute("r", {"query": text, "limit": 1})["documents"][0]
        path = "processors/words.py"
        change = ("digest()[0] % 16", "digest()[0] // 7 % 16")
        edited = load_edited(served, hash_source, tmp_path / "edited", path, *change)
        served.process("b", "hash_embedder", "c2", engine="kernel")
        served.retriever("r2", {**DENSE, "collection": "c2"})
        served.serve("r2")
        mine = [name for name in served.status().deployed if name.startswith("hash_embedder@")]
        assert mine == sorted(
            f"hash_embedder@{digest[:12]}" for digest in (hash_source.digest, edited.digest)
        )
        # Each is asked by the code that made it: a text finds itself with cosine 1.
        for name in ("r", "r2"):
            found = served.execute(name, {"query": text, "limit": 1})["documents"][0]
            assert found["explain"]["contributions"][0]["score"] == pytest.approx(1, abs=1e-6)
        again = served.execute("r", {"query": text, "limit": 1})["documents"][0]
        assert again["score"] == before["score"]
        served.process("b", "hash_embedder", "c", engine="kernel")
        served.deploy("hash_embedder")
        mine = [name for name in served.status().deployed if name.startswith("hash_embedder@")]
        assert mine == [f"hash_embedder@{edited.digest[:12]}"]
        assert served.execute("r", {"query": text, "limit": 1})["documents"][0]["data"] == text

    def test_code_that_does_not_load(
        self,
        served: Lab,
        tmp_path: Path,
        hash_source: ExtractorSource,
    ) -> None:
        change = ("class Hash", "raise RuntimeError('no model here')\nclass Hash")
        expected = r"realtime\.py:\d+: RuntimeError: no model here"
        load_edited(served, hash_source, tmp_path / "broken", "realtime.py", *change)
        before, applications = served.status().deployed, running_applications()
        with pytest.raises(
            EngineError, match=rf"'hash_embedder' could not be deployed.*{expected}"
        ):
            served.deploy("hash_embedder")
        assert served.status().deployed == before
        assert running_applications() == applications
        served.load(HASH_EMBEDDER)

    def test_code_that_fails_on_a_query(
        self, served: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        change = ('inputs.get("text", "")', '{"fox": 1}[inputs["text"]] * inputs["text"]')
        load_edited(served, hash_source, tmp_path / "fails", "realtime.py", *change)
        served.process("b", "hash_embedder", "failing", engine="kernel")
        served.retriever("failing", {**DENSE, "collection": "failing"})
        served.serve("failing")
        answer = post(served, "/retrievers/failing/execute", {"query": "bear"})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["type"] == "ExtractorRunError"
        assert "realtime.py:8: KeyError: 'bear'" in error["message"]
        assert post(served, "/retrievers/failing/execute", {"query": "fox"}).status_code == 200
        assert httpx.get(f"{served.url}/v1/health").status_code == 200
        served.load(HASH_EMBEDDER)

    def test_code_that_ends_its_process(
        self, served: Lab, tmp_path: Path, hash_source: ExtractorSource
    ) -> None:
        answer = "        return {"
        die = """\
        if inputs["text"] == "die":
            import os

            os._exit(1)
"""
        change = (answer, die + answer)
        load_edited(served, hash_source, tmp_path / "dies", "realtime.py", *change)
        served.process("b", "hash_embedder", "dying", engine="kernel")
        served.retriever("dying", {**DENSE, "collection": "dying"})
        served.serve("dying")
        with pytest.raises(EngineError, match="'hash_embedder' died while it answered"):
            served.execute("dying", {"query": "die"})
        deadline = time.monotonic() + 60  # Serve starts it anew
        while time.monotonic() < deadline:
            try:
                assert served.execute("dying", {"query": "fox tree"})["documents"]
                break
            except EngineError:
                time.sleep(0.5)
        assert served.execute("dying", {"query": "fox tree"})["documents"][0]["data"] == "fox tree"
        served.load(HASH_EMBEDDER)

    def test_batch_only(self, served: Lab, tmp_path: Path, hash_source: ExtractorSource) -> None:
        files = tuple(f for f in hash_source.files if f[0] != "realtime.py")
        write_source(ExtractorSource("hash_embedder", files), tmp_path / "batch")
        served.load(tmp_path / "batch", "hash_embedder")
        with pytest.raises(InvalidInputError, match=r"no realtime\.py: it is batch only"):
            served.deploy("hash_embedder")
        served.load(HASH_EMBEDDER)


class TestReplica:
    def test_a_plain_function_that_takes_its_time_keeps_no_check_waiting(
        self, tmp_path: Path, hash_source: ExtractorSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "GOMP_SPINCOUNT"):
            monkeypatch.setenv(name, os.environ.get(name, ""))  # the replica sets its process's
        text = hash_source.text("realtime.py")
        assert text is not None
        slow = "    def infer(self, inputs, parameters):\n        __import__('time').sleep(3)"
        text = text.replace("    async def infer(self, inputs, parameters):", slow)
        source = hash_source.with_file("realtime.py", text)
        backend = "mixpeek_lab.workbench.backend:Backend"
        replica = ExtractorService(source, str(tmp_path), "app", backend, 1, False)

        async def asked() -> tuple[list[Any], float, Any]:
            answer = asyncio.create_task(replica.infer({"text": "fox"}, {}))
            await asyncio.sleep(0.05)
            begun = time.monotonic()
            checks = await asyncio.gather(replica.check(), replica.call("list_retrievers", {}))
            waited = time.monotonic() - begun
            assert not answer.done()
            return checks, waited, await answer

        checks, waited, answer = asyncio.run(asked())
        assert checks == [{"ok": True}, {"ok": []}]
        assert waited < 2
        assert len(answer_of(answer)["embedding"]) == 16


class TestReplies:
    def test_an_error_keeps_type_and_message(self) -> None:
        for error in (NotFoundError("bucket", "x", ["xy"]), EngineError("gone")):
            with pytest.raises(type(error)) as raised:
                answer_of(refusal(error))
            assert str(raised.value) == str(error)
        assert answer_of({"ok": [1]}) == [1]


# ---------------------------------------------------------------- whole processes

PRELUDE = f"""
    import os, sys, time
    os.environ["HF_HUB_OFFLINE"] = "1"
    from mixpeek_lab.workbench import Lab

    ROWS = {ROWS!r}

    def ready(home):
        lab = Lab(home, num_cpus=1)
        lab.load({str(HASH_EMBEDDER)!r})
        lab.bucket("b", ROWS)
        lab.process("b", "hash_embedder", "c", engine="kernel")
        lab.retriever("r", {DENSE!r})
        return lab

    def asked(lab):
        return lab.execute("r", {{"query": "fox tree", "limit": 1}})["documents"][0]["data"]
"""


def run_script(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that runs `script` after PRELUDE."""
    code = textwrap.dedent(PRELUDE) + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def read_until(process: subprocess.Popen[str], word: str, seconds: float = 300) -> list[str]:
    """What the process prints up to the line that begins with `word`."""
    assert process.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + seconds
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith(word):
            return lines
        assert time.monotonic() < deadline, lines
    raise AssertionError("\n".join(lines))


def below(pid: int) -> list[psutil.Process]:
    """All processes that the process started, and those that they did."""
    return psutil.Process(pid).children(recursive=True)


def survivors(processes: list[psutil.Process], seconds: float) -> list[str]:
    """The command lines of those that have not ended after so long."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [" ".join(p.cmdline())[:100] for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_kernel_takes_its_processes_along_and_no_others(
    served: Lab, tmp_path: Path
) -> None:
    process = run_script(
        """
        lab = ready(sys.argv[1])
        lab.serve("r")
        print("asked", asked(lab))
        time.sleep(600)
        """,
        str(tmp_path / "home"),
    )
    lines = read_until(process, "asked")
    assert lines[-1] == "asked fox tree"
    started = below(process.pid)
    assert len(started) > 5
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert survivors(started, 15) == []
    assert served.execute("r", {"query": "fox tree"})["documents"]  # another Ray on this machine


def test_stop_start_and_exit_leave_nothing(tmp_path: Path) -> None:
    process = run_script(
        """
        lab = ready(sys.argv[1])
        print(lab.start())
        lab.serve("r")
        print("first", lab.url, asked(lab))
        lab.stop()
        lab.stop()
        import psutil
        print("between", psutil.Process().children(recursive=True))
        print(lab.status())
        try:
            asked(lab)
        except Exception as error:
            print("down", type(error).__name__, error)
        lab.serve("r")
        print("second", lab.url, asked(lab))
        # and no stop
        """,
        str(tmp_path / "home"),
    )
    lines = read_until(process, "second")
    started = below(process.pid)
    output = "\n".join(lines)
    assert "Ray: starting" in output
    assert "Serve: waits for Ray" in output
    assert "between []" in lines
    assert "Ray: off" in lines
    assert "Serve: off" in lines
    assert "down EngineError The endpoint is not running." in output
    assert process.wait(60) == 0
    assert survivors(started, 15) == []
    assert process.stdout is not None
    told = lines + process.stdout.read().splitlines()
    assert [line for line in told if "(raylet)" in line or "fork" in line] == []


def test_the_users_own_ray_and_serve_are_left_as_they_were(tmp_path: Path) -> None:
    process = run_script(
        """
        os.environ["RAY_AUTH_MODE"] = "disabled"  # as where no lab has been before
        import httpx, ray, socket
        from ray import serve
        ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        serve.start(http_options={"host": "127.0.0.1", "port": port})

        @serve.deployment(ray_actor_options={"num_cpus": 0})
        class Mine:
            async def __call__(self, request):
                return "mine"

        serve.run(Mine.bind(), name="mine", route_prefix="/")
        lab = ready(sys.argv[1])
        lab.serve("r")
        print("port", lab.url.startswith("http://127.0.0.1:"), str(port) in lab.url)
        print("asked", asked(lab))
        headers = {"Authorization": f"Bearer {lab.token}"}
        answer = httpx.post(lab.serve("r"), json={"query": "fox tree"}, headers=headers)
        print("http", answer.status_code, httpx.get(lab.url + "/v1/retrievers").status_code)
        print("apps", len(serve.status().applications))
        lab.stop()
        print("left", list(serve.status().applications), ray.is_initialized())
        print("mine", httpx.get(f"http://127.0.0.1:{port}/").text)
        serve.shutdown()
        ray.shutdown()
        print("end")
        """,
        str(tmp_path / "home"),
    )
    lines = read_until(process, "end")
    told = [line for line in lines if line.split(" ")[0] in
            ("port", "asked", "http", "apps", "left", "mine")]  # fmt: skip
    assert told == [
        "port True False", "asked fox tree", "http 200 401", "apps 3", "left ['mine'] True",
        "mine mine",
    ]  # fmt: skip
    assert process.wait(60) == 0
