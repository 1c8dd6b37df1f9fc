"""mixpeek_lab.lint: what is wrong with an extractor, from its text."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import seed

from mixpeek_lab.lint import RULES, lint
from mixpeek_lab.source import ExtractorSource, read_source

MANIFEST = (
    'feature_extractor_name = "a"\nversion = "1.0.0"\n'
    'features = [{"feature_type": "embedding", "feature_name": "e", "embedding_dim": 3,'
    ' "distance_metric": "cosine"}]\n'
)
CORE = 'class P:\n    def __call__(self, batch):\n        batch["e"] = 0\n        return batch\n'
CLEAN = {"manifest.py": MANIFEST, "processors/core.py": CORE, "pipeline.py": "x = 1\n"}


def source(**changes):
    files = {**CLEAN, **{k.replace("__", "/") + ".py": v for k, v in changes.items()}}
    return ExtractorSource("a", tuple((p, t) for p, t in files.items() if t is not None))


def found(rule, **changes):
    return [finding for finding in lint(source(**changes)) if finding.rule == rule]


def test_the_examples_have_no_errors():
    assert lint(read_source(seed.FIXTURES / "seed_plain/my_extractor")) == ()
    assert lint(read_source(seed.FIXTURES / "seed_typed/my_embedder")) == ()
    (only,) = lint(read_source(seed.FIXTURES / "seed_sec/sec_filing_embedder"))
    assert (only.rule, only.severity, only.place) == ("LAY004", "warning", "pipeline.py:5")


def test_a_clean_extractor():
    assert lint(source()) == ()


def test_syntax_errors_of_every_file():
    findings = lint(source(pipeline="def (\n", manifest="x = (\n", realtime="!ls\n"))
    assert [(f.rule, f.path, f.line) for f in findings] == [
        ("SYN001", "manifest.py", 1),
        ("SYN001", "pipeline.py", 1),
        ("SYN001", "realtime.py", 1),
    ]
    assert "of the notebook" in findings[2].message


def test_manifest_findings_are_part_of_it():
    assert found("MAN001", manifest=MANIFEST.replace("embedding_dim", "dimensions"))


# ------------------------------------------------------------------ layout


def test_no_processor():
    (finding,) = found("LAY001", processors__core=None)
    assert finding.severity == "error"
    service = "class S:\n    async def infer(self, inputs, parameters): ...\n"
    (finding,) = found("LAY001", processors__core=None, realtime=service)
    assert finding.severity == "warning"
    build = "def build_steps(extractor_request, container=None, **kwargs): ...\n"
    assert not found("LAY001", processors__core=None, pipeline=build)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("x = 1\n", True),
        ("class A:\n    async def run_inference(self, inputs, parameters): ...\n", False),
        ("class A:\n    def predict(self, request): ...\n", False),
        ("class A(BaseInferenceService):\n    ...\n", False),
        ("from x.y import InferenceService as I\nclass A(I):\n    ...\n", False),
        ("class A:\n    async def __call__(self, inputs, parameters): ...\n", False),
        ("class A:\n    def _process_single(self, inputs, parameters): ...\n", False),
        ("def get_inference_service(**kwargs): ...\n", False),
        ("from .processors.core import Service\n", False),
    ],
)
def test_every_dialect_of_a_service_is_known(text, bad):
    assert bool(found("LAY002", realtime=text)) is bad


def test_embedding_without_realtime():
    assert found("LAY003", manifest=MANIFEST + 'inference_type = "embedding"\n')
    assert not found("LAY003")


def test_metadata_that_the_manifest_lacks():
    pipeline = "from .manifest import metadata\n"
    assert found("LAY004", pipeline=pipeline)
    assert not found("LAY004", pipeline=pipeline, manifest=MANIFEST + "metadata = {}\n")


def test_no_pipeline():
    assert found("LAY005", pipeline=None)


# ------------------------------------------------------------------ security


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("import subprocess", "run_tool"),
        ("import subprocess as sp", "run_tool"),
        ("from subprocess import run", "run_tool"),
        ("def f():\n    import multiprocessing.pool", "parallel_io"),
        ("import ctypes", "package"),
        ("from socket import socket as s", "httpx"),
    ],
)
def test_blocked_imports(line, instead):
    (finding,) = found("SEC001", processors__core=f"{CORE}{line}\n")
    assert finding.severity == "error"
    assert instead in finding.fix
    assert finding.line == 5 + line.count("\n")


def test_threading_is_a_warning():
    (finding,) = found("SEC001", processors__core=f"import threading\n{CORE}")
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import os\nos.system('ls')", "os.system"),
        ("import os as o\no.popen('ls')", "os.popen"),
        ("from os import system as s\ns('ls')", "os.system"),
        ("import os\nrun = os.execv\nrun('ls', [])", "os.execv"),
        ("import os\nos.spawnlp(0, 'ls')", "os.spawnlp"),
        ("eval('1')", "eval"),
        ("e = exec\ne('1')", "exec"),
        ("map(eval, [])", "eval"),
        ("open('x')", "open"),
        ("import io\nio.open('x')", "io.open"),
        ("import builtins\nbuiltins.open('x')", "open"),
        ("setattr(object, 'a', 1)", "setattr"),
        ("delattr(object, 'a')", "delattr"),
        ("__import__('os')", "__import__"),
    ],
)
def test_blocked_calls(code, name):
    findings = found("SEC002", processors__core=f"{CORE}{code}\n")
    assert findings
    assert all(f.severity == "error" and f"`{name}`" in f.message and f.fix for f in findings)


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.path.join('a'); os.unlink('x'); os.environ['A'] = '1'",
        "import re\nre.compile('x')",
        "from PIL import Image\nImage.open('x')",
        "import torch\ntorch.load('x'); torch.nn.Linear(1, 1).eval()",
        "getattr(object, 'a'); hasattr(object, 'a')",
        "def open(path): ...\nopen('x')",
        "class A:\n    def open(self): ...\n    def f(self):\n        self.open()",
        "import pandas as pd\npd.read_csv('x'); pd.to_datetime('1')",
    ],
)
def test_what_is_allowed(code):
    changed = source(processors__core=f"{CORE}{code}\n")
    assert [f for f in lint(changed) if f.rule.startswith("SEC")] == []


# ------------------------------------------------------------------ batches


def processor(body, name="__call__"):
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    return f"class P:\n    def {name}(self, batch):\n{lines}        return batch\n"


@pytest.mark.parametrize(
    "body",
    [
        'x = batch["text"].tolist()',
        'x = batch.get("image_url")',
        "x = batch.text",
        'x = batch[["document_id", "content"]]',
        'for i, row in batch.iterrows():\n    x = row["text"]',
        "for row in batch.itertuples():\n    x = row.source_url",
    ],
)
def test_reading_another_column_than_data(body):
    (finding,) = found("COL001", processors__core=processor(body))
    assert finding.fix == 'Read batch["data"].'
    assert finding.severity == "warning"
    assert found("COL001", processors__core=processor(body, "process"))


@pytest.mark.parametrize(
    "body",
    [
        'x = batch["data"]',
        'batch["text"] = batch["data"].str.lower()\nx = batch["text"]',
        'batch = batch.rename(columns={"data": "text"})\nx = batch["text"]',
        'x = self.options["text"]',
    ],
)
def test_reading_what_is_there(body):
    assert not found("COL001", processors__core=processor(body))


def test_a_query_may_have_a_text():
    service = "class S:\n    async def infer(self, inputs, p):\n        return inputs['text']\n"
    assert not found("COL001", realtime=service)


@pytest.mark.parametrize(
    "call", ["self.model.encode(row['data'])", "self._model(row['data'])", "requests.get(row)"]
)
def test_a_model_call_per_row(call):
    loop = f"import requests\nfor i, row in batch.iterrows():\n    x = {call}"
    (finding,) = found("SEQ002", processors__core=processor(loop))
    assert (finding.line, finding.severity) == (5, "warning")
    assert "once per row" in finding.message


def test_row_loops_without_a_model_are_left_alone():
    loop = "for i, row in batch.iterrows():\n    x = len(row['data'])"
    assert not found("SEQ002", processors__core=processor(loop))


# ------------------------------------------------------------------ all of it


def test_every_finding_has_a_rule():
    broken = source(
        manifest=MANIFEST.replace("cosine", "l2") + "feature_uri = 'x'\ninference_type = 'x'\n",
        processors__core=f"import socket\neval('1')\n{processor('x = batch.text')}",
        realtime="",
    )
    assert {finding.rule for finding in lint(broken)} <= set(RULES)
    assert len({rule.title for rule in RULES.values()}) == len(RULES)


def test_findings_come_in_order_and_once():
    findings = lint(source(processors__core=f"import socket, ctypes\n{CORE}", pipeline=None))
    assert len(set(findings)) == len(findings)
    assert [f.severity for f in findings] == ["error", "error", "warning"]


def test_500_lines_take_less_than_50_ms():
    method = (
        '\n    def f{0}(self, x):\n        y = self.model.encode(x["data"])\n        return y\n'
    )
    text = CORE + "".join(method.format(n) for n in range(125))
    assert text.count("\n") > 500
    big = source(processors__core=text)
    best = min(_seconds(big) for _ in range(5))
    assert best < 0.05


def _seconds(given):
    start = time.perf_counter()
    lint(given)
    return time.perf_counter() - start


def test_reading_and_linting_load_nothing_heavy():
    code = (
        "import sys, mixpeek_lab.lint, mixpeek_lab.cells\n"
        "heavy = {'ray','faiss','torch','duckdb','IPython','pandas','numpy','pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
