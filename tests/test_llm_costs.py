"""What a run's calls of container.llm cost: counted where they are made, told in the report."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import seed
from llm_servers import KEY, USAGE, ProtocolServer

from mixpeek_lab.container import Container, LLMHandle, SecretsHandle
from mixpeek_lab.llm import Spending, metered, tally
from mixpeek_lab.sdk import concurrent_api_calls, parallel_io
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.widgets.cards import PreviewCard, RunCard
from mixpeek_lab.widgets.report import format_report, report_html
from mixpeek_lab.widgets.spending import dollars, llm_facts
from mixpeek_lab.workbench import Lab

MANIFEST = """\
metadata = {"feature_extractor_name": "entities", "version": "1.0.0"}
supported_input_types = ["text"]
features = [
    {
        "feature_type": "embedding", "feature_name": "vec", "embedding_dim": 2,
        "distance_metric": "cosine",
    },
]
compute_profile = {"resource_type": "api", "batch_size": 2, "max_concurrency": 2}
"""
PIPELINE = """\
# pipeline.py — pass to your processor
from engine.extractors.entities.pipeline import (
    PipelineDefinition, ResourceType, StepDefinition, build_pipeline_steps
)
from .manifest import metadata
from .processors.core import EntityProcessor

def build_steps(extractor_request, container=None, **kwargs):
    config = {"llm_service": container.llm}
    step = StepDefinition(EntityProcessor, ResourceType.CPU, config)
    pipeline = PipelineDefinition(metadata["feature_extractor_name"], metadata["version"], [step])
    return {"steps": build_pipeline_steps(pipeline)}
"""
CORE = """\
# processors/core.py — call concurrently
from shared.extractors.sdk import concurrent_api_calls

class EntityProcessor:
    def __init__(self, config, **kwargs):
        self._llm = config["llm_service"]

    def __call__(self, batch):
        texts = batch["data"].tolist()

        async def analyze(text):
            return await self._llm.generate(
                instruction="Extract entities from this text",
                text=text,
                provider="google",
                model="gemini-2.5-flash",
                schema={"type": "object", "properties": {"entities": {"type": "array"}}}
            )

        results = concurrent_api_calls(texts, analyze, max_concurrent=10)
        batch["entities"] = [",".join(result.data["entities"]) for result in results]
        batch["vec"] = [[1.0, float(len(text))] for text in texts]
        return batch
"""
SOURCE = ExtractorSource(
    "entities",
    (("manifest.py", MANIFEST), ("pipeline.py", PIPELINE), ("processors/core.py", CORE)),
)
FLASH = "google/gemini-2.5-flash"
PRICE = (1000 * 0.30 + 200 * 0.03 + 50 * 2.50) / 1e6
"""US dollars for one answer of the server on Google's gemini-2.5-flash, by its list price."""
TEXTS = [f"Ada met Bob {number} times" for number in range(6)]


def spent(answered: int = 0, price: float = PRICE, **others: int) -> Spending:
    tokens = USAGE["input"] * answered, USAGE["output"] * answered
    return Spending(
        answered,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost=pytest.approx(price * answered),  # type: ignore[arg-type]
        **others,
    )


@pytest.fixture
def google(monkeypatch, tmp_path) -> Iterator[ProtocolServer]:
    with_server = ProtocolServer("google")
    with_server.says = lambda _body: '{"entities": ["Ada", "Bob"]}'
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MIXPEEK_LAB_LLM_GOOGLE_URL", with_server.url)
    yield with_server
    with_server.close()


def load(lab: Lab, folder: Path, source: ExtractorSource = SOURCE) -> Lab:
    write_source(source, folder / source.name)
    assert lab.load(folder / source.name).is_kept
    return lab


@pytest.fixture
def kernel(kernel_lab, google, tmp_path) -> Lab:
    SecretStore(kernel_lab.home).set("GOOGLE_API_KEY", KEY)
    kernel_lab.bucket("b", TEXTS)
    return load(kernel_lab, tmp_path)


