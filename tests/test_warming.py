"""A playground loads its model while it opens, and a first query says that it waited for it."""

from __future__ import annotations

import threading
import time

import pytest
from packages import HASH_EMBEDDER
from test_magics import RETRIEVER, notebook  # noqa: F401 - a fixture

from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.source import read_source, write_source

SETUP = """class HashEmbedderService(InferenceService):
    def setup(self):
        import time
        from pathlib import Path

        while not Path("{gate}").exists():
            time.sleep(0.01)
        if Path("{gate}").read_text() == "fail":
            raise OSError("the weights are gone")
"""


@pytest.fixture
def opened(notebook, monkeypatch, tmp_path):  # noqa: F811
    """The retriever `find`, whose service loads for as long as the file `gate` is not there."""
    monkeypatch.setenv("MIXPEEK_LAB_ENGINE", "kernel")
    notebook.gate = tmp_path / "gate"
    source = read_source(HASH_EMBEDDER)
    head = "class HashEmbedderService(InferenceService):\n"
    slow = source.text("realtime.py").replace(head, SETUP.format(gate=notebook.gate))
    write_source(source.with_file("realtime.py", slow), tmp_path / "hash_embedder")
    notebook.run(f"%extractor load {tmp_path / 'hash_embedder'}")
    notebook.run("rows = ['red apple', 'green pear']")
    notebook.run("%bucket docs rows")
    notebook.run("%process docs hash_embedder")
    notebook.run(RETRIEVER)
    return notebook


def wait_for(check):
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def spans(playground):
    return [span["name"] for span in playground._asking.payload["spans"]]


def test_it_opens_at_once_and_says_what_it_loads(opened):
    playground = opened.run("%playground find")
    assert playground.preparing == "Loading the model for the queries …"
    opened.gate.write_text("")
    wait_for(lambda: not playground.preparing)
    assert len(playground.results) == 0
    playground.query = "apple"
    assert list(playground.results["data"]) == ["red apple", "green pear"]
    assert spans(playground)[0] == "embed"


def test_a_query_that_comes_before_waits_and_says_so(opened):
    playground = opened.run("%playground find")
    threading.Timer(0.2, opened.gate.write_text, [""]).start()
    playground.query = "apple"
    assert spans(playground)[:2] == ["load", "embed"]
    assert playground._asking.payload["spans"][0]["milliseconds"] > 100
    playground.query = "pear"
    assert "load" not in spans(playground)


def test_a_search_that_loads_the_model_tells_of_it_apart(opened):
    opened.gate.write_text("")
    found = opened.run("%search find apple").result
    assert [span.name for span in found.spans[:2]] == ["load", "embed"]
    assert found.spans[0].milliseconds > 0
    assert "load" not in [span.name for span in opened.run("%search find pear").result.spans]


def test_a_model_that_does_not_load_is_told_by_the_first_query(opened):
    opened.gate.write_text("fail")
    playground = opened.run("%playground find")
    wait_for(lambda: not playground.preparing)
    playground.query = "apple"
    with pytest.raises(ExtractorRunError, match="the weights are gone"):
        _ = playground.results
    assert "the weights are gone" in str(opened.fail("%playground find apple"))
