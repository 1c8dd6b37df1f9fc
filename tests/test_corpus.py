"""The security scanner on the corpus: every case is gated; recall and precision are printed."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from corpus_cases import cases

from mixpeek_lab.cells import read_cell
from mixpeek_lab.examples import TEXT_EMBEDDER
from mixpeek_lab.lint import RULES, lint
from mixpeek_lab.source import read_source

MALICIOUS, CLEAN = cases("malicious"), cases("clean")
ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in (ROOT / "tests" / "fixtures").rglob("manifest.py"))


@cache
def found(source):
    """The scanner's rules, and SYN001: a `!command` is no Python at all."""
    return [f for f in lint(source) if f.rule.startswith("SEC") or f.rule == "SYN001"]


@pytest.mark.parametrize("case", MALICIOUS, ids=str)
def test_a_malicious_case_is_caught(case):
    findings = found(case.source)
    assert case.rules, "a case names the rules that it must break"
    assert case.rules <= {finding.rule for finding in findings}, findings
    for finding in findings:
        assert finding.message, finding
        assert finding.fix or finding.rule == "SYN001", finding
        assert finding.rule in RULES
        assert finding.line > 0


@pytest.mark.parametrize("case", CLEAN, ids=str)
def test_a_clean_case_is_left_alone(case):
    assert found(case.source) == []


@pytest.mark.parametrize("folder", [TEXT_EMBEDDER, *PACKAGES], ids=lambda path: path.name)
def test_the_examples_and_fixtures_are_clean(folder):
    assert found(read_source(folder)) == []


def notebook_cells():
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            first, _, body = text.partition("\n")
            words = first.split()
            is_wrong = "raises-exception" in cell["metadata"].get("tags", ())  # and says so
            is_whole = words[:1] == ["%%extractor"] and len(words) == 2
            if cell["cell_type"] == "code" and is_whole and not is_wrong:
                yield pytest.param(words[1], body, id=f"{path.stem}-{words[1]}")


@pytest.mark.parametrize(("name", "cell"), list(notebook_cells()))
def test_the_notebooks_extractors_are_clean(name, cell):
    assert found(read_cell(name, cell).source) == []


def test_recall_and_precision(capsys):
    families = sorted({case.family for case in MALICIOUS})
    caught, total = Counter(), Counter(case.family for case in MALICIOUS)
    for case in MALICIOUS:
        caught[case.family] += case.rules <= {finding.rule for finding in found(case.source)}
    flagged = sum(bool(found(case.source)) for case in CLEAN)
    hits = sum(caught.values())
    with capsys.disabled():
        print()
        for family in families:
            share = caught[family] / total[family]
            print(f"  {family:<16} {caught[family]:>3} of {total[family]:>3}   recall {share:.3f}")
        print(
            f"  all: {hits} of {len(MALICIOUS)} caught, {flagged} of {len(CLEAN)} clean flagged: "
            f"recall {hits / len(MALICIOUS):.3f}, precision {hits / (hits + flagged):.3f}"
        )
    assert len(MALICIOUS) >= 120
    assert len(CLEAN) >= 40
    assert hits == len(MALICIOUS)
    assert flagged == 0