def variant(process: str, setup: str = "", **replaced: str) -> ExtractorSource:
    """The package with another processor, which has `self._llm` and `analyze`."""
    lines = CORE[CORE.index("        async def") : CORE.index("        results")]
    for old, new in replaced.items():
        lines = lines.replace({"provider": "google", "model": "gemini-2.5-flash"}[old], new)
    code = CORE[: CORE.index("        async def")] + lines
    body = "".join(f"        {line}\n" for line in process.splitlines())
    vectors = '        batch["vec"] = [[1.0, 2.0]] * len(batch)\n        return batch\n'
    return SOURCE.with_file("processors/core.py", f"{setup}{code}{body}{vectors}")


# ---------------------------------------------------------------- the seed's block, as a package


def test_the_package_is_the_seeds_own_block():
    block = seed.Block(
        "", "LLM Access", "# pipeline.py — pass to your processor",
        "results = concurrent_api_calls(texts, analyze, max_concurrent=10)",
    )  # fmt: skip
    written = [line.strip() for line in f"{PIPELINE}{CORE}".splitlines()]
    assert [line for line in seed.cut(block).splitlines() if line.strip() not in written] == []


def test_it_runs_in_the_kernel_and_its_cost_is_in_the_report(kernel, google):
    report = kernel.process("b", "entities", "c", engine="kernel")
    assert (report.state, report.documents, google.calls) == ("completed", 6, 6)
    assert report.llm == {FLASH: spent(6)}
    assert set(kernel.sql("SELECT entities FROM c").table.column(0).to_pylist()) == {"Ada,Bob"}
    told = "6 calls, 7,200 tokens in, 300 out, $0.0026"
    assert f"llm google gemini-2.5-flash  {told}" in format_report(report)
    assert told in report_html(report)
    assert told in RunCard(report)._repr_html_()
    (row,) = kernel.sql("FROM llm_costs").table.to_pylist()
    assert row == {
        "run_id": report.run_id, "collection_id": kernel.collection("c").collection_id,
        "provider": "google", "model": "gemini-2.5-flash", "answered": 6, "cached": 0, "failed": 0,
        "unpriced": 0, "input_tokens": 7200, "output_tokens": 300, "cost": pytest.approx(6 * PRICE),
    }  # fmt: skip
    (kept,) = kernel.sql("SELECT report FROM runs").table.column(0).to_pylist()
    assert json.loads(kept)["llm"][FLASH]["answered"] == 6
    assert "llm_costs" in kernel.tables()


@pytest.mark.ray
def test_it_runs_on_ray_and_the_actors_costs_add_up(lab, google, tmp_path, request):
    secrets = SecretStore(lab.home)
    secrets.set("GOOGLE_API_KEY", KEY)
    request.addfinalizer(lambda: secrets.delete("GOOGLE_API_KEY"))  # the lab is for all tests
    load(lab, tmp_path).bucket("llm_texts", TEXTS)
    report = lab.process("llm_texts", "entities", "on_ray")
    assert (report.state, report.documents, google.calls) == ("completed", 6, 6)
    assert report.llm == {FLASH: spent(6)}
    again = lab.process("llm_texts", "entities", "on_ray_again")
    assert again.llm == {FLASH: spent(cached=6)}
    assert "gemini-2.5-flash  6 kept answers, $0" in format_report(again)
    assert google.calls == 6
    rows = lab.sql("SELECT sum(answered), sum(cached), sum(cost) FROM llm_costs").table.to_pylist()
    assert list(rows[0].values()) == [6, 6, pytest.approx(6 * PRICE)]


