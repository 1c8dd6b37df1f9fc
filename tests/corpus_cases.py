"""The cases of tests/corpus as packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.source import ExtractorSource

CORPUS = Path(__file__).parent / "corpus"
CORE = "processors/core.py"
PROCESSOR = (
    "class P:\n    def __call__(self, batch):\n"
    '        batch["e"] = [[1.0, 2.0, 3.0]] * len(batch)\n        return batch\n'
)
PACKAGE = {
    "manifest.py": (
        'feature_extractor_name = "a"\nversion = "1.0.0"\n'
        'features = [{"feature_type": "embedding", "feature_name": "e", "embedding_dim": 3,'
        ' "distance_metric": "cosine"}]\n'
    ),
    CORE: PROCESSOR,
    "pipeline.py": "x = 1\n",
}
_CASE = re.compile(r"^### ((?:[A-Z]{3}\d{3} )*)(.+)$", re.MULTILINE)
_FILE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)
_CHARACTER = re.compile(r"<U\+([0-9A-F]{4})>")


@dataclass(frozen=True)
class Case:
    family: str
    title: str
    rules: frozenset[str]
    """The rules that must be found."""
    source: ExtractorSource

    def __str__(self) -> str:
        return f"{self.family}: {self.title}"


def package(files: dict[str, str]) -> ExtractorSource:
    """A clean package, with these files in place of its own or beside them."""
    whole = {**PACKAGE, **files}
    return ExtractorSource("a", tuple(whole.items()))


def cases(kind: str) -> list[Case]:
    """All cases of "malicious" or "clean", by family."""
    paths = sorted((CORPUS / kind).glob("*.txt"))
    return [case for path in paths for case in _read(path)]


def _read(path: Path) -> list[Case]:
    text = path.read_text(encoding="utf-8")
    heads = list(_CASE.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [
        Case(path.stem, head[2], frozenset(head[1].split()), _package(text[head.end() + 1 : end]))
        for head, end in zip(heads, ends, strict=True)
    ]


def _package(body: str) -> ExtractorSource:
    text = _CHARACTER.sub(lambda found: chr(int(found[1], 16)), body).strip("\n") + "\n"
    parts = _FILE.split(text if text.startswith("# file: ") else f"# file: {CORE}\n{text}")
    files = dict(zip(parts[1::2], parts[2::2], strict=True))
    files[CORE] = PROCESSOR + files.get(CORE, "")
    return package(files)
