"""What tests share: no network, a home of their own, an extractor without a model, one Ray.

Ray is started once, and Ray Serve on it once; labs with homes of their own join them.
"""

from __future__ import annotations

import os
import re
import signal
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

# A shell that starts the tests in the background has Ctrl-C ignored, here and in all they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from mixpeek_lab.ray_session import session  # noqa: E402 - after the environment
from mixpeek_lab.source import ExtractorSource, read_source  # noqa: E402
from mixpeek_lab.workbench import Lab  # noqa: E402

if TYPE_CHECKING:  # the API is not for every test
    from platform_client import Client
    from platform_host import Host


_set_environment = session._set_environment
_refused: list[str] = []


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no test file that `-m MARKER …` or `-m "not (ray …` leaves nothing of.

    Each process imports all that it collects, which takes many seconds for all of the files.
    """
    asked = re.match(r"(not \()?(alone|browser|ray)\b", config.option.markexpr)
    if asked is None or not collection_path.match("test_*.py"):
        return None
    text, marker = collection_path.read_text("utf-8"), f"pytest.mark.{asked[2]}"
    if asked[1]:  # a file as a whole
        return bool(re.search(rf"^pytestmark = \[?\s*{marker}\b", text, re.MULTILINE)) or None
    return marker not in text or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hold what `pytest_ignore_collect` relies on: a marker stands in the file of its test."""
    for item in items:
        for name in {"alone", "browser", "ray"} & {mark.name for mark in item.iter_markers()}:
            if f"pytest.mark.{name}" not in item.path.read_text("utf-8"):
                raise pytest.UsageError(f"{item.nodeid}: write pytest.mark.{name} in its file.")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let no test start Ray that is not marked so: `make test` runs those that are apart."""

    def refuse() -> None:
        _refused.append(f"{item.nodeid} starts Ray: mark it with @pytest.mark.ray.")
        raise RuntimeError(_refused[-1])

    is_marked = item.get_closest_marker("ray") is not None
    session._set_environment = _set_environment if is_marked else refuse


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Fail what did so in the background, and did not see the refusal."""
    told = "\n".join(_refused)
    _refused.clear()
    if told:
        pytest.fail(told, pytrace=False)


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
    """A lab with `hash_embedder` and a running Ray of two CPUs, one for all tests.

    Its names are everybody's: call yours after what you test.
    """
    with Lab(tmp_path_factory.mktemp("ray") / "home", num_cpus=2) as lab:
        lab.start(serve=False, wait=True)
        lab.load(HASH_EMBEDDER)
        yield lab


@pytest.fixture(scope="session")
def served_lab(lab: Lab) -> Lab:
    """The same lab with its endpoint up.

    What needs an endpoint with a home of its own asks for this too: the endpoint of its `Lab(home)`
    then joins the Ray Serve that runs, which saves starting one, and stopping it.
    """
    lab.start(wait=True)
    return lab
