"""The pipeline on real Ray: the same answers as in the kernel, and workers that die."""

from __future__ import annotations

import signal

import pytest
import ray
from probes import load_probe
from ray_workers import gone, workers

from mixpeek_lab.errors import EngineError
from mixpeek_lab.workbench import Lab

pytestmark = pytest.mark.ray

VEC = 'batch["vec"] = [[float(len(t)), 1.0] for t in batch["data"]]\nreturn batch'
TWO_STEPS = """
from engine.extractors.probe.pipeline import RowCondition, StepDefinition


class Second:
    def __init__(self, config):
        self.config = config

    def __call__(self, batch):
        for text in batch["data"]:
            if text == "w13":
                raise RuntimeError("second says no")
        batch["extra"] = [{"n": len(t)} if len(t) % 2 else None for t in batch["data"]]
        batch["second"] = [list(v) for v in batch["vec"]]
        return batch


def build_steps(extractor_request, **kwargs):
    return {"steps": [
        StepDefinition(service_class=Probe, batch_size=4),
        StepDefinition(service_class=Second, condition=RowCondition.IS_TEXT, batch_size=3),
    ]}
"""


def documents(lab: Lab, collection: str) -> list[dict]:
    table = lab.sql(f'FROM "{collection}"').table
    rows = table.drop_columns(["_run_id"]).to_pylist()
    for row in rows:  # the collection is in it; what is left is the chunk's number
        row["document_id"] = row["document_id"].partition("-")[2]
    return rows


def both(lab: Lab, source, extractor: str, **options):
    """The same input through both engines: their reports and documents, and the progress."""
    lab.bucket("eq", source)
    seen = []
    found = []
    for engine in ("kernel", "ray"):
        name = f"eq_{extractor}_{engine}"
        report = lab.process(
            "eq", extractor, name, engine=engine, on_progress=seen.append, **options
        )
        found.append((report, documents(lab, name)))
    return found, seen


def test_ray_and_the_kernel_give_equal_documents(lab):
    texts = [{"_id": str(n), "text": f"text {n}|part {n % 7}|x" if n % 3 else f"t{n}"}
             for n in range(150)]  # fmt: skip
    for n in (0, 17, 99, 149):
        texts[n]["text"] += " FAIL"
    ((kernel, here), (ray, there)), seen = both(
        lab, texts, "hash_embedder", parameters={"chunk": True}
    )
    assert there == here
    assert (ray.documents, ray.failed, ray.state) == (
        kernel.documents, 4, "completed_with_errors"
    )  # fmt: skip
    told = {(f.object_id, f.kind, f.message, f.where) for f in kernel.failures}
    assert {(f.object_id, f.kind, f.message, f.where) for f in ray.failures} == told
    assert (seen[-1].done, seen[-1].total, seen[-1].failed) == (150, 150, 4)
    assert ray.rows_per_second > 0
    assert ray.engine == "ray"
    assert gone(workers), "a worker outlives its run"


def test_several_steps_with_conditions_chunks_and_failures_are_equal_too(lab, tmp_path):
    explode = 'batch["data"] = batch["data"].str.split()\nbatch = batch.explode("data")'
    load_probe(lab, tmp_path, explode, VEC, pipeline=TWO_STEPS, vectors={"vec": 2, "second": 2},
               profile={"max_concurrency": 1})  # fmt: skip
    texts = [" ".join(f"w{n + i}" for i in range(n % 4)) or "one" for n in range(60)]
    ((kernel, here), (ray, there)), _ = both(lab, texts, "probe")
    assert there == here
    assert kernel.failed > 0
    assert ray.failed == kernel.failed
    assert {f.step for f in ray.failures} == {"Second"}
    assert ray.vectors == kernel.vectors == {"vec": len(here), "second": len(here)}


DECODE_EMBED = """
from PIL import Image

from engine.extractors.probe.pipeline import StepDefinition


class Tile:
    def __init__(self, number):
        self.image = Image.new("L", (number, 2), number)


class Embed:
    def __init__(self, config):
        self.config = config

    def __call__(self, batch):
        if not all(isinstance(tile, Tile) for tile in batch["tile"]):
            raise TypeError("these are no tiles")
        images = [np.asarray(tile.image) for tile in batch["tile"]]
        batch["vec"] = [[float(i.sum()), float(p.sum())] for i, p in zip(images, batch["pixels"])]
        return batch.drop(columns=["tile", "pixels"])


def build_steps(extractor_request, **kwargs):
    return {"steps": [StepDefinition(service_class=Probe, batch_size=4),
                      StepDefinition(service_class=Embed, batch_size=3)]}
"""


