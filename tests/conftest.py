"""What tests share: no network, a home of their own, an extractor without a model, one Ray."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bge_checkpoint import make_bge_base
from packages import HASH_EMBEDDER

# Before anything imports huggingface_hub, which reads its environment once.
os.environ["HF_HUB_OFFLINE"] = "1"
_cache = tempfile.TemporaryDirectory(prefix="mixpeek-lab-tests-", ignore_cleanup_errors=True)
os.environ["HF_HOME"] = _cache.name
os.environ.pop("HF_HUB_CACHE", None)
os.environ.pop("MIXPEEK_LAB_HOME", None)
os.environ.pop("MIXPEEK_LAB_TOKEN", None)

from mixpeek_lab.source import ExtractorSource, read_source  # noqa: E402 - after the environment
from mixpeek_lab.workbench import Lab  # noqa: E402

if TYPE_CHECKING:  # the API is not for every test
    from platform_client import Client
    from platform_host import Host


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder that no other test uses."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def hash_source() -> ExtractorSource:
    """`hash_embedder`: 16 floats per text (feature `hash_embedding`), deterministic, no model.

    A row with "FAIL" in its text fails. Parameters: see its processor.
    """
    return read_source(HASH_EMBEDDER)


@pytest.fixture
def kernel_lab(home: Path) -> Lab:
    """A lab with `hash_embedder`, and without Ray: use `process(..., engine="kernel")`."""
    lab = Lab(home)
    lab.load(HASH_EMBEDDER)
    return lab


@pytest.fixture
def host(home: Path) -> Host:
    """The platform of a lab with `hash_embedder`, without Ray; `host.work()` does what waits."""
    from platform_host import Host

    Lab(home).load(HASH_EMBEDDER)
    return Host(home)


@pytest.fixture
def ask(home: Path, host: Host) -> Client:
    """A client of that platform's API."""
    from platform_host import client_of

    return client_of(home, host)


@pytest.fixture(scope="session")
def bge_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint under the name of bge-base, where extractors look for it."""
    return make_bge_base(tmp_path_factory.mktemp("bge"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with `hash_embedder` and a running Ray of two CPUs, one for all tests."""
    with Lab(tmp_path_factory.mktemp("ray") / "home", num_cpus=2) as lab:
        lab.start(serve=False, wait=True)
        lab.load(HASH_EMBEDDER)
        yield lab
