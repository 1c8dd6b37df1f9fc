"""The import names `shared.…` and `engine.…`, each time in a fresh process."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mixpeek_lab import compat
from mixpeek_lab.builtin_models import MODELS, get_batch_service
from mixpeek_lab.compat import NAMES

ROOT = Path(__file__).parents[1]

PACKAGES = {model.replace("/", ".").replace("-", "_"): model for model in MODELS}
"""A built-in model's package below `shared.inference` → its id."""


def run(code: str, *, cwd: Path) -> str:
    """Run code in a fresh interpreter with `cwd` first on its path."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(cwd), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


INSTALL = "from mixpeek_lab import compat; compat.install()\n"


def test_the_package_alone_installs_nothing(tmp_path):
    code = """
import sys, importlib.util, mixpeek_lab, mixpeek_lab.compat
assert importlib.util.find_spec("shared") is None
assert not any("mixpeek" in type(f).__module__ for f in sys.meta_path)
"""
    run(code, cwd=tmp_path)


def test_every_name_of_the_table_imports_and_is_the_same_object(tmp_path):
    code = (
        INSTALL
        + f"""
import importlib
for name, target in {NAMES!r}.items():
    module = importlib.import_module(name)
    if target:
        real = importlib.import_module(target)
        assert module.__all__ == real.__all__, name
        assert all(getattr(module, n) is getattr(real, n) for n in real.__all__), name
import mixpeek_lab.sdk
import shared.extractors.sdk, engine.extractors.anything_at_all.pipeline as pipeline
assert shared.extractors.sdk.BatchProcessor is mixpeek_lab.sdk.BatchProcessor
assert shared.extractors.BatchProcessor is mixpeek_lab.sdk.BatchProcessor
assert pipeline.StepDefinition is mixpeek_lab.sdk.StepDefinition
from engine.plugins.extractors.pipeline import build_pipeline_steps
from shared.plugins.inference.serve import BaseInferenceService, ServeDeploymentConfig
from shared.plugins.inference.batch import BaseBatchInferenceService
from shared.loggers.services import get_logger
from shared.collection.features.extractors.models import ExtractorDefinition
get_logger(__name__)
"""
    )
    run(code, cwd=tmp_path)


def test_pickles_name_only_our_modules(tmp_path):
    code = (
        INSTALL
        + """
import pickle
from shared.extractors.sdk import BatchProcessor, Feature, RowCondition
from engine.extractors.x.pipeline import StepDefinition
step = StepDefinition(BatchProcessor, config={"f": Feature.embedding("v", 3)},
                      condition=RowCondition.IS_TEXT)
data = pickle.dumps(step)
assert b"shared" not in data and b"engine" not in data, data
print(data.hex())
"""
    )
    data = run(code, cwd=tmp_path)
    run(f"import pickle; pickle.loads(bytes.fromhex({data!r}))", cwd=tmp_path)


@pytest.mark.parametrize("is_regular", [False, True], ids=["folder", "package"])
def test_a_shared_of_the_users_own_stays(tmp_path, is_regular):
    own = tmp_path / "shared"
    (own / "plugins").mkdir(parents=True)
    (own / "mine.py").write_text("value = 1\n")
    (own / "plugins" / "theirs.py").write_text("value = 2\n")
    if is_regular:
        (own / "__init__.py").write_text("value = 3\n")
    code = (
        INSTALL
        + f"""
import shared.mine, shared.extractors.sdk, shared.plugins.theirs
from shared.plugins import BatchProcessor
assert (shared.mine.value, shared.plugins.theirs.value) == (1, 2)
assert getattr(shared, "value", None) == {3 if is_regular else None}
assert shared.extractors.sdk.Feature
"""
    )
    run(code, cwd=tmp_path)
    # …and where it was imported before.
    run("import shared, shared.mine\n" + code, cwd=tmp_path)


@pytest.mark.parametrize("before", ["", "import engine\n"])
def test_a_plain_module_called_engine_holds_ours_too(tmp_path, before):
    (tmp_path / "engine.py").write_text("power = 9\n")
    code = (
        before
        + INSTALL
        + """
from engine.extractors.x.pipeline import StepDefinition
import engine
assert engine.power == 9 and engine.__file__.endswith("engine.py")
"""
    )
    run(code, cwd=tmp_path)


def test_it_stands_first_once_and_for_good(tmp_path):
    code = (
        INSTALL
        + """