def test_an_answer_that_was_kept_costs_nothing_and_the_report_says_so(kernel, google):
    kernel.process("b", "entities", "c", engine="kernel")
    kernel.bucket("more", [*TEXTS, "Eve"])
    report = kernel.process("more", "entities", "d", engine="kernel")
    assert report.llm == {FLASH: spent(1, cached=6)}
    assert google.calls == 7
    assert "1 call, 6 kept answers, 1,200 tokens in, 50 out, $0.00043" in format_report(report)
    assert kernel.process("more", "entities", "d", engine="kernel").llm == {}  # nothing was asked


def test_a_preview_tells_its_cost(kernel):
    found = kernel.preview("entities", TEXTS[:2])
    assert found.llm == {FLASH: spent(2)}
    card = PreviewCard("entities", found.documents, (), 2, 0.5, llm=found.llm)
    told = "2 calls, 2,400 tokens in, 100 out, $0.00086"
    assert f"  llm google gemini-2.5-flash: {told}" in str(card)
    assert told in card._repr_html_()
    assert kernel.preview("entities", TEXTS[:2]).llm == {FLASH: spent(cached=2)}


# ---------------------------------------------------------------- whatever way it is called

WAYS = {
    "one after the other": "import asyncio\nfor text in texts:\n    asyncio.run(analyze(text))",
    "threads of parallel_io": (
        "import asyncio\nfrom shared.extractors.sdk import parallel_io\n"
        "parallel_io(texts, lambda text: asyncio.run(analyze(text)))"
    ),
    "threads of its own": (
        "import asyncio, threading\n"
        "threads = [threading.Thread(target=asyncio.run, args=(analyze(t),)) for t in texts]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]"
    ),
    "a loop that runs": (
        "import asyncio\n"
        "async def main():\n"
        "    return concurrent_api_calls(texts, analyze)\n"
        "asyncio.run(main())"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_calls_are_counted_in_whatever_way_they_are_made(way, kernel, tmp_path):
    load(kernel, tmp_path / "v", variant(WAYS[way]))
    assert kernel.process("b", "entities", "c", engine="kernel").llm == {FLASH: spent(6)}


def test_calls_of_set_up_and_of_build_steps_belong_to_the_run(kernel, tmp_path):
    source = variant("concurrent_api_calls(texts, analyze)")
    asks = 'import asyncio\n    asyncio.run({}.generate("Warm up", provider="google"))\n'
    core = source.text("processors/core.py").replace(
        '_llm = config["llm_service"]\n',
        '_llm = config["llm_service"]\n        import asyncio\n'
        '        asyncio.run(self._llm.generate("Set up", provider="google"))\n',
    )
    source = source.with_file("processors/core.py", core).with_file(
        "pipeline.py",
        PIPELINE.replace("    step =", f"    {asks.format('container.llm')}    step ="),
    )
    load(kernel, tmp_path / "v", source)
    assert kernel.process("b", "entities", "c", engine="kernel").llm == {FLASH: spent(8)}


def test_rows_that_fail_have_cost_as_well(kernel, google, tmp_path):
    load(kernel, tmp_path / "v", variant("concurrent_api_calls(texts, analyze)\nraise OSError"))
    report = kernel.process("b", "entities", "c", engine="kernel")
    assert report.state == "failed"
    assert report.llm[FLASH].answered == 6  # and the rows tried again alone had kept answers
    assert report.llm[FLASH].cached > 0
    assert kernel.sql("SELECT answered FROM llm_costs").table.column(0).to_pylist() == [6]


def test_failed_calls_are_counted(kernel, google, tmp_path):
    load(kernel, tmp_path / "v", variant("concurrent_api_calls(texts, analyze)"))
    google.fail(400, times=2)
    report = kernel.process("b", "entities", "c", engine="kernel")
    assert report.llm == {FLASH: spent(4, failed=2)}
    assert "4 calls, 2 failed, 4,800 tokens in" in format_report(report)


def test_a_price_that_is_not_known_is_said(kernel, tmp_path):
    load(kernel, tmp_path / "v", variant("concurrent_api_calls(texts, analyze)", model="gemini-9"))
    report = kernel.process("b", "entities", "c", engine="kernel")
    assert report.llm == {"google/gemini-9": spent(6, 0.0, unpriced=6)}
    assert "6 calls, 7,200 tokens in, 300 out, price not known" in format_report(report)
    assert kernel.sql("SELECT cost FROM llm_costs").table.column(0).to_pylist() == [None]


def test_an_interrupted_run_keeps_what_it_spent_so_far(kernel, tmp_path):
    load(kernel, tmp_path / "v", variant("concurrent_api_calls(texts, analyze)"))

    def stop(progress):
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel.process("b", "entities", "c", engine="kernel", on_progress=stop)
    assert kernel.sql("SELECT answered FROM llm_costs").table.column(0).to_pylist() == [2]


# ---------------------------------------------------------------- several at once


@pytest.fixture
def ask(google, home):
    SecretStore(home).set("GOOGLE_API_KEY", KEY)
    handle: LLMHandle = Container(SecretsHandle(SecretStore(home))).llm

    async def ask(text):
        return await handle.generate("Say", text, provider="google")

    return ask


def test_work_at_the_same_time_is_told_apart(ask, google):
    google.delay_s = 0.05
    found: dict[str, dict] = {}
    ready = threading.Barrier(2)

    def work(name, count):
        with metered() as meter:
            ready.wait()
            concurrent_api_calls([f"{name} {n}" for n in range(count)], ask)
            parallel_io([f"{name} io {n}" for n in range(2)], lambda t: asyncio.run(ask(t)))
            ready.wait()
        found[name] = dict(meter.spent)

    before = tally().get(("google", "gemini-2.5-flash"), Spending()).answered
    threads = [threading.Thread(target=work, args=pair) for pair in (("one", 3), ("two", 9))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": {FLASH: spent(5)}, "two": {FLASH: spent(11)}}
    assert tally()["google", "gemini-2.5-flash"].answered == before + 16


def test_calls_of_no_work_or_of_nobody_knows_whose_are_in_the_tally_alone(ask):
    with metered() as one, metered() as two:
        thread = threading.Thread(target=asyncio.run, args=(ask("whose?"),))
        thread.start()
        thread.join()
        asyncio.run(ask("the inner one's"))
    asyncio.run(ask("by hand"))
    assert (one.spent, two.spent) == ({}, {FLASH: spent(1)})


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "$0"), (1234.567, "$1,234.57"), (1.0, "$1.00"), (0.99, "$0.99"), (0.0123, "$0.012"),
     (0.000_000_45, "$0.00000045")],
)  # fmt: skip
def test_small_amounts_keep_two_digits(amount, text):
    assert dollars(amount) == text


