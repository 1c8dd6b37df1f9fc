"""Loading extractors: modules by content, steps that travel, services in every dialect."""

from __future__ import annotations

import asyncio
import decimal
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.container import Container, SecretsHandle
from mixpeek_lab.errors import ExtractorLoadError, ExtractorRunError, LabError
from mixpeek_lab.loader import (
    ClassRef,
    build_steps,
    load_module,
    load_service,
    query_vector,
)
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.models import ComputeProfile, Manifest
from mixpeek_lab.sdk import ResourceType, RowCondition
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.source import ExtractorSource, parse_python, read_source

FIXTURES = Path(__file__).parent / "fixtures"
CONTAINER = Container(SecretsHandle(SecretStore(Path("home"))))
ROOT = Path(__file__).parents[1]

MANIFEST = 'metadata = {"feature_extractor_name": "toy", "version": "1.0.0"}\n'
CORE = """
class Upper:
    def __init__(self, config, **kwargs):
        self.config = config

    def __call__(self, batch):
        batch["upper"] = [text.upper() for text in batch["data"]]
        return batch
"""
PIPELINE = """
from engine.extractors.toy.pipeline import (
    PipelineDefinition, ResourceType, RowCondition, StepDefinition, build_pipeline_steps
)
from .manifest import metadata
from .processors.core import Upper

def build_steps(extractor_request, container=None, **kwargs):
    params = extractor_request.extractor_config.parameters
    assert params == extractor_request.parameters
    step = StepDefinition(
        service_class=Upper, resource_type=ResourceType.GPU, config={"params": params},
        condition=RowCondition.IS_TEXT, concurrency=3, batch_size=7,
    )
    off = StepDefinition(Upper, ResourceType.CPU, {}, enabled=False)
    steps = [step, off, step]
    return {"steps": build_pipeline_steps(
        PipelineDefinition(name=metadata["feature_extractor_name"], version="1", steps=steps))}
"""


def toy(name: str = "toy", **files: str) -> ExtractorSource:
    """An extractor of a manifest and the files given as `pipeline=…`, `processors__core=…`."""
    named = {f"{key.replace('__', '/')}.py": textwrap.dedent(text) for key, text in files.items()}
    return ExtractorSource(name, tuple(({"manifest.py": MANIFEST} | named).items()))


WHOLE = toy(pipeline=PIPELINE, processors__core=CORE)
DECLARED = Manifest("toy", "1.0.0", "1.0.0", compute_profile=ComputeProfile(resource_type="api"))


def steps_of(source, home, parameters=None, **options):
    return build_steps(source, DECLARED, home, parameters or {}, **options)


def batch(*texts):
    return pd.DataFrame({"data": list(texts)})


# ------------------------------------------------------------------------------ modules


def test_modules_import_under_a_name_of_their_content(tmp_path):
    module = load_module(WHOLE, "processors.core", tmp_path)
    assert module.__name__ == f"{WHOLE.package}.processors.core"
    assert Path(module.__file__) == tmp_path / "extractors" / WHOLE.package / "processors/core.py"
    assert load_module(WHOLE, "processors.core", tmp_path) is module
    assert "manifest" not in sys.modules


def test_two_versions_live_side_by_side(tmp_path):
    old = toy(pipeline="from .manifest import metadata\nfrom .inner import value", inner="value=1")
    new = old.with_file("inner.py", "value=2")
    assert load_module(old, "pipeline", tmp_path).value == 1
    assert load_module(new, "pipeline", tmp_path).value == 2
    assert load_module(old, "pipeline", tmp_path).value == 1


def test_an_init_file_is_run_and_may_ask_for_metadata(tmp_path):
    text = "from .manifest import metadata\nname = metadata['version']"
    typed = toy().with_file("__init__.py", text)
    typed = typed.with_file("manifest.py", 'feature_extractor_name = "toy"\nversion = "v3"\n')
    assert load_module(typed, "", tmp_path).name == "v3"


def test_metadata_is_added_where_the_dialect_has_none(tmp_path):
    source = read_source(FIXTURES / "seed_sec" / "sec_filing_embedder")
    found = load_module(source, "pipeline", tmp_path).metadata
    assert found["feature_extractor_name"] == "sec_filing_embedder"
    assert found["version"] == "1.0.0"
    own = load_module(WHOLE, "manifest", tmp_path).metadata
    assert own == {"feature_extractor_name": "toy", "version": "1.0.0"}


