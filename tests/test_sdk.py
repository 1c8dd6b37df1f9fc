"""What extractors import: manifest, steps, processor, services, tools."""

from __future__ import annotations

import asyncio
import logging
import pickle
import re
import subprocess
import sys
import threading
import time
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from mixpeek_lab import models, sdk
from mixpeek_lab.errors import ManifestError
from mixpeek_lab.manifests import KEYWORDS
from mixpeek_lab.sdk import (
    BaseInferenceService,
    BatchProcessor,
    ExtractorDefinition,
    ExtractorManifest,
    Feature,
    InferenceService,
    PipelineDefinition,
    ResourceType,
    RowCondition,
    ServeDeploymentConfig,
    StepDefinition,
    build_pipeline_steps,
    concurrent_api_calls,
    parallel_io,
)


def manifest(**changes: object) -> ExtractorManifest:
    values = {
        "feature_extractor_name": "my_embedder",
        "version": "v1",
        "features": [Feature.embedding("my_embedding", dim=384)],
    }
    return ExtractorManifest(**(values | changes))


# ------------------------------------------------------------------------------ the package


def test_it_loads_without_heavy_libraries():
    code = (
        "import sys, mixpeek_lab.sdk\n"
        "heavy = 'ray faiss torch duckdb IPython pandas numpy huggingface_hub'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_exported_name_is_there():
    assert [name for name in sdk.__all__ if not hasattr(sdk, name)] == []
    assert sdk.Feature is models.Feature


# ------------------------------------------------------------------------------ manifest


def test_the_manifest_gives_what_the_plain_dialect_has():
    found = manifest(inference_type="embedding", category="text")
    assert found.version == "v1"
    assert found.feature_uri == "mixpeek://my_embedder@1.0.0/my_embedding"
    assert found.features_as_dicts() == [
        {
            "feature_type": "embedding",
            "feature_name": "my_embedding",
            "embedding_dim": 384,
            "distance_metric": "cosine",
        }
    ]
    assert found.metadata == {
        "feature_extractor_name": "my_embedder",
        "version": "v1",
        "description": "",
        "category": "text",
        "inference_type": "embedding",
    }


def test_its_uri_names_the_first_embedding_and_is_absent_without_one():
    labels = Feature.classification("kind", labels=["a", "b"])
    assert manifest(features=[labels]).feature_uri is None
    vectors = [labels, Feature.embedding("first", 3), Feature.embedding("second", 3)]
    assert manifest(features=vectors, version="2.1").feature_uri == (
        "mixpeek://my_embedder@2.1.0/first"
    )


def test_it_takes_every_keyword_that_the_static_reader_knows():
    assert set(KEYWORDS) == set(ExtractorManifest.model_fields)
    assert ExtractorManifest(name="short", version="1.0").feature_extractor_name == "short"


def test_features_may_be_dicts_with_the_exact_keys():
    given = {
        "feature_type": "embedding",
        "feature_name": "v",
        "embedding_dim": 4,
        "distance_metric": "dot",
    }
    assert manifest(features=[given]).features == [Feature.embedding("v", 4, "dot")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dependancies": ["x"]}, "no keyword 'dependancies'. Did you mean 'dependencies'?"),
        ({"feature_extractor_name": "my extractor"}, "feature_extractor_name is 'my extractor'"),
        ({"version": "one"}, "Version 'one' is not understood"),
        ({"version": 1}, "version: .* (you wrote 1)"),
        ({"inference_type": "embeddings"}, "inference_type: .*'embedding', 'rerank'"),
        ({"features": [{"type": "embedding"}]}, "features[0] has a key 'type'.*'feature_type'"),
        ({"features": [{"feature_type": "embedding"}]}, "features[0] has no 'feature_name'"),
        ({"features": ["v"]}, "features[0] is 'v'. Write Feature.embedding"),
        ({"features": [Feature("v")]}, "embedding_dim is None"),
        ({"features": [Feature.embedding("v", 0)]}, "embedding_dim is 0"),
        ({"features": [Feature.embedding("v", 3, "cosin")]}, "Did you mean 'cosine'?"),
        ({"features": [Feature.embedding("v", 3)] * 2}, "there are two features 'v'"),
        ({"compute_profile": {"batch_size": "many"}}, "compute_profile.batch_size"),
        ({"compute_profile": {"batchsize": 8}}, "no key 'batchsize'. Did you mean 'batch_size'?"),
        ({"feature_uri": "my_embedder/v"}, "Feature URI 'my_embedder/v' is not understood"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_remedy(changes, message):
    with pytest.raises(ManifestError) as caught:
        manifest(**changes)
    pattern = re.escape(message).replace(r"\.\*", ".*")
    assert re.search(pattern, str(caught.value)), str(caught.value)


def test_the_engine_registry_entry_is_kept_as_given():
    entry = ExtractorDefinition(
        name="x", version="v1", extractor_function_path=len, requires_file_resolution=False, y=1
    )
    assert (entry.name, entry.extractor_function_path, entry.y) == ("x", len, 1)


# ------------------------------------------------------------------------------ steps


class Embed:
    def __init__(self, config, **kwargs):
        self.config = config


def test_only_enabled_steps_are_built_in_order():
    steps = [
        StepDefinition(Embed, ResourceType.CPU, {"n": 1}),
        StepDefinition(Embed, ResourceType.GPU, {"n": 2}, enabled=False),
        StepDefinition(Embed, "api", {"n": 3}, condition=RowCondition.IS_TEXT),
    ]
    built = build_pipeline_steps(PipelineDefinition("x", "1.0.0", steps), dataset_size=5)
    assert [step.config["n"] for step in built] == [1, 3]
    assert built[1].resource_type is ResourceType.API
    with pytest.raises(FrozenInstanceError):
        built[0].enabled = False


def test_a_step_says_what_it_cannot_take():
    with pytest.raises(TypeError, match="processor's class itself"):
        StepDefinition(service_class="Embed")
    with pytest.raises(ValueError, match="batch_size is 0"):
        StepDefinition(Embed, batch_size=0)
    with pytest.raises(TypeError, match=r"steps\[0\]"):
        PipelineDefinition("x", "1", [Embed])


@pytest.mark.parametrize(
    ("condition", "takes", "leaves"),
    [
        (RowCondition.IS_TEXT, ["text/plain", "TEXT/html; charset=utf-8"], ["image/png", "text"]),
        (RowCondition.IS_IMAGE, ["image/jpeg"], ["video/mp4", "", None, float("nan")]),
        (RowCondition.IS_VIDEO, ["video/mp4"], ["audio/mpeg"]),
        (RowCondition.IS_AUDIO, ["audio/wav"], ["video/mp4"]),
        (RowCondition.IS_PDF, ["application/pdf"], ["application/pdfx", "text/plain"]),
        (RowCondition.ALWAYS, ["text/plain", "", None, float("nan")], []),
    ],
)
def test_row_conditions_go_by_mime_type(condition, takes, leaves):
    assert all(condition.matches(mime) for mime in takes)
    assert not any(condition.matches(mime) for mime in leaves)


# ------------------------------------------------------------------------------ processor


class Counting(BatchProcessor):
    setups = 0

    def setup(self):
        time.sleep(0.05)
        self.setups += 1

    def process(self, batch):
        return (self.setups, batch)


def test_a_processor_sets_up_once_on_the_first_batch_of_any_thread():
    processor = Counting({"a": 1}, secrets=None)
    assert processor.setups == 0
    assert processor.config == {"a": 1}
    threads = [threading.Thread(target=processor, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert processor("batch") == (1, "batch")
    processor.ensure_setup()
    assert processor.setups == 1


def test_a_processor_travels_by_pickle_set_up_or_not():
    processor = Counting()
    assert pickle.loads(pickle.dumps(processor))(0) == (1, 0)
    processor(0)
    assert pickle.loads(pickle.dumps(processor))(0) == (1, 0)


def test_a_failed_setup_is_tried_again_and_base_init_is_optional():
    class Flaky(BatchProcessor):
        def __init__(self, config):
            self.calls = 0

        def setup(self):
            self.calls += 1
            if self.calls == 1:
                raise OSError("no network")

        def process(self, batch):
            return self.calls

    processor = Flaky({})
    with pytest.raises(OSError, match="no network"):
        processor(0)
    assert processor(0) == 2


def test_a_processor_without_process_says_what_to_write():
    with pytest.raises(NotImplementedError, match="def process"):
        BatchProcessor()(None)


# ------------------------------------------------------------------------------ services


def ask(service, inputs=None, parameters=None):
    return asyncio.run(service(inputs or {"text": "a"}, parameters or {}))


def test_the_typed_service_sets_up_once_and_may_be_sync_or_async():
    class Async(InferenceService):
        count = 0

        def setup(self):
            self.count += 1

        async def infer(self, inputs, parameters):
            return {"embedding": [self.count], "text": inputs["text"]}

    class Sync(Async):
        def infer(self, inputs, parameters):
            return {"embedding": [self.count]}

    service = Async()
    assert ask(service) == ask(service) == {"embedding": [1], "text": "a"}
    assert ask(Sync()) == {"embedding": [1]}


def test_the_plain_service_in_its_three_spellings():
    class Run(BaseInferenceService):
        def __init__(self):
            super().__init__()

        async def run_inference(self, inputs, parameters):
            return {"by": "run"}

    class Single(BaseInferenceService):
        def _process_single(self, inputs, parameters):
            return {"by": "single"}

    class AsyncSingle(BaseInferenceService):
        async def _process_single(self, inputs, parameters):
            self.logger.info("asked")
            return {"by": "async single"}

    assert [ask(s())["by"] for s in (Run, Single, AsyncSingle)] == ["run", "single", "async single"]
    with pytest.raises(NotImplementedError, match="run_inference"):
        ask(BaseInferenceService())
    with pytest.raises(NotImplementedError, match="async def infer"):
        ask(InferenceService())


def test_a_serve_config_keeps_other_keys():
    assert ServeDeploymentConfig(num_replicas=2, num_gpus=1).num_gpus == 1


# ------------------------------------------------------------------------------ tools


def test_parallel_io_is_a_list_and_a_dict_of_what_went_through(caplog):
    def work(n):
        if n == 2:
            raise OSError("gone")
        return n * 10

    with caplog.at_level(logging.WARNING):
        results = parallel_io([1, 2, 3], work, max_workers=3)
    assert list(results) == [10, None, 30]
    assert isinstance(results, list)
    assert results[2] == results.get(2) == 30
    assert [2 in results, 1 in results, 3 in results] == [True, False, False]
    assert sorted(results.keys()) == [0, 2]
    assert dict(results.items()) == {0: 10, 2: 30}
    assert list(results.values()) == [10, 30]
    assert results.get(1, "missing") == "missing"
    assert str(results.errors[1]) == "gone"
    assert "1 of 3 items failed, first item 1: OSError: gone" in caplog.text
    assert pickle.loads(pickle.dumps(results)).get(2) == 30
    with pytest.raises(TypeError, match="by position"):
        results["a"]


@pytest.mark.parametrize("name", ["fn", "process_fn"])
def test_parallel_io_takes_its_function_by_both_published_names(name):
    assert parallel_io([1, 2], **{name: str}) == ["1", "2"]
    with pytest.raises(TypeError, match="parallel_io"):
        parallel_io([1, 2])


def test_parallel_io_works_at_once_and_no_more_than_asked():
    together, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.02)
        with lock:
            together -= 1

    parallel_io(range(9), work, max_workers=3)
    assert most == 3
    with pytest.raises(ValueError, match="max_workers"):
        parallel_io([1], work, max_workers=0)


def test_concurrent_api_calls_keep_order_bound_and_failures():
    together, most = 0, 0

    async def call(n):
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.01)
        together -= 1
        if n == 1:
            raise ValueError("bad")
        return n * 10

    assert concurrent_api_calls([0, 1, 2, 3], call, max_concurrent=2) == [0, None, 20, 30]
    assert most == 2

    async def in_a_notebook():
        return concurrent_api_calls([2, 3], call)

    assert asyncio.run(in_a_notebook()) == [20, 30]


def test_a_model_that_is_nowhere_is_named_with_the_remedy(tmp_path: Path):
    code = (
        "from mixpeek_lab.sdk import prefetch_hf_model\n"
        "from mixpeek_lab.errors import LabError\n"
        "for name in ('nobody/nothing', 'a/b/c'):\n"
        "    try: prefetch_hf_model(name, revision='v9')\n"
        "    except LabError as error: print(error)\n"
    )
    env = {"PATH": "", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    missing, malformed = out.stdout.strip().splitlines()
    assert "Model 'nobody/nothing' at revision 'v9' is not in the local cache" in missing
    assert "HF_HOME" in missing
    assert "no model 'a/b/c'" in malformed