def test_several_models_have_a_sum():
    facts = llm_facts({
        "local/org/model": Spending(2, input_tokens=10, output_tokens=20),
        "openai/gpt-4o": Spending(1, input_tokens=8, output_tokens=9, cost=0.5),
        "openai/gpt-9": Spending(3, 1, input_tokens=8, output_tokens=9, unpriced=3),
    })  # fmt: skip
    assert facts == [
        ("llm local org/model", "2 calls, 10 tokens in, 20 out, $0"),
        ("llm openai gpt-4o", "1 call, 8 tokens in, 9 out, $0.50"),
        ("llm openai gpt-9", "3 calls, 1 kept answer, 8 tokens in, 9 out, price not known"),
        ("llm in all", "6 calls, 1 kept answer, $0.50 and 3 calls of unknown price"),
    ]


def test_answers_are_kept_from_many_threads_at_once(kernel, google):
    handle = LLMHandle(SecretStore(kernel.home))
    texts = [f"text {number}" for number in range(60)]

    def some(part):
        return concurrent_api_calls(
            part, lambda text: handle.generate("Name entities", text), max_concurrent=10
        )

    with ThreadPoolExecutor(6) as pool:
        found = [a for part in pool.map(some, [texts[i::6] for i in range(6)]) for a in part]
    assert None not in found
    assert len(found) == google.calls == 60
