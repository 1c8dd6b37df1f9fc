"""`mixpeek-lab lint`: exit codes, text, JSON and SARIF."""

from __future__ import annotations

import json

import pytest
from corpus_cases import package

from mixpeek_lab.archives import pack
from mixpeek_lab.cli import main
from mixpeek_lab.lint import RULES
from mixpeek_lab.source import write_source

BAD = """import os
class P:
    def __call__(self, batch):
        batch["e"] = [self.model.encode(t) for t in batch["data"]]
        getattr(os, "sys" + "tem")("ls")
        return batch
"""
CELL = """%%extractor mine
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="mine", version="1.0.0", features=[Feature.embedding("e", dim=3)]
)


class P(BatchProcessor):
    def process(self, batch):
        batch["e"] = eval("1")
        return batch
"""


@pytest.fixture
def write(tmp_path):
    def write(**files):
        folder = tmp_path / "a"
        paths = {name.replace("__", "/") + ".py": text for name, text in files.items()}
        write_source(package(paths), folder)
        return folder

    return write


def run(capsys, *arguments):
    code = main(["lint", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_nothing_found(write, capsys):
    assert run(capsys, write()) == (0, "a: no findings\n", "")


def test_text_names_place_rule_reason_and_remedy(write, capsys):
    folder = write(processors__core=BAD)
    code, out, _ = run(capsys, folder)
    assert code == 1
    first, *_, last = out.splitlines()
    assert first.startswith(f"{folder}/processors/core.py:5:9: error SEC002 `os.system`")
    assert "getattr(os, 'sys' + 'tem')" in first
    assert "run_tool" in first
    assert last == "a: 1 error, 1 warning"


def test_warnings_fail_only_when_strict(write, capsys):
    folder = write(processors__core=BAD.replace('getattr(os, "sys" + "tem")("ls")', "pass"))
    assert run(capsys, folder)[0] == 0
    assert run(capsys, folder, "--strict")[0] == 1


def test_what_cannot_be_checked_is_exit_code_2(tmp_path, capsys):
    for path in (tmp_path / "none", tmp_path):
        code, out, err = run(capsys, path)
        assert (code, out) == (2, "")
        assert "SourceError" in err
        assert "Traceback" not in err
    torn = tmp_path / "torn.zip"
    torn.write_bytes(b"PK\x03\x04")
    assert run(capsys, torn)[0] == 2
    binary = tmp_path / "cell.py"
    binary.write_bytes(b"\xff\xfe")
    assert run(capsys, binary)[0] == 2
    with pytest.raises(SystemExit) as stop:
        main(["lint", str(tmp_path), "--format", "xml"])
    assert stop.value.code == 2


def test_an_output_that_cannot_be_written_is_exit_code_2(write, tmp_path, capsys):
    assert run(capsys, write(), "--output", tmp_path / "no" / "where")[0] == 2


def test_json(write, tmp_path, capsys):
    kept = tmp_path / "report.json"
    code, out, _ = run(capsys, write(processors__core=BAD), "--format", "json", "--output", kept)
    assert code == 1
    assert "1 error, 1 warning" in out
    report = json.loads(kept.read_text())
    assert (report["extractor"], report["errors"], report["warnings"]) == ("a", 1, 1)
    found = {entry["rule"]: entry for entry in report["findings"]}
    assert set(found) == {"SEC002", "SEQ002"}
    assert (found["SEC002"]["file"], found["SEC002"]["line"]) == ("processors/core.py", 5)
    assert all(entry["title"] == RULES[entry["rule"]].title for entry in report["findings"])


def test_sarif(write, capsys):
    code, out, _ = run(capsys, write(processors__core=BAD, pipeline="x ="), "--format", "sarif")
    assert code == 1
    log = json.loads(out)
    assert (log["version"], log["$schema"].rsplit("/", 1)[-1]) == (
        "2.1.0", "sarif-schema-2.1.0.json",
    )  # fmt: skip
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert {r["id"] for r in rules} == {"SEC002", "SEQ002", "SYN001"}
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].endswith(".py")
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1


def test_an_archive(tmp_path, capsys):
    packed = pack(package({"processors/core.py": BAD}), tmp_path / "mine.zip").path
    code, out, _ = run(capsys, packed)
    assert code == 1
    assert out.startswith("processors/core.py:5:9: error SEC002")


@pytest.mark.parametrize("above", [1, 0])
def test_a_cell_has_the_cells_lines(tmp_path, capsys, above):
    cell = tmp_path / "mine.py"
    cell.write_text(CELL if above else CELL.partition("\n")[2])
    code, out, _ = run(capsys, cell)
    assert code == 1
    assert f"mine.py:{10 + above}:22: error SEC002 `eval`" in out


def test_a_cell_that_is_no_python_is_a_finding(tmp_path, capsys):
    cell = tmp_path / "mine.py"
    cell.write_text(CELL + "!ls\n")
    code, out, _ = run(capsys, cell)
    assert code == 1
    assert "mine.py:13:1: error SYN001 `!ls` is a shell command of the notebook" in out


def test_the_help_says_what_it_is_not(capsys):
    with pytest.raises(SystemExit):
        main(["lint", "--help"])
    assert "not a sandbox" in capsys.readouterr().out
