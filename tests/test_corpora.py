"""The demo data: real, stable, unique, and made without importing anything."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time

import pandas as pd
import pytest

from mixpeek_lab.corpora import DEFAULT_PACKAGES, docstrings, filings, iter_docstrings
from mixpeek_lab.corpora.prose import prose
from mixpeek_lab.errors import NotFoundError


@pytest.fixture(scope="module")
def corpus():
    return docstrings()


def test_the_default_corpus_has_some_thousands_of_unique_documents(corpus):
    assert 3_000 <= len(corpus) <= 12_000
    assert len({record["id"] for record in corpus}) == len(corpus)
    assert len({record["text"] for record in corpus}) == len(corpus)
    assert all(len(record["text"].split()) >= 10 for record in corpus)


def test_every_default_package_and_kind_is_in_it(corpus):
    assert {record["package"] for record in corpus} == set(DEFAULT_PACKAGES)
    assert {record["kind"] for record in corpus} == {"module", "class", "function"}


def test_it_reads_four_thousand_documents_in_seconds():
    start = time.process_time()  # other processes share the machine
    assert len(docstrings(4_000)) == 4_000
    assert time.process_time() - start < 20  # 2 to 3 on a laptop core, 7 on a slow, busy one


def test_a_smaller_limit_is_the_start_of_a_larger_one_and_mixes_packages(corpus):
    sample = docstrings(100)
    assert sample == corpus[:100]
    assert len({record["package"] for record in sample}) >= 30
    assert docstrings(0) == []


def test_a_known_docstring_is_read_word_for_word():
    found = {record["id"]: record for record in docstrings(packages=["json"])}
    assert found["json:dumps"] == {
        "id": "json:dumps",
        "text": found["json:dumps"]["text"],
        "title": "dumps",
        "package": "json",
        "module": "json",
        "kind": "function",
        "lines": len(inspect.getdoc(json.dumps).splitlines()),
    }
    assert found["json:dumps"]["text"].startswith("Serialize obj to a JSON formatted str.")
    assert found["json"]["kind"] == "module"
    assert found["json.decoder:JSONDecoder.decode"]["title"] == "JSONDecoder.decode"


def test_private_names_and_test_folders_are_left_out(corpus):
    for record in corpus:
        assert "tests" not in record["module"].split(".")
        public = (
            record["title"].rpartition(".")[2:]
            if record["kind"] == "module"
            else (record["title"].split("."))
        )
        assert not any(part.startswith("_") for part in public), record["id"]


def test_an_unknown_package_is_refused_by_name():
    with pytest.raises(NotFoundError, match=r"'panda'.*Did you mean 'pandas'"):
        docstrings(packages=["panda"])


def test_an_unreadable_file_does_not_stop_the_rest(tmp_path, monkeypatch):
    folder = tmp_path / "mixed_quality"
    folder.mkdir()
    (folder / "broken.py").write_text("def oops(:\n")
    (folder / "nul.py").write_bytes(b"\0")
    (folder / "good.py").write_text(
        'def walk():\n    """Take the path along the river, across the bridge and home again."""\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert [record["id"] for record in iter_docstrings(["mixed_quality"])] == [
        "mixed_quality.good:walk"
    ]
    assert "mixed_quality" not in sys.modules


def test_no_package_is_imported():
    code = (
        "import sys; from mixpeek_lab.corpora import docstrings; docstrings(200);"
        "print([n for n in ('pandas', 'numpy', 'pyarrow', 'duckdb') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("One line\nwrapped here.", "One line wrapped here."),
        ("First.\n\nSecond\nparagraph.", "First.\nSecond paragraph."),
        ("Do it.\n\nParameters\n----------\nx : int\n    A number.", "Do it."),
        ("Do it.\n\nArgs:\n    x: a number.", "Do it."),
        ("Do it.\n\n:param x: a number", "Do it."),
        ("Do it.\n\n>>> do()\n1\n\nAnd more.", "Do it.\nAnd more."),
        ("Do it.\n\n.. versionadded:: 2.0\n\nAnd more.", "Do it.\nAnd more."),
        ("Do it.\n\n```python\nx = 1\n\ny = 2\n```\n\nAnd more.", "Do it.\nAnd more."),
        ("Uses :func:`~os.path.join` and ``None`` or `x`.", "Uses os.path.join and None or x."),
        ("See [the guide](https://example.org/a).", "See the guide."),
        ("As follows::\n\n    code()\n\nEnd.", "As follows\nEnd."),
        ("Parameters\n----------\nx : int", ""),
        ("", ""),
    ],
)
def test_prose_keeps_the_description_and_drops_the_rest(docstring, expected):
    assert prose(docstring) == expected


def test_twelve_filings_of_sixty_to_a_hundred_and_forty_words():
    found = filings()
    assert len(found) == 12
    assert all(60 <= len(filing["text"].split()) <= 140 for filing in found)
    for field in ("id", "ticker", "company", "section", "text"):
        assert len({filing[field] for filing in found}) == 12 or field == "section"
    assert {filing["form"] for filing in found} == {"10-K", "10-Q", "8-K"}
    assert {type(filing["fiscal_year"]) for filing in found} == {int}


def test_filings_are_fresh_each_time():
    filings()[0]["text"] = "changed"
    assert filings()[0]["text"] != "changed"


def test_both_corpora_make_data_frames():
    assert list(pd.DataFrame(filings()).columns) == [
        "id", "ticker", "company", "form", "section", "fiscal_year", "title", "text",
    ]  # fmt: skip
    frame = pd.DataFrame(docstrings(50))
    assert list(frame.columns) == ["id", "text", "title", "package", "module", "kind", "lines"]
    assert frame["lines"].dtype == "int64"
