"""The lab's own Ray: how it starts and stops, what it prints, what it leaves behind.

One Ray fits into a process, so those that start one run in a process of their own.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time

import psutil
import pytest

from mixpeek_lab.errors import EngineError
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.ray_session.quiet import is_expected

WORK = """
    import os, time
    import ray  # as a notebook may do before it loads the lab
    from mixpeek_lab.ray_session import RaySession

    session = RaySession(num_cpus=2)
    assert session.describe() == "Ray: off"
    begun = time.perf_counter()
    session.start()
    session.start()
    assert time.perf_counter() - begun < 2
    assert session.describe().startswith("Ray: starting (")
    session.wait()
    assert session.describe() == "Ray: ready (2 CPUs, no GPU)", session.describe()
    assert session.is_ours and session.cpus == 2 and session.seconds > 0
    assert "RAY_BACKEND_LOG_LEVEL" not in os.environ
"""

QUIET = (
    WORK
    + """
    from ray.data import ActorPoolStrategy, from_items
    from mixpeek_lab.pipeline.executors import Executors, quiet_run, set_up

    class Same:
        def __init__(self, big):
            self.big = big
        def __call__(self, batch):
            return batch

    with quiet_run(Executors()):
        rows = set_up(from_items([{"n": n} for n in range(8)])).map_batches(
            Same, fn_constructor_args=(b"x" * 1_000_000,), compute=ActorPoolStrategy(size=1)
        )
        assert sorted(row["n"] for row in rows.take_all()) == list(range(8))

    import logging
    from ray import serve
    from ray.serve.config import HTTPOptions
    from ray.serve.schema import LoggingConfig

    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    quiet = LoggingConfig(log_level="ERROR", enable_access_log=False)
    serve.start(http_options=HTTPOptions(host="127.0.0.1", port=0), logging_config=quiet)
    serve.shutdown()

    session.stop()
    assert session.describe() == "Ray: off"
    assert not ray.is_initialized()
    session.wait()
    assert session.state == "ready"
    print("ready", flush=True)
    time.sleep(60)
"""
)

STOPPED_EARLY = """
    import threading, time
    from mixpeek_lab.errors import EngineError
    from mixpeek_lab.ray_session import RaySession

    session = RaySession(num_cpus=1)
    session.start()
    told = []
    def wait():
        try:
            session.wait()
        except EngineError as error:
            told.append(str(error))
    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(1)
    session.stop()
    waiter.join()
    assert told == ["Ray was stopped while it was starting."], told
    assert session.state == "off"
    print("end")
"""


def start(code):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def family(pid):
    """The process's descendants that are Ray's, those that left its tree included."""
    mine = psutil.Process(pid).children(recursive=True)
    return [process for process in mine if process.is_running()]


def alive(processes):
    _, left = psutil.wait_procs(processes, timeout=15)
    return [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends Ray's processes on Linux only")
def test_nothing_is_printed_and_a_killed_process_leaves_no_process_behind():
    """SIGTERM; tests/test_serving.py has SIGKILL, and an exit without a stop."""
    process = start(QUIET)
    try:
        said = process.stdout.readline()
        assert said == "ready\n", process.communicate()
        children = family(process.pid)
        assert any("raylet" in child.name() for child in children)
        process.terminate()
        out, err = process.communicate(timeout=30)
        assert (out, err.partition("*** SIGTERM")[0]) == ("", "")  # where Ray's own handler tells
        assert alive(children) == []
    finally:
        process.kill()
        process.communicate()


@pytest.mark.ray
def test_stopping_while_it_starts_tells_those_who_wait():
    process = start(STOPPED_EARLY)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (0, "end\n"), err


def test_importing_ray_compiles_no_grammar():
    """jsonschema from 4.25 on may do so: a second more in each of Ray's processes, ten a start."""
    code = "import sys, ray; assert not {'lark', 'rfc3987_syntax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


class Busy(RaySession):
    """Comes up at the third attempt, as on a machine that is busy."""

    attempts = 0
    needed = 3

    def _bring_up(self):
        type(self).attempts += 1
        if self.attempts < self.needed:
            raise RuntimeError("The current node timed out during startup. …")


def test_a_start_that_timed_out_is_tried_again():
    class Slow(Busy):
        pass

    session = Slow()
    session.wait(10)
    assert (session.state, Slow.attempts) == ("ready", 3)
    session.stop()
    assert session.state == "off"


def test_it_is_not_tried_for_ever():
    class Hopeless(Busy):
        needed = 99

    session = Hopeless()
    with pytest.raises(EngineError, match="Ray did not start: RuntimeError: The current node"):
        session.wait(10)
    assert Hopeless.attempts == 3
    assert session.describe().startswith("Ray: failed: The current node timed out")
    session.stop()
    assert session.state == "off"


def test_another_error_is_not_tried_again():
    class Broken(RaySession):
        attempts = 0

        def _bring_up(self):
            type(self).attempts += 1
            raise ValueError("no space left")

    session = Broken()
    with pytest.raises(EngineError, match="ValueError: no space left"):
        session.wait(10)
    assert Broken.attempts == 1


def test_waiting_ends_with_the_time():
    go = threading.Event()
    session = RaySession(prepare=lambda: go.wait(20) and sys.exit(1))
    with pytest.raises(EngineError, match=r"did not start within 0 s"):
        session.wait(0.1)
    assert session.state == "starting"
    go.set()
    deadline = time.monotonic() + 10
    while session.state == "starting" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert session.state == "failed"


def test_stopping_what_was_never_started():
    RaySession().stop()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Task ServeController.listen_for_change failed. There are infinite retries remaining, so "
         "the task will be retried. Error: The actor is dead", True),
        ("Task my_task failed. There are infinite retries remaining, so the task will be retried.",
         False),
        ("Task MapWorker(MapBatches(StepRunner)).submit failed. There are 2 retries", True),
        ("A worker died or was killed while executing a task by an unexpected system error. To",
         True),
        ("2 Workers (tasks / actors) killed due to memory pressure (OOM)", False),
    ],
)  # fmt: skip
def test_only_what_is_expected_is_hidden(message, expected):
    assert is_expected(message) is expected