@pytest.mark.parametrize("harm", ["cut short", "file removed", "folder emptied"])
def test_a_damaged_folder_is_written_again(tmp_path, harm):
    source = toy(pipeline=f"value = {harm!r}\n", other="")
    code = "from mixpeek_lab.loader import load_module; import pickle, sys\n"
    code += f"source, home = pickle.loads({pickle.dumps((source, tmp_path))!r})\n"
    code += "print(load_module(source, 'pipeline', home).value)"
    load_module(source, "pipeline", tmp_path)
    root = tmp_path / "extractors" / source.package
    if harm == "cut short":
        (root / "pipeline.py").write_text("value = ")
    else:
        for path in [root / "pipeline.py"] if harm == "file removed" else root.glob("*.py"):
            path.unlink()
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert out.stdout.strip() == harm
    assert [path.name for path in (tmp_path / "extractors").iterdir()] == [source.package]


def test_threads_and_processes_may_race_for_the_folder(tmp_path):
    source = toy(pipeline="value = 1", **{f"part_{n}": "x = 1\n" * 200 for n in range(40)})
    code = "from mixpeek_lab.loader import load_module; import pickle\n"
    code += f"source, home = pickle.loads({pickle.dumps((source, tmp_path))!r})\n"
    code += "assert load_module(source, 'pipeline', home).value == 1"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    racers = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(3)]
    threads = [
        threading.Thread(target=load_module, args=(source, "pipeline", tmp_path)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [racer.wait(60) for racer in racers] == [0, 0, 0]
    assert [path.name for path in (tmp_path / "extractors").iterdir()] == [source.package]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nraise ValueError('boom')", r"toy: pipeline.py:2: ValueError: boom."),
        ("x = 1\ny = (", r"toy: pipeline.py:2: SyntaxError: '\(' was never closed."),
        ("import not_there_at_all", r"pipeline.py:1: .*pip install not-there-at-all"),
        ("from .missing import x", r"pipeline.py:1: .* consists of: manifest.py, pipeline.py"),
        ("from manifest import metadata", r"Write `from .manifest import …`"),
        ("from toy.manifest import metadata", r"Write `from .manifest import …` instead"),
        ("import sys\nsys.exit(3)", r"pipeline.py:2: SystemExit: 3"),
        ("from shared.extractors.sdk import run_tools", r"cannot import name 'run_tools'"),
        (
            "from shared.inference.registry import x",
            r"cannot import name 'x' from 'shared.inference",
        ),
    ],
)
def test_a_module_that_fails_is_told_with_file_line_and_remedy(tmp_path, text, message):
    with pytest.raises(ExtractorLoadError, match=message) as caught:
        load_module(toy(pipeline=text), "pipeline", tmp_path)
    assert caught.value.__cause__ is not None


def test_a_missing_module_is_told_with_what_there_is(tmp_path):
    with pytest.raises(ExtractorLoadError, match=r"no realtime.py. It consists of: manifest.py"):
        load_module(toy(), "realtime", tmp_path)


# ------------------------------------------------------------------------------ class references


def test_a_class_reference_travels_and_resolves(tmp_path):
    klass = load_module(WHOLE, "processors.core", tmp_path).Upper
    ref = ClassRef.of(WHOLE, klass, tmp_path)
    assert (ref.module, ref.qualname) == ("processors.core", "Upper")
    assert pickle.loads(pickle.dumps(ref)) == ref
    assert pickle.loads(pickle.dumps(ref)).resolve() is klass
    assert ClassRef.of(WHOLE, pd.DataFrame, tmp_path).resolve() is pd.DataFrame


def test_a_class_without_a_name_of_its_own_is_refused(tmp_path):
    source = toy(pipeline="def make():\n    class Inner: pass\n    return Inner")
    inner = load_module(source, "pipeline", tmp_path).make()
    with pytest.raises(ExtractorLoadError, match="Define it at the top level"):
        ClassRef.of(source, inner, tmp_path)
    with pytest.raises(ExtractorLoadError, match=r"pipeline.py has no class Gone"):
        ClassRef(source, "pipeline", "Gone", tmp_path).resolve()


# ------------------------------------------------------------------------------ pipelines