def test_working_columns_travel_between_steps_as_in_the_kernel(lab, tmp_path):
    decode = """
    batch["tile"] = [Tile(len(t)) for t in batch["data"]]
    batch["pixels"] = [np.ones((len(t), 30, 30)) for t in batch["data"]]
    return batch
    """
    load_probe(lab, tmp_path, decode, pipeline=DECODE_EMBED, profile={"max_concurrency": 1})
    ((kernel, here), (ray, there)), _ = both(lab, ["t" * n for n in range(1, 31)], "probe")
    assert there == here
    assert [row["vec"] for row in here] == [[2.0 * n * n, 900.0 * n] for n in range(1, 31)]
    assert (kernel.failed, ray.failed) == (0, 0)
    assert not {"tile", "pixels"} & set(here[0])


def test_a_small_input_gets_two_actors_and_its_progress_is_told(lab, tmp_path):
    load_probe(lab, tmp_path, "import time; time.sleep(0.05 * len(batch))", VEC, name="shared")
    lab.bucket("small", [f"w{n}" for n in range(53)])
    seen = []
    lab.process("small", "shared", "small_shared", on_progress=seen.append)
    assert max(step.actors + step.starting for p in seen for step in p.steps) == 2
    assert len({p.done for p in seen}) > 3, "the bar did not move"


def test_columns_that_mix_types_between_blocks_do_not_break_a_run(lab, tmp_path):
    load_probe(lab, tmp_path,
               'batch["n"] = 1 if batch["data"][0].endswith("0") else "many"', VEC,
               name="mixed", profile={"batch_size": 1})  # fmt: skip
    ((_, here), (ray, there)), _ = both(lab, [f"t{n}" for n in range(20)], "mixed")
    assert there == here
    assert "Column `n` mixes types: it is kept as text." in ray.notes


def test_where_setup_fails_the_run_fails_and_says_why(lab, tmp_path):
    load_probe(lab, tmp_path, VEC, setup="raise OSError('no weights')", name="broken")
    lab.bucket("b", [f"t{n}" for n in range(300)])
    report = lab.process("b", "broken", "broken")
    assert (report.state, report.failed) == ("failed", 300)
    assert "OSError: no weights" in report.notes[0]


def test_actors_claim_the_memory_of_their_profile_and_no_more_than_there_is(lab, tmp_path):
    peek = "import ray; free = ray.available_resources().get('memory', 0) / 2**30"
    column = 'batch["free"] = free'
    total = ray.cluster_resources()["memory"] / 2**30
    free = []
    for number, asked in enumerate((0.25, 10_000)):
        profile = {"actor_memory_gb": asked, "batch_size": 4}
        name = f"probe{number}"
        load_probe(lab, tmp_path, peek, column, VEC, name=name, profile=profile)
        lab.bucket("memory", [f"w{n}" for n in range(4)])
        report = lab.process("memory", name, f"memory_{number}")
        assert report.documents == 4
        free.append(min(lab.sql(f"SELECT free FROM memory_{number}").table["free"].to_pylist()))
        told = [note for note in report.notes if "asks for 10000 GB an actor" in note]
        assert len(told) == number
    assert free[0] == pytest.approx(total - 0.25, abs=0.02)
    assert free[1] == pytest.approx(0, abs=0.02)


def test_a_worker_that_is_killed_loses_and_doubles_nothing(lab, tmp_path):
    lab.bucket("kill", [{"_id": str(n), "text": f"text {n}|b"} for n in range(120)])
    killed = []

    def kill(progress):
        if not killed and progress.done:
            victim = workers()[0]
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)

    report = lab.process("kill", "hash_embedder", "killed", on_progress=kill,
                         parameters={"chunk": True, "seconds": 0.05})  # fmt: skip
    assert killed
    assert (report.state, report.documents, report.failed) == ("completed", 240, 0)
    keys = lab.sql("SELECT _id, data FROM killed").table.to_pylist()
    assert [(row["_id"], row["data"]) for row in keys] == [
        pair for n in range(120) for pair in ((str(n), f"text {n}"), (str(n), "b"))
    ]
    ids = (
        lab.sql("SELECT count(DISTINCT document_id) AS n FROM killed").table.column("n")[0].as_py()
    )
    assert ids == 240


def test_a_processor_that_crashes_its_worker_fails_the_run_and_does_not_hang(lab, tmp_path):
    load_probe(lab, tmp_path, "os._exit(1)", name="crashing")
    lab.bucket("b", ["a", "b"])
    with pytest.raises(EngineError, match="died 3 times, and not by a Python error"):
        lab.process("b", "crashing", "crashing")
    state = lab.sql("SELECT state FROM runs ORDER BY started_at DESC LIMIT 1").table.column(0)[0]
    assert state.as_py() == "failed"
    assert gone(workers)


def test_an_error_in_the_consumer_stops_the_actors(lab):
    lab.bucket("b", [f"t{n}" for n in range(200)])

    def interrupt(progress):
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.process("b", "hash_embedder", "stopped", on_progress=interrupt,
                    parameters={"seconds": 0.2})  # fmt: skip
    assert gone(workers)
    state = lab.sql("SELECT state FROM runs ORDER BY started_at DESC LIMIT 1").table.column(0)[0]
    assert state.as_py() == "interrupted"
    assert lab.collection("stopped").snapshot is None
