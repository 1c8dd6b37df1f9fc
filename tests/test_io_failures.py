"""Items of `concurrent_api_calls` and `parallel_io` that fail: told in the report, tried again."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from probes import load_probe

from mixpeek_lab.models import RunReport
from mixpeek_lab.sdk import concurrent_api_calls
from mixpeek_lab.secrets import SecretStore, watch
from mixpeek_lab.workbench import Lab

CALL = """
from shared.extractors.sdk import concurrent_api_calls, parallel_io
async def ask(text):
    if Path({down!r}).exists() and not text.startswith("good"):
        raise OSError("no key")
    return "answer to " + text
note({log!r}, len(batch))
"""
ONE_EACH = 'batch["answer"] = concurrent_api_calls(batch["data"].tolist(), ask)'
WHOLE = 'batch["answer"] = concurrent_api_calls([*batch["data"], "good"], ask)[:-1]'
THREADS = """
import asyncio
batch["answer"] = list(parallel_io(batch["data"].tolist(), lambda text: asyncio.run(ask(text))))
"""
OWN_THREAD = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(1) as pool:
    work = pool.submit(concurrent_api_calls, batch["data"].tolist(), ask)
batch["answer"] = work.result()
"""
VEC = 'batch["vec"] = [[1.0, 1.0]] * len(batch)\nreturn batch'
TEXTS = ["a", "b", "good 1", "good 2", "good 3", "c"]
FAILED = "first OSError: no key."
AGAIN = f"{FAILED} Their rows are tried again in the next run."


class Service:
    """An extractor `probe`, in batches of two, whose service can be down."""

    def __init__(self, lab: Lab, folder: Path, body: str) -> None:
        self.lab, self.down, self._log = lab, folder / "down", folder / "calls"
        self.down.touch()
        code = CALL.format(down=str(self.down), log=str(self._log))
        load_probe(lab, folder, code, body, VEC, profile={"batch_size": 2})
        lab.bucket("io", TEXTS)

    def process(self, engine: str = "kernel") -> RunReport:
        return self.lab.process("io", "probe", "answers", engine=engine)

    def answers(self) -> list[str | None]:
        return self.lab.sql('SELECT answer FROM "answers"').table.column("answer").to_pylist()


@pytest.mark.parametrize(
    ("body", "told", "again"),
    [
        (ONE_EACH, "concurrent_api_calls: 3 of 6", 3),
        (THREADS, "parallel_io: 3 of 6", 3),
        (OWN_THREAD, "concurrent_api_calls: 3 of 6", 3),
        (WHOLE, "concurrent_api_calls: 3 of 9", 4),  # rows of two batches
        (f"{ONE_EACH}\n{ONE_EACH}", "concurrent_api_calls: 6 of 12", 4),
    ],
)
def test_failed_items_are_told_once_and_their_rows_tried_again(
    kernel_lab, tmp_path, body, told, again
):
    service = Service(kernel_lab, tmp_path, body)
    report = service.process()
    assert (report.state, report.failed, report.documents) == ("completed", 0, 6)
    assert report.notes == (f"{told} items failed in Probe, {AGAIN}",)
    assert service.answers().count(None) == 3
    assert service.process().processed == again  # still down
    service.down.unlink()
    repaired = service.process()
    assert (repaired.processed, repaired.documents, repaired.notes) == (again, 6, ())
    assert service.answers() == [f"answer to {text}" for text in TEXTS]
    assert "Nothing changed" in service.process().notes[0]


def test_rows_that_fail_for_want_of_an_answer_are_counted_once(kernel_lab, tmp_path):
    service = Service(
        kernel_lab, tmp_path, f'{ONE_EACH}\nbatch["size"] = [len(a) for a in batch["answer"]]'
    )
    report = service.process()
    assert (report.state, report.failed) == ("completed_with_errors", 3)
    assert f"concurrent_api_calls: 3 of 6 items failed in Probe, {AGAIN}" in report.notes


def test_an_error_that_the_processor_raises_again_is_the_row_s_alone(kernel_lab, tmp_path):
    raising = 'found = parallel_io(batch["data"], lambda text: asyncio.run(ask(text)))'
    body = f"import asyncio\n{raising}\nfor error in found.errors.values(): raise error"
    report = Service(kernel_lab, tmp_path, body).process()
    assert report.failed == 3
    assert not any("parallel_io" in note for note in report.notes)


def test_a_preview_tells_them_without_a_secret(kernel_lab, tmp_path):
    Service(kernel_lab, tmp_path, ONE_EACH)
    shown = kernel_lab.preview("probe", ["x", "good"])
    assert f"concurrent_api_calls: 1 of 2 items failed in Probe, {FAILED}" in shown.notes
    store = SecretStore(tmp_path / "secrets")
    store.set("IO_KEY", "a-very-secret-value")
    watch(store)
    body = (
        "from shared.extractors.sdk import parallel_io\n"
        "def fail(_): raise OSError('key a-very-secret-value')\n"
        'parallel_io(batch["data"], fail)'
    )
    load_probe(kernel_lab, tmp_path, body, VEC, name="leaky")
    (note,) = (n for n in kernel_lab.preview("leaky", ["x"]).notes if "parallel_io" in n)
    assert "OSError: key" in note
    assert "a-very-secret" not in note


def test_a_call_logs_one_line(caplog):
    async def fail(n):
        raise ValueError(n)

    with caplog.at_level(logging.WARNING):
        assert concurrent_api_calls(range(8), fail) == [None] * 8
    assert [record.getMessage() for record in caplog.records] == [
        "8 of 8 items failed, first item 0: ValueError: 0"
    ]


def test_chunks_of_a_later_step_lead_back_to_their_row(kernel_lab, tmp_path):
    second = """
from shared.extractors.sdk import build_pipeline_steps, parallel_io
class Later:
    def __init__(self, config, **kwargs): pass
    def __call__(self, batch):
        def work(text):
            if text == "bad": raise OSError("no")
            return text
        parallel_io(batch["data"].tolist(), work)
        return batch.iloc[::2]
def build_steps(extractor_request=None, container=None, **kwargs):
    from shared.extractors.sdk import PipelineDefinition, ResourceType, StepDefinition
    steps = [StepDefinition(each, ResourceType.CPU, {}) for each in (Probe, Later)]
    return {"steps": build_pipeline_steps(PipelineDefinition("probe", "1.0.0", steps))}
"""
    split = 'batch = batch.assign(data=batch["data"].str.split("|")).explode("data")'
    load_probe(kernel_lab, tmp_path, split, VEC, pipeline=second)
    kernel_lab.bucket("io", ["a|b|c", "d|bad|e", "f"])
    report = kernel_lab.process("io", "probe", "answers", engine="kernel")
    assert [note for note in report.notes if "parallel_io" in note] == [
        "parallel_io: 1 of 7 items failed in Later, first OSError: no. "
        "Their rows are tried again in the next run."
    ]
    assert kernel_lab.process("io", "probe", "answers", engine="kernel").processed == 1


@pytest.mark.ray
def test_ray_tells_and_tries_again_too(lab, tmp_path):
    service = Service(lab, tmp_path, ONE_EACH)
    report = service.process("ray")
    told = f"concurrent_api_calls: 3 of 6 items failed in Probe, {AGAIN}"
    assert (report.engine, report.state, report.notes.count(told)) == ("ray", "completed", 1)
    service.down.unlink()
    assert service.process("ray").processed == 3
    assert service.answers() == [f"answer to {text}" for text in TEXTS]
    assert "Nothing changed" in service.process("ray").notes[0]