def test_build_steps_gives_steps_with_everything_that_was_declared(tmp_path):
    built = steps_of(WHOLE, tmp_path, {"size": "base"}, container=CONTAINER)
    first, second = built.steps
    assert (first.name, second.name) == ("Upper", "Upper_2")
    assert first.resource_type is ResourceType.GPU
    assert first.condition is RowCondition.IS_TEXT
    assert (first.concurrency, first.batch_size) == (3, 7)
    assert first.config == {"params": {"size": "base"}}
    processor = pickle.loads(pickle.dumps(first)).create()
    assert processor.config == {"params": {"size": "base"}}
    assert list(processor(batch("a"))["upper"]) == ["A"]


SIGNATURES = {
    "seed": "extractor_request, container=None, **kwargs",
    "all": "extractor_request, container=None, base_steps=None, **kwargs",
    "exact": "extractor_request, container=None, base_steps=None, dataset_size=None, "
    "content_flags=None",
    "required": "extractor_request, dataset_size, content_flags",
    "keyword only": "*, extractor_request, container, base_steps",
    "another name": "request",
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
@pytest.mark.parametrize("entry", ["build_steps", "extract"])
def test_every_signature_is_called_with_what_it_takes(tmp_path, signature, entry):
    first = "request" if signature == "request" else "extractor_request"
    text = f"""
from types import SimpleNamespace
from .processors.core import Upper
seen = {{}}
def {entry}({signature}):
    seen.update(locals())
    steps = [Upper({{"from": {first}.extractor_config.parameters["a"]}})]
    return {{"steps": steps}} if {entry!r} == "build_steps" else SimpleNamespace(
        steps=seen.get("base_steps", []) + steps, prepare=len)
"""
    source = toy(pipeline=text, processors__core=CORE)
    container = CONTAINER
    built = steps_of(source, tmp_path, {"a": 5}, dataset_size=9, container=container)
    seen = load_module(source, "pipeline", tmp_path).seen
    assert seen.get("dataset_size", seen.get("kwargs", {}).get("dataset_size", 9)) == 9
    assert seen.get("container", container) is container
    assert (built.prepare is len) == (entry == "extract")
    (step,) = built.steps
    assert step.resource_type is ResourceType.API
    assert pickle.loads(pickle.dumps(step)).create().config == {"from": 5}


def test_a_package_without_build_steps_uses_its_one_processor(tmp_path):
    typed = read_source(FIXTURES / "seed_typed" / "my_embedder")
    (step,) = steps_of(typed, tmp_path, {"a": 1}).steps
    assert step.name == "MyProcessor"
    assert step.create().config == {"a": 1}
    (step,) = steps_of(toy(processors__core=CORE), tmp_path).steps
    assert step.create()(batch("x"))["upper"][0] == "X"
    derived = """
from shared.extractors.sdk import BatchProcessor
class Helper:
    def __call__(self, text): return text
class Base(BatchProcessor): pass
class Real(Base):
    def process(self, batch): return batch
"""
    assert steps_of(toy(pipeline=derived), tmp_path).steps[0].name == "Real"


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("def build_steps(extractor_request): return [1]", r'return \{"steps"'),
        ("def build_steps(extractor_request): return {'steps': []}", "no enabled step"),
        ("def build_steps(extractor_request): return {'steps': [3]}", "3 is not a step"),
        ("def build_steps(r): return {'steps': [len], 'prepare': 1}", '"prepare" is 1'),
        ("def build_steps(extractor_request, tenant): pass", "asks for 'tenant'"),
        ("def build_steps(r):\n    return r.tenant", r"pipeline.py:2: AttributeError: .*tenant"),
        ("def build_steps(r): return {'steps': [lambda b: b]}", "cannot travel"),
        ("", "no processor in pipeline.py. Write a class"),
        (
            "class A:\n    def __call__(s, b): ...\nclass B:\n    def __call__(s, b): ...",
            "several candidates: A, B",
        ),
    ],
)
def test_a_pipeline_that_cannot_run_says_why(tmp_path, pipeline, message):
    with pytest.raises(ExtractorLoadError, match=message):
        steps_of(toy(pipeline=pipeline), tmp_path)