import sys
compat.install()
ours = [f for f in sys.meta_path if isinstance(f, compat.CompatFinder)]
assert len(ours) == 1 and sys.meta_path[0] is ours[0]
def later():
    from shared.extractors.sdk import Feature
    return Feature
assert later()
"""
    )
    run(code, cwd=tmp_path)


def test_it_claims_nothing_else(tmp_path):
    code = (
        INSTALL
        + """
import importlib
for name in ("shared.other", "engine.other", "engine.extractors.x.other",
             "engine.extractors.x.pipeline.deeper", "shared.extractors.sdk.deeper", "shared_x"):
    try: importlib.import_module(name)
    except ModuleNotFoundError as error: assert "Mixpeek" not in str(error)
    else: raise AssertionError(name)
"""
    )
    run(code, cwd=tmp_path)


ROOTS = {
    "shared.extractors": ("BatchProcessor", "open_asset", "download_asset"),
    "shared.extractors.sdk": ("ExtractorManifest", "Feature", "prefetch_hf_model", "run_tool"),
    "shared.extractors.inference.serve": ("BaseInferenceService",),
    "engine.extractors.any_name.pipeline": ("PipelineDefinition", "StepDefinition"),
    "shared.inference.registry": ("get_batch_service",),
    "shared.plugins": ("open_asset",),
    "shared.plugins.sdk": ("parallel_io", "concurrent_api_calls"),
    "shared.plugins.inference.serve": ("BaseInferenceService", "ServeDeploymentConfig"),
    "shared.plugins.inference.batch": ("BaseBatchInferenceService",),
    "engine.plugins.extractors.pipeline": ("RowCondition", "build_pipeline_steps"),
    "engine.models": ("LazyModelMixin", "lazy_model", "load_hf_model", "load_namespace_model"),
    "engine.models.loader": ("load_hf_model", "load_namespace_model", "is_hf_model_cached"),
    "engine.models.lazy": ("LazyModelMixin", "lazy_model"),
    "shared.models.loader": ("load_namespace_model",),
    "shared.utilities.files": ("resolve_url_to_local_path",),
    "shared.loggers.services": ("get_logger",),
    "shared.collection.features.extractors.models": ("ExtractorDefinition",),
    "engine.inference.services": ("BaseBatchInferenceService",),
    "shared.inference.intfloat.multilingual_e5_large_instruct.models": ("InferenceConfigs",),
    "shared.inference.google.siglip_base_patch16_224.models": ("InferenceConfigs",),
    "shared.inference.google.siglip.models": ("InferenceConfigs",),
    "shared.inference.jinaai.jina_embeddings_v2_base_code.models": ("InferenceConfigs",),
    "shared.inference.BAAI.bge_reranker_v2_m3.models": ("InferenceConfigs",),
    "shared.inference.baai.bge_reranker_v2_m3.models": ("InferenceConfigs",),
    "shared.inference.openai.whisper_large_v3_turbo.models": ("InferenceConfigs",),
    "engine.inference.intfloat.multilingual_e5_large_instruct.services": ("E5TextEmbeddingBatch",),
}
"""Import roots of public extractors → some of the names they take from there."""


@pytest.mark.parametrize("root", ROOTS)
def test_an_import_root_of_public_extractors_resolves(root):
    compat.install()
    module = importlib.import_module(root)
    assert [name for name in ROOTS[root] if not hasattr(module, name)] == []


def test_a_models_configs_are_those_its_service_takes():
    compat.install()
    for package, model in PACKAGES.items():
        configs = importlib.import_module(f"shared.inference.{package}.models")
        services = importlib.import_module(f"engine.inference.{package}.services")
        service = get_batch_service(model)
        assert service.config_class is configs.InferenceConfigs
        assert getattr(services, service.__name__) is service


def test_the_older_name_of_download_asset_gives_path_and_flag(tmp_path):
    compat.install()
    files = importlib.import_module("shared.utilities.files")
    (tmp_path / "a.txt").write_text("a")
    found = files.resolve_url_to_local_path((tmp_path / "a.txt").as_uri())
    assert found == (str(tmp_path / "a.txt"), False)
