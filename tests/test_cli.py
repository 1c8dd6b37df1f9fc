"""The command line: demo and bench do their real work; errors are one line and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mixpeek_lab.bench import format_table
from mixpeek_lab.cli import main
from mixpeek_lab.demo import QUERIES

WORDS = ("cats purr", "dogs bark", "rates rise", "rivers flood", "stars shine", "bees hum")


@pytest.fixture(scope="module")
def beir(tmp_path_factory):
    """Sixty short documents, six queries; each query's words are in ten of them."""
    folder = tmp_path_factory.mktemp("beir")
    (folder / "qrels").mkdir()
    documents = [
        {"_id": str(i), "title": "", "text": f"{WORDS[i % 6]} in place {i}"} for i in range(60)
    ]
    queries = [{"_id": f"q{i}", "text": words} for i, words in enumerate(WORDS)]
    lines = ["query-id\tcorpus-id\tscore"]
    lines += [f"q{i % 6}\t{i}\t1" for i in range(60)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines))
    return folder


def test_the_version_is_the_distributions(capsys):
    from mixpeek_lab.version import __version__

    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"mixpeek-lab {__version__}\n"


def test_a_missing_folder_is_one_line_and_exit_code_1(capsys, tmp_path):
    assert main(["bench", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "there is no corpus.jsonl" in captured.err
    assert "Traceback" not in captured.err


def test_an_unknown_command_is_exit_code_2():
    with pytest.raises(SystemExit) as stop:
        main(["deploi"])
    assert stop.value.code == 2


@pytest.mark.ray
@pytest.mark.model
def test_the_demo_answers_its_queries_and_computes_nothing_twice(lab, tmp_path, capsys):
    command = ["demo", "--documents", "80", "--home", str(tmp_path / "home")]
    first = subprocess.run(
        [sys.executable, "-m", "mixpeek_lab.cli", *command],
        capture_output=True, text=True, check=True, timeout=400,
    ).stdout  # fmt: skip
    assert main(command) == 0  # on the tests' Ray
    again = capsys.readouterr().out
    for query in QUERIES:
        assert query in first
    assert "documents               80" in first
    assert "processed               80" in first
    assert "bm25" in first
    assert "Nothing changed" in again


@pytest.mark.ray
@pytest.mark.model
def test_bench_compares_with_the_hand_written_script(lab, beir, tmp_path, capsys, monkeypatch):
    """Also where no hub answers and nobody has said so: retries would take four minutes."""
    for name in ("HF_HUB_OFFLINE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    kept = tmp_path / "numbers.json"
    assert main(["bench", str(beir), "--json", str(kept), "--no-serve", "--analyzer", "plain"]) == 0
    numbers = json.loads(kept.read_text())
    assert format_table(numbers) in capsys.readouterr().out
    assert (numbers["documents"], numbers["queries"], numbers["analyzer"]) == (60, 6, "plain")
    for leg in ("dense", "bm25", "rrf"):
        found = numbers["quality"][leg]
        assert found["lab"]["nDCG@10"] == pytest.approx(found["baseline"]["nDCG@10"], abs=0.02)
    assert numbers["quality"]["bm25"]["lab"]["nDCG@10"] == pytest.approx(1.0)
    assert numbers["lab"]["documents_per_s"] > 0
    assert numbers["baseline"]["load_s"] < 60