def test_what_a_config_holds_travels_to_another_process(tmp_path):
    text = """
from dataclasses import dataclass
from pydantic import BaseModel
from engine.plugins.extractors.pipeline import StepDefinition
from .processors.core import Upper

@dataclass
class Config:
    llm: object
    helper: type

class Params(BaseModel):
    size: str = "base"

def build_steps(extractor_request, container=None):
    config = {"a": Config(container.llm, Upper), "params": Params(), "llm_service": container.llm}
    return {"steps": [StepDefinition(service_class=Upper, config=config)]}
"""
    source = toy(pipeline=text, processors__core=CORE)
    (step,) = steps_of(source, tmp_path, container=CONTAINER).steps
    code = f"""
import pickle, sys
step = pickle.loads({pickle.dumps(step)!r})
config = step.create().config
print(config["a"].helper.__name__, config["params"].size, type(config["llm_service"]).__name__)
"""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert out.stdout.strip() == "Upper base LLMHandle"


def test_a_config_that_cannot_travel_names_its_key(tmp_path):
    text = """
import threading
from engine.extractors.toy.pipeline import StepDefinition
from .processors.core import Upper
def build_steps(extractor_request):
    return {"steps": [StepDefinition(Upper, config={"a": 1, "lock": threading.Lock()})]}
"""
    with pytest.raises(ExtractorLoadError, match=r"config of Upper cannot travel .*'lock'"):
        steps_of(toy(pipeline=text, processors__core=CORE), tmp_path)


CONSTRUCTORS = {
    "config": ("self, config", "config"),
    "progress_actor": ("self, config, progress_actor=None", "config"),
    "required progress_actor": ("self, config, progress_actor", "config"),
    "kwargs": ("self, config, **kwargs", "config"),
    "optional": ("self, config=None, **kwargs", "config"),
    "secrets": ("self, config, secrets", "config if secrets is not None else 'no secrets'"),
    "secrets first": ("self, secrets=None, *, config", "config"),
    "another name": ("self, settings", "settings"),
    "positional only": ("self, settings, /", "settings"),
    "only kwargs": ("self, **kwargs", "kwargs['config']"),
    "only args": ("self, *args", "args[0]"),
    "nothing": ("self", "{'size': 1}"),
}


@pytest.mark.parametrize(("signature", "config"), CONSTRUCTORS.values(), ids=CONSTRUCTORS)
def test_every_constructor_gets_its_config(tmp_path, signature, config):
    core = f"""
class P:
    def __init__({signature}):
        self.seen = {config}
    def __call__(self, batch): return batch
"""
    (step,) = steps_of(toy(processors__core=core), tmp_path, {"size": 1}, container=CONTAINER).steps
    assert step.create().seen == {"size": 1}


def test_a_constructor_that_fails_is_told_with_its_line(tmp_path):
    core = "class P:\n    def __init__(self, config):\n        config['no']\n    __call__ = len\n"
    (step,) = steps_of(toy(processors__core=core), tmp_path).steps
    with pytest.raises(ExtractorRunError, match=r"P\(config\) failed at processors/core.py:3: Key"):
        step.create()
    core = "class P:\n    def __init__(self, config, tenant): ...\n    __call__ = len\n"
    (step,) = steps_of(toy(processors__core=core), tmp_path).steps
    with pytest.raises(ExtractorLoadError, match="asks for 'tenant'"):
        step.create()


def test_two_processors_of_one_step_share_nothing(tmp_path):
    text = "from .processors.core import Upper\ndef build_steps(r): return {'steps': [Upper([])]}"
    (step,) = steps_of(toy(pipeline=text, processors__core=CORE), tmp_path).steps
    step.create().config.append(1)
    assert step.create().config == []


# ------------------------------------------------------------------------------ services

SERVICES = {
    "typed": """
        from shared.extractors.sdk import InferenceService
        class My(InferenceService):
            def setup(self): self.n = getattr(self, "n", 0) + 1
            async def infer(self, inputs, parameters):
                return {"embedding": [self.n, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "run_inference": """
        from shared.extractors.inference.serve import BaseInferenceService
        class InferenceService(BaseInferenceService):
            def __init__(self):
                super().__init__()
            async def run_inference(self, inputs, parameters):
                return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "async call": """
        from shared.plugins.inference.serve import BaseInferenceService
        class Whatever(BaseInferenceService):
            async def __call__(self, inputs, parameters):
                return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "sync single": """
        from shared.plugins.inference.serve import BaseInferenceService, ServeDeploymentConfig
        class S(BaseInferenceService):
            serve_config = ServeDeploymentConfig(enabled=True, num_replicas=1)
            def _process_single(self, inputs, parameters):
                return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "async single": """
        from shared.plugins.inference.serve import BaseInferenceService
        class S(BaseInferenceService):
            async def _process_single(self, inputs, parameters):
                return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "handler": """
        class RealtimeHandler:
            def predict(self, request):
                inputs, parameters = request["inputs"], request["parameters"]
                assert request["text"] == inputs["text"]
                return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "factory": """
        class Hidden:
            async def run_inference(self, inputs, parameters):
                return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
        class Other(Hidden): pass
        def get_inference_service(**kwargs): return Hidden(**kwargs)
        """,
    "free standing typed": """
        class Free:
            n = 0
            def setup(self): self.n += 1
            def infer(self, inputs, parameters):
                return {"embedding": [self.n, len(inputs["text"]), parameters.get("p", 0)]}
        """,
    "imported": """
        from .service import S
        """,
}
SERVICE_FILE = """
class S:
    async def __call__(self, inputs, parameters):
        return {"embedding": [1, len(inputs["text"]), parameters.get("p", 0)]}
"""


