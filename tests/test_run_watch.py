"""What is told of a run while it goes on: its steps, its failures, its followers; and its stop."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest
from ipywidgets import HTML
from probes import load_probe
from ray_workers import gone, workers
from test_magics import notebook  # noqa: F401 - a fixture

from mixpeek_lab.interrupts import StopButton
from mixpeek_lab.magics import live
from mixpeek_lab.models import Progress, StepProgress
from mixpeek_lab.pipeline.usage import GpuUsage, ProcessUsage
from mixpeek_lab.widgets import RunProgress
from mixpeek_lab.workbench.reporting import BEAT, Reporter

VEC = 'batch["vec"] = [[float(len(t)), 1.0] for t in batch["data"]]\nreturn batch'
FAILING = f"""
if any(t == "bad" for t in batch["data"]):
    raise ValueError("cannot read it")
time.sleep(0.2)
{VEC}
"""
TWO = """
from engine.extractors.probe.pipeline import StepDefinition


class Second:
    def __init__(self, config):
        self.config = config

    def __call__(self, batch):
        return batch


def build_steps(extractor_request, **kwargs):
    return {"steps": [StepDefinition(service_class=Probe, batch_size=2),
                      StepDefinition(service_class=Second, batch_size=2)]}
"""


def run(lab, tmp_path, engine):
    load_probe(lab, tmp_path, FAILING, pipeline=TWO, vectors={"vec": 2},
               profile={"max_concurrency": 1})  # fmt: skip
    lab.bucket("rows", [{"_id": str(n), "text": "bad" if n == 3 else f"t{n}"} for n in range(8)])
    seen: list[Progress] = []
    report = lab.process(
        "rows", "probe", f"w_{engine}", engine=engine, force=True, on_progress=seen.append
    )
    return report, seen


def test_steps_rows_and_failures_are_told_in_the_kernel(kernel_lab, tmp_path):
    report, seen = run(kernel_lab, tmp_path, "kernel")
    last = seen[-1]
    assert [(s.name, s.kind, s.rows_in, s.rows_out) for s in last.steps] == [
        ("Probe", "kernel", 8, 8), ("Second", "kernel", 8, 8)
    ]  # fmt: skip
    assert last.steps[0].rate > 0
    assert (last.steps[0].actors, last.steps[0].waiting) == (0, 0)
    assert last.kinds == {"ValueError": report.failed} == {"ValueError": 1}
    assert "pipeline.py" in last.failures[0].where
    assert last.collection == "w_kernel"
    assert any(step.waiting for p in seen for step in p.steps)


@pytest.mark.ray
def test_steps_queues_actors_and_memory_are_told_on_ray(lab, tmp_path):
    _, seen = run(lab, tmp_path, "ray")
    steps = [step for p in seen for step in p.steps if step.name == "Probe"]
    assert max(step.rows_in for step in steps) == 8
    assert max(step.rows_out for step in steps) == 8
    assert max(step.actors for step in steps) == 1
    assert any(step.waiting for step in steps)
    busy = [step for step in steps if step.memory]
    assert all(step.memory > 10 * 2**20 for step in busy)
    assert busy, "no actor's memory was seen"
    assert {step.kind for step in steps} == {"cpu"}
    assert gone(workers)


def test_the_state_is_told_while_no_block_comes():
    seen: list[Progress] = []
    reporter = Reporter(10, seen.append, "docs")
    reporter.watch.follow(lambda: (StepProgress("slow", working=1),))
    reporter.start("ray")
    with reporter.beating():
        time.sleep(BEAT * 2.6)
    assert [p.phase for p in seen][-1] == "processing"
    assert 2 <= len(seen) <= 4
    time.sleep(BEAT * 1.2)
    assert len(seen) <= 4, "it goes on after the end"


def test_what_a_listener_raises_ends_the_run_and_not_just_the_beat():
    def raise_it(progress: Progress) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise OSError("the listener broke")

    reporter = Reporter(10, raise_it, "docs")
    with reporter.beating():
        time.sleep(BEAT * 1.5)
        with pytest.raises(OSError, match="the listener broke"):
            reporter.add(1, 0, 1, time.time())


def test_what_follows_a_collection_is_told_of_too(kernel_lab, tmp_path):
    load_probe(kernel_lab, tmp_path, VEC, vectors={"vec": 2})
    kernel_lab.bucket("rows", ["a", "b", "c"])
    kernel_lab.process("rows", "probe", "first", engine="kernel")
    kernel_lab.process("first", "probe", "second", engine="kernel")
    seen: list[Progress] = []
    kernel_lab.process(
        "rows", "probe", "first", engine="kernel", force=True, on_progress=seen.append
    )
    kernel_lab.bucket("rows", ["a", "b", "c", "d"])
    kernel_lab.process("rows", "probe", "first", engine="kernel", on_progress=seen.append)
    assert list(dict.fromkeys(p.collection for p in seen)) == ["first", "second"]
    bar = RunProgress("first")
    bar.update(seen[-1])
    assert bar.state["title"] == "first → second"
    assert bar.state["phase"].startswith("follows")


# ---------------------------------------------------------------- stopping


def test_the_button_interrupts_its_block_and_nothing_else():
    stop = StopButton()
    assert stop.press() is False
    pressed: list[bool] = []
    threading.Timer(0.3, lambda: pressed.append(stop.press())).start()
    with pytest.raises(KeyboardInterrupt), stop:
        threading.Event().wait(10)
    threading.Thread(target=lambda: pressed.append(stop.press())).start()
    time.sleep(0.2)
    assert pressed == [True, False]


def test_a_cancel_message_is_answered(monkeypatch):
    sent: list[dict[str, str]] = []
    bar = RunProgress("docs", cancel=lambda: True)
    monkeypatch.setattr(bar, "send", sent.append)
    bar._handle_custom_msg({"kind": "cancel"}, [])
    bar._handle_custom_msg({"kind": "other"}, [])
    assert sent == [{"kind": "canceling"}]
    assert bar.state["can_cancel"]
    assert not RunProgress("docs").state["can_cancel"]


# ---------------------------------------------------------------- usage


def test_cpu_and_memory_are_those_of_the_process():
    usage = ProcessUsage()
    cpu, memory = usage.of([os.getpid()])
    assert cpu is None, "not known before the second look"
    assert memory == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    cpu, _ = usage.of([os.getpid()])
    assert cpu is not None
    assert cpu > 0
    assert usage.of([]) == (None, None)


def test_gpus_are_what_nvidia_smi_says_and_unknown_without_it(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert GpuUsage().of([17]) == (None, None)
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\ncase "$1" in *utilization*) echo 37; echo 12;; '
        '*) echo "17, 2048"; echo "18, [N/A]"; echo "19, 512";; esac\n'
    )
    tool.chmod(0o755)
    usage = GpuUsage()
    assert usage.of([17, 19]) == (None, None), "it is not waited for"
    assert gone(lambda: usage.of([17]) == (None, None))
    assert gone(lambda: usage.of([17])[1] is None)
    assert usage.of([17, 19]) == (0.37, 2560 * 2**20)
    assert usage.of([18]) == (0.37, None)


def test_models_outlive_their_views_and_the_oldest_are_closed(notebook, monkeypatch):  # noqa: F811
    """A page may be loading them, or be loaded when the run has ended."""
    monkeypatch.setattr(live, "LEAST_LIFE", 0.3)
    lines = [HTML(str(n)) for n in range(live.KEPT + 3)]
    for each in lines[:-1]:
        with live.shown_meanwhile(each):
            pass
    assert all(each.comm is not None for each in lines), "closed while a page may load it"
    time.sleep(0.35)
    with live.shown_meanwhile(lines[-1]):
        pass
    assert [each.comm is not None for each in lines] == [False] * 3 + [True] * live.KEPT
