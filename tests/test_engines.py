"""Which engine a lab takes, and a lab whose engine is the kernel: all of it without Ray."""

from __future__ import annotations

import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.engines import NEEDED_GB, VARIABLE, choose_engine
from mixpeek_lab.errors import EngineError, InvalidInputError
from mixpeek_lab.workbench import Lab

RETRIEVER = {
    "collection": "docs",
    "searches": [{"feature": "hash_embedding"}, {"lexical": True}],
    "fusion": "rrf",
}


def test_the_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv(VARIABLE, "ray")
    assert choose_engine("kernel").name == "kernel"
    assert choose_engine().name == "ray"
    assert VARIABLE in choose_engine().why


@pytest.mark.parametrize(("gb", "name"), [(NEEDED_GB, "ray"), (NEEDED_GB - 0.1, "kernel")])
def test_auto_takes_what_fits(monkeypatch, gb, name):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("mixpeek_lab.engines.memory_limit_gb", lambda: gb)
    assert choose_engine().name == choose_engine("auto").name == name
    assert f"{gb:.1f} GB" in choose_engine().why


def test_another_engine_is_an_error(monkeypatch, home):
    with pytest.raises(InvalidInputError, match=r"engine='spark'.*ray, kernel or auto"):
        Lab(home, engine="spark")
    monkeypatch.setenv(VARIABLE, "Spark")
    with pytest.raises(InvalidInputError, match=f"{VARIABLE}=spark"):
        Lab(home)


@pytest.fixture
def small(home):
    """A lab in a container too small for Ray, with three documents."""
    lab = Lab(home, engine="kernel")
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ["red fish", "blue fish", "old birds"])
    lab.retriever("r", RETRIEVER | {"collection": lab.process("b", "hash_embedder").collection})
    return lab


def test_a_kernel_lab_runs_searches_and_tests_without_ray(small):
    small.start(wait=True)
    assert "this kernel, without Ray (it was asked for)" in str(small.status())
    assert small.search("r", "red fish").hits[0].fields["data"] == "red fish"
    assert small.test("hash_embedder").engine == "kernel"
    assert small.status().url == ""


def test_execute_answers_as_the_endpoint_does(small):
    small.prepare("r")
    plain = small.execute("r", {"query": "red fish", "limit": 2})
    assert plain["documents"][0]["data"] == "red fish"
    assert len(plain["documents"]) == 2
    explained = small.execute("r", {"query": "red fish"}, explain=True)
    assert explained["retriever_name"] == "r"
    assert {leg["name"] for leg in explained["legs"]} >= {"bm25"}


@pytest.mark.parametrize(
    "act",
    [
        lambda lab: lab.deploy("hash_embedder"),
        lambda lab: lab.serve("r"),
        lambda lab: lab.test("hash_embedder", engine="ray"),
    ],
    ids=["deploy", "serve", "test"],
)
def test_what_needs_ray_says_so(small, act):
    with pytest.raises(EngineError, match=rf"needs Ray.*it was asked for.*{VARIABLE}=ray"):
        act(small)


def test_an_explicit_ray_for_a_run_that_is_no_engine(small):
    with pytest.raises(InvalidInputError, match="ray or kernel"):
        small.process("b", "hash_embedder", engine="spark")