@pytest.mark.parametrize("realtime", SERVICES.values(), ids=SERVICES)
def test_every_dialect_of_service_answers(tmp_path, realtime):
    service = load_service(toy(realtime=realtime, service=SERVICE_FILE), tmp_path)
    assert service.infer_sync({"text": "abc"}) == {"embedding": [1, 3, 0]}

    async def as_in_a_notebook():
        assert service.infer_sync({"text": "ab"}, {"p": 7}) == {"embedding": [1, 2, 7]}
        return await service.infer({"text": "a"}, {"p": 8})

    assert asyncio.run(as_in_a_notebook()) == {"embedding": [1, 1, 8]}


PLAIN_SERVICES = {
    "typed": """
        from shared.extractors.sdk import InferenceService
        class S(InferenceService):
            def setup(self): self.home = threading.get_ident()
            def infer(self, inputs, parameters): return work(self.home, inputs)
        """,
    "single": """
        from shared.extractors.inference.serve import BaseInferenceService
        class S(BaseInferenceService):
            def _process_single(self, inputs, parameters): return work(None, inputs)
        """,
    "handler": """
        class RealtimeHandler:
            def predict(self, request): return work(None, request["inputs"])
        """,
    "returns a coroutine": """
        class S:
            def infer(self, inputs, parameters):
                found = work(None, inputs)
                async def later(): return found
                return later()
        """,
}
WORK = """
import decimal, threading, time
def work(home, inputs):
    begun = time.monotonic()
    time.sleep(inputs["seconds"])
    return {"embedding": [1.0], "begun": begun, "ended": time.monotonic(), "setup_in": home,
            "thread": threading.get_ident(), "precision": decimal.getcontext().prec}
"""


@pytest.mark.parametrize("realtime", PLAIN_SERVICES.values(), ids=PLAIN_SERVICES)
def test_a_service_of_plain_functions_leaves_the_loop_free(tmp_path, realtime):
    service = load_service(toy(realtime=WORK + textwrap.dedent(realtime)), tmp_path)
    service.prepare()

    async def asked():
        with decimal.localcontext() as context:
            context.prec = 7
            calls = [asyncio.create_task(service.infer({"seconds": 0.3})) for _ in range(2)]
        pauses, last = [], time.monotonic()
        while not all(call.done() for call in calls):
            await asyncio.sleep(0.01)
            now = time.monotonic()
            pauses.append(now - last)
            last = now
        return [call.result() for call in calls], pauses

    (first, second), pauses = asyncio.run(asked())
    assert max(pauses) < 0.2, "the loop stood still"
    assert sum(pauses) >= 0.6
    assert second["begun"] >= first["ended"], "two requests ran at once"
    assert first["thread"] == second["thread"] != threading.get_ident()
    assert first["setup_in"] in (None, first["thread"])
    assert first["precision"] == 7
    assert service.infer_sync({"seconds": 0})["thread"] == first["thread"]


@pytest.mark.parametrize(
    "realtime",
    [
        """
        from shared.extractors.sdk import InferenceService
        class S(InferenceService):
            async def infer(self, inputs, parameters):
        """,
        """
        from shared.extractors.inference.serve import BaseInferenceService
        class S(BaseInferenceService):
            async def run_inference(self, inputs, parameters):
        """,
        """
        from shared.extractors.inference.serve import BaseInferenceService
        class S(BaseInferenceService):
            async def __call__(self, inputs, parameters):
        """,
        """
        class S:
            async def infer(self, inputs, parameters):
        """,
    ],
)
def test_an_async_service_runs_in_the_loop_that_asks(tmp_path, realtime):
    body = "                return {'loop': asyncio.get_running_loop()}\n"
    text = "import asyncio\n" + textwrap.dedent(realtime.rstrip(" ") + body)
    service = load_service(toy(realtime=text), tmp_path)

    async def asked():
        return (await service.infer({}))["loop"] is asyncio.get_running_loop()

    assert asyncio.run(asked())


