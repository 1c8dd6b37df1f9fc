"""An interrupt frees what a run holds, at once: wherever it comes in, and however often."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from probes import load_probe
from ray_workers import gone, workers

from mixpeek_lab.interrupts import heard_interrupts, late_interrupts, unheard_interrupts
from mixpeek_lab.pipeline.pumping import pumped

VEC = 'batch["vec"] = [[float(len(t)), 1.0] for t in batch["data"]]\nreturn batch'
LONG = f"time.sleep(60)\n{VEC}"
NUMBERS = f"""
a = np.random.rand(2000, 2000)
for _ in range(1000):
    a @ a
{VEC}
"""
STUBBORN = """
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
"""
LIMIT = 2.0
"""Seconds from the interrupt until all is free."""


def press(*after: float) -> float:
    """SIGINT for this process, at each of these seconds after the one before; now."""
    now = time.monotonic()
    for seconds in after:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGINT)
    return now


class Presser:
    """Interrupts a run once `when` says so; `at` is when it did."""

    def __init__(self, when: Callable[[], bool], *after: float) -> None:
        self.at = 0.0
        self._when, self._after = when, after or (0.0,)
        self._thread = threading.Thread(target=self._press, daemon=True)

    def __enter__(self) -> Presser:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        while self._thread.is_alive():
            with suppress(KeyboardInterrupt):  # a machine that is busy: the second comes late
                self._thread.join()

    def _press(self) -> None:
        end = time.monotonic() + 60
        while not self._when() and time.monotonic() < end:
            time.sleep(0.01)
        self.at = time.monotonic() + self._after[0]
        press(*self._after)


def free_cpus() -> float:
    import ray

    return ray.available_resources().get("CPU", 0.0)


def live_actors() -> list[str]:
    """The state of each of our actors that Ray still knows to be there."""
    from ray._private.state import actors

    found = actors().values()
    return [a["State"] for a in found if "MapWorker" in str(a) and a["State"] != "DEAD"]


def bare_kill() -> float:
    """How long this machine takes at this moment until Ray has a killed actor's CPU back."""
    import ray

    @ray.remote(num_cpus=1)
    class Idle:
        def ready(self) -> None: ...

    assert gone(lambda: free_cpus() < 2)
    actor = Idle.remote()
    ray.get(actor.ready.remote())
    begun = time.monotonic()
    ray.kill(actor)
    assert gone(lambda: free_cpus() < 2)
    return time.monotonic() - begun


CASES = {
    "asleep in C": (LONG, "pass", ()),
    "numbers in C": (NUMBERS, "pass", ()),
    "stubborn": (STUBBORN, "pass", ()),
    "setup": (VEC, "time.sleep(60)", ()),
    "twice": (LONG, "pass", (0.0, 0.01)),
    "three times": (LONG, "pass", (0.0, 0.03, 0.02)),
}


@pytest.mark.ray
@pytest.mark.timeout(300)
def test_an_interrupt_frees_actors_and_cpus_wherever_they_are(lab, tmp_path, capsys):
    """In a C call, while a model loads, while tasks wait, and pressed again while it clears up."""
    lab.bucket("stopped_often", [f"t{n}" for n in range(40)])
    told = []
    for name, (process, setup, again) in CASES.items():
        load_probe(lab, tmp_path, process, setup=setup, name="held",
                   profile={"max_concurrency": 2, "batch_size": 2})  # fmt: skip
        seen = []
        bare = bare_kill()
        presser = Presser(lambda seen=seen: any(s.working for p in seen for s in p.steps), *again)
        with pytest.raises(KeyboardInterrupt), heard_interrupts(), presser:
            lab.process(
                "stopped_often", "held", "stopped_often", on_progress=seen.append, force=True
            )
        assert gone(lambda: free_cpus() < 2 or live_actors())
        seconds = time.monotonic() - presser.at
        told.append(f"{name} {seconds:.2f} s (bare {bare:.2f})")
        assert seconds <= LIMIT + bare, told
        assert gone(workers)
        state = lab.sql("SELECT state FROM runs ORDER BY started_at DESC LIMIT 1").table
        assert state.column("state")[0].as_py() == "interrupted"
    with capsys.disabled():
        print("\nfreed after:", "; ".join(told))


@pytest.mark.ray
@pytest.mark.timeout(300)
def test_an_interrupt_at_the_beginning_leaves_nothing_and_the_next_run_goes_at_once(lab, tmp_path):
    """While Ray Data is laying the actors out: they are not known to anybody yet."""
    load_probe(lab, tmp_path, LONG, name="held", profile={"max_concurrency": 2, "batch_size": 2})
    lab.bucket("early", [f"t{n}" for n in range(40)])
    lab.process("early", "hash_embedder", "early")
    documents = lab.collection("early").document_count
    for seconds in (0.1, 0.2, 0.3, 0.4, 0.6):
        bare = bare_kill()
        presser = Presser(lambda: True, seconds)
        with pytest.raises(KeyboardInterrupt), presser:
            lab.process("early", "held", "held", force=True)
        assert gone(lambda: free_cpus() < 2 or live_actors())
        assert time.monotonic() - presser.at <= LIMIT + bare
        assert gone(workers)
    assert lab.collection("held").snapshot is None
    assert lab.process("early", "hash_embedder", "early", force=True).documents == documents


def test_in_this_kernel_too(kernel_lab, tmp_path):
    load_probe(kernel_lab, tmp_path, LONG)
    kernel_lab.bucket("rows", ["a", "b"])
    seen = []
    presser = Presser(lambda: any(s.working for p in seen for s in p.steps), 0.2, 0.01)
    with pytest.raises(KeyboardInterrupt), heard_interrupts(), presser:
        kernel_lab.process("rows", "probe", "c", engine="kernel", on_progress=seen.append)
    assert time.monotonic() - presser.at <= LIMIT
    assert kernel_lab.sql("SELECT state FROM runs").table["state"].to_pylist() == ["interrupted"]
    assert kernel_lab.process("rows", "hash_embedder", "d", engine="kernel").documents == 2


# ---------------------------------------------------------------- the parts


def test_pressed_again_it_is_the_same_interrupt_until_a_second_has_passed():
    raised = []
    with heard_interrupts():
        for pause in (0.0, 0.0, 1.1):
            time.sleep(pause)
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)
            except KeyboardInterrupt:
                raised.append(pause)
    assert raised == [0.0, 1.1], "one that user code swallows can be pressed again"


def test_clearing_up_is_not_interrupted_and_an_import_just_later():
    before = signal.getsignal(signal.SIGINT)
    steps = []
    with unheard_interrupts():
        press(0)
        steps.append("cleared")

    @late_interrupts()
    def load():
        press(0)
        steps.append("imported")

    with pytest.raises(KeyboardInterrupt):
        load()
    assert steps == ["cleared", "imported"]
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_driven_beside_ends_with_its_consumer():
    ended, is_stopped = threading.Event(), threading.Event()

    def numbers():
        try:
            yield 1
            is_stopped.wait(30)
            raise ValueError("stopped")
        finally:
            ended.set()

    driven = pumped(numbers, is_stopped.set)
    assert next(driven) == 1
    driven.close()
    assert ended.wait(10)

    def broken():
        yield 1
        raise OSError("broken")

    found = pumped(broken, lambda: None)
    assert next(found) == 1
    with pytest.raises(OSError, match="broken"):
        next(found)