def test_an_interrupted_call_leaves_the_next_one_free(tmp_path):
    slow = """
        import time
        class S:
            def infer(self, inputs, parameters):
                time.sleep(inputs["seconds"])
                return {"embedding": [1.0]}
        """
    service = load_service(toy(realtime=slow), tmp_path)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        service.infer_sync({"seconds": 5})
    assert service.infer_sync({"seconds": 0}) == {"embedding": [1.0]}
    assert asyncio.run(service.infer({"seconds": 0})) == {"embedding": [1.0]}
    assert time.monotonic() - begun < 3


def test_a_service_that_exits_is_told(tmp_path):
    leaving = "import sys\nclass S:\n    def infer(self, inputs, parameters): sys.exit(3)\n"
    service = load_service(toy(realtime=leaving), tmp_path)
    with pytest.raises(ExtractorRunError, match=r"realtime.py:3: SystemExit: 3"):
        service.infer_sync({})
    with pytest.raises(ExtractorRunError, match=r"realtime.py:3: SystemExit: 3"):
        asyncio.run(service.infer({}))


def test_clients_opened_in_one_sync_call_are_good_in_the_next(tmp_path):
    realtime = """
        import asyncio
        class S:
            loop = None
            async def infer(self, inputs, parameters):
                self.loop = self.loop or asyncio.get_running_loop()
                return {"same": self.loop is asyncio.get_running_loop()}
        """
    service = load_service(toy(realtime=realtime), tmp_path)
    assert service.infer_sync({}) == service.infer_sync({}) == {"same": True}


@pytest.mark.parametrize(
    ("realtime", "message"),
    [
        (None, "toy has no realtime.py"),
        ("x = 1", "no service in realtime.py"),
        ("class A:\n    infer = len\nclass B:\n    infer = len", "several candidates: A, B"),
        ("def get_inference_service(**k): return 3", "gave int, which has none of"),
    ],
)
def test_a_package_without_a_service_is_refused(tmp_path, realtime, message):
    source = toy() if realtime is None else toy(realtime=realtime)
    with pytest.raises(ExtractorLoadError, match=message):
        load_service(source, tmp_path)


def test_a_service_that_fails_or_answers_nonsense_is_told(tmp_path):
    failing = "class S:\n    def infer(self, inputs, parameters):\n        return inputs['image']\n"
    with pytest.raises(ExtractorRunError, match=r"failed at realtime.py:3: KeyError: 'image'"):
        load_service(toy(realtime=failing), tmp_path).infer_sync({"text": "a"})
    listing = "class S:\n    def infer(self, inputs, parameters):\n        return [1.0]\n"
    with pytest.raises(ExtractorRunError, match="answered with list, not a dict"):
        load_service(toy(realtime=listing), tmp_path).infer_sync({})
    broken = "class S:\n    def __init__(self):\n        1 / 0\n    infer = len\n"
    with pytest.raises(ExtractorRunError, match=r"S\(\) failed at realtime.py:3: ZeroDivision"):
        load_service(toy(realtime=broken), tmp_path)


def test_the_query_vector_is_found_under_every_key():
    import numpy as np

    answer = {"v": [1], "v_embedding": [2], "embedding": (3,), "embeddings": [[4], [9]]}
    answer["vector"] = np.array([5], dtype=np.float32)
    found = []
    for key in list(answer):
        found.append(query_vector(answer, "v").tolist())
        del answer[key]
    assert found == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    assert query_vector({"embeddings": np.eye(2)}, "v").tolist() == [1.0, 0.0]
    assert query_vector({"v": None, "vector": [1]}, "v").tolist() == [1.0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"result": 1, "score": 2}, "answered with the keys: result, score"),
        ({}, r"\(none\)"),
        ({"embedding": [[1.0, 2.0]]}, r"a list of 1 vectors, not one vector"),
        ({"embedding": "12"}, "not a list of finite numbers"),
        ({"embedding": [1.0, float("nan")]}, "not a list of finite numbers"),
        ({"embedding": []}, "not a list of finite numbers"),
        ({"embeddings": []}, "not a list of finite numbers"),
    ],
)
def test_an_answer_without_a_vector_is_told(answer, message):
    with pytest.raises(ExtractorRunError, match=message):
        query_vector(answer, "v")


def test_platform_services_are_opened_only_when_used(monkeypatch):
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    container = pickle.loads(pickle.dumps(CONTAINER))
    assert container == CONTAINER
    with pytest.raises(LabError, match="%secret set GOOGLE_API_KEY"):
        asyncio.run(container.llm.generate("x", text="y", provider="google"))
    with pytest.raises(LabError, match="org/model"):
        container.inference.get("org/model")


# ------------------------------------------------------------------------------ the seed's own

SEEDS = [("seed_plain", "my_extractor"), ("seed_sec", "sec_filing_embedder"),
         ("seed_typed", "my_embedder")]  # fmt: skip


@pytest.mark.parametrize(("folder", "name"), SEEDS)
def test_the_published_examples_load_unmodified(tmp_path, folder, name):
    source = read_source(FIXTURES / folder / name)
    manifest = read_manifest(source).manifest
    (step,) = build_steps(source, manifest, tmp_path, {}, container=CONTAINER).steps
    assert callable(pickle.loads(pickle.dumps(step)).create())
    assert callable(load_service(source, tmp_path).infer_sync)


LAZY = """
class Lazy:
    def __init__(self, config, **kwargs):
        self.config = config

    def __call__(self, batch):
        from shared.extractors.sdk import get_logger
        from engine.extractors.toy.pipeline import RowCondition
        from ..manifest import metadata
        get_logger("x")
        batch["seen"] = metadata["version"] + self.config["params"].size
        return batch
"""
LAZY_PIPELINE = """
from pydantic import BaseModel
from shared.extractors.sdk import StepDefinition
from .processors.core import Lazy
class Params(BaseModel):
    size: str = "base"
def build_steps(extractor_request, **kwargs):
    config = {"params": Params()}
    return {"steps": [StepDefinition(Lazy, config=config), Lazy(config)]}
"""


@pytest.mark.ray
def test_steps_run_in_ray_workers(lab, tmp_path):
    import ray

    source = toy(pipeline=LAZY_PIPELINE, processors__core=LAZY)
    newer = source.with_file("manifest.py", MANIFEST.replace("1.0.0", "2.0.0"))
    steps = [step for s in (source, newer) for step in steps_of(s, tmp_path).steps]

    @ray.remote(num_cpus=1)
    def work(given):
        import pandas

        frames = [step.create()(pandas.DataFrame({"data": ["a"]})) for step in given]
        return [str(frame["seen"][0]) for frame in frames]

    assert ray.get(work.remote(steps)) == ["1.0.0base"] * 2 + ["2.0.0base"] * 2


@pytest.mark.ray
def test_what_prepare_adds_runs_beside_the_actors(lab, tmp_path):
    folder = tmp_path / "hash_embedder"
    shutil.copytree(HASH_EMBEDDER, folder)
    text = (folder / "pipeline.py").read_text()
    prepare = ', "prepare": lambda ds: ds.filter(lambda row: row["data"] != "b")}'
    returned = re.sub(r"\}\s*$", prepare + "\n", text)
    (folder / "pipeline.py").write_text(returned.replace("hash_embedder", "prepared"))
    manifest = (folder / "manifest.py").read_text()
    (folder / "manifest.py").write_text(manifest.replace("hash_embedder", "prepared"))
    assert lab.load(folder).is_kept
    lab.bucket("prepared", ["a", "b", "c"])
    report = lab.process("prepared", "prepared")
    assert report.documents == 2, report


def test_threads_may_parse_at_once():
    text = "\n".join(f"x{i} = [{i}, ({i}, [{i}])]" for i in range(400))
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(lambda _: parse_python("a.py", text), range(40)))
    assert {len(tree.body) for tree in trees} == {400}


def test_a_service_takes_the_platforms_progress_actor():
    from mixpeek_lab.sdk import BaseBatchInferenceService

    class Embedder(BaseBatchInferenceService):
        def __init__(self, config, progress_actor=None):
            super().__init__(config, progress_actor)

    assert Embedder({"size": 1}).config == {"size": 1}
