"""mixpeek_lab.cells: one cell becomes a package, soundly, and a package becomes cells."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from textwrap import dedent

import pytest
import seed
from hypothesis import given
from hypothesis import strategies as st

from mixpeek_lab.cells import add_file, join_sections, read_cell, split_cell, split_sections
from mixpeek_lab.errors import SourceError
from mixpeek_lab.findings import has_errors
from mixpeek_lab.lint import lint
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.source import ExtractorSource, read_source, write_source

TYPED = '''\
"""Embeds short texts."""
# Imports for all.
import re
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature, InferenceService

# The model, named once.
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DIM = 384

manifest = ExtractorManifest(
    feature_extractor_name="tiny",
    version="v1",
    description=f"Texts with {MODEL}",
    features=[Feature.embedding("tiny", dim=DIM)],
    inference_type="embedding",
)


def clean(text: str) -> str:
    return re.sub(r"\\s+", " ", text)
    # the end of clean


@register
class Tiny(BatchProcessor):
    def setup(self):
        self.model = load(MODEL)

    def process(self, batch):
        batch["tiny"] = self.model.encode([clean(t) for t in batch["data"]]).tolist()
        return batch


class TinyService(InferenceService):
    def setup(self):
        self.model = load(MODEL)

    async def infer(self, inputs, parameters):
        return {"embedding": self.model.encode([clean(inputs["text"])])[0].tolist()}
'''

HEAD = 'metadata = {"feature_extractor_name": "a", "version": "1.0.0"}\nfeatures = []\n'
PROCESSOR = "class P:\n    def __call__(self, batch):\n        return batch\n"
SERVICE = "class S:\n    async def infer(self, inputs, parameters):\n        return {}\n"


def texts(cell, name="a"):
    return dict(split_cell(name, dedent(cell)).source.files)


def refused(cell):
    with pytest.raises(SourceError) as raised:
        split_cell("a", dedent(cell))
    return str(raised.value)


# ------------------------------------------------------------------ the typed cell


def test_the_files_of_a_typed_cell():
    files = texts(TYPED, "tiny")
    assert sorted(files) == ["manifest.py", "pipeline.py", "processors/core.py", "realtime.py"]
    assert files["manifest.py"].startswith('"""Embeds short texts."""\n')
    assert "# The model, named once.\nMODEL = " in files["manifest.py"]
    assert files["processors/core.py"].startswith("# Imports for all.\nimport re\n")
    assert "from ..manifest import MODEL\n" in files["processors/core.py"]
    assert "    # the end of clean\n\n\n@register\nclass Tiny" in files["processors/core.py"]
    assert "from .manifest import MODEL\n" in files["realtime.py"]
    assert "from .processors.core import clean\n" in files["realtime.py"]
    assert "import re" not in files["realtime.py"].split("\n")


def test_a_typed_manifest_gets_the_variables_that_the_platform_reads():
    manifest = texts(TYPED, "tiny")["manifest.py"]
    block = seed.FIXTURES / "seed_typed/my_embedder/manifest.py"
    compat = block.read_text().split("\n\n")[-1]
    assert compat in manifest
    reading = read_manifest(split_cell("tiny", TYPED).source)
    assert not has_errors(reading.findings)
    assert '"inference_type": "embedding"' in manifest
    without = TYPED[: TYPED.index("class TinyService")]
    assert "feature_uri" not in texts(without, "tiny")["manifest.py"]


def test_variables_that_the_cell_has_are_not_repeated():
    cell = TYPED.replace(
        "\n\ndef clean", '\nversion = "v1"\nmetadata = {"version": "v1"}\n\ndef clean'
    )
    manifest = texts(cell, "tiny")["manifest.py"]
    assert len(re.findall("^version = ", manifest, re.M)) == 1
    assert len(re.findall("^metadata = ", manifest, re.M)) == 1


def test_the_generated_pipeline_uses_the_platforms_own_api():
    pipeline = texts(TYPED, "tiny")["pipeline.py"]
    assert "from engine.extractors.tiny.pipeline import (" in pipeline
    assert "from .manifest import metadata\n" in pipeline
    assert "service_class=Tiny," in pipeline
    assert "ResourceType.CPU" in pipeline
    assert "config=extractor_request.extractor_config.parameters or {}," in pipeline
    ast.parse(pipeline)


def test_the_pipelines_resource_follows_the_compute_profile():
    cell = HEAD + 'compute_profile = {"resource_type": "gpu"}\n' + PROCESSOR
    assert "ResourceType.GPU" in texts(cell)["pipeline.py"]


def test_lines_lead_back_to_the_cell():
    split = split_cell("tiny", TYPED)
    cell = TYPED.split("\n")
    for path, text in split.source.files:
        lines = text.split("\n")[:-1]
        assert len(lines) == len(split.line_map[path])
        for number, line in enumerate(lines, start=1):
            origin = split.cell_line(path, number)
            assert origin is None or cell[origin - 1] == line
    assert split.cell_line("pipeline.py", 1) is None
    core = split.source.text("processors/core.py").split("\n")
    place = core.index("class Tiny(BatchProcessor):") + 1
    assert cell[split.cell_line("processors/core.py", place) - 1].startswith("class Tiny")


def test_findings_know_their_cell_line():
    split = split_cell("tiny", TYPED.replace("dim=DIM", "dims=DIM"))
    finding = split.locate(next(f for f in lint(split.source) if f.rule == "MAN020"))
    assert "dims=DIM" in TYPED.replace("dim=DIM", "dims=DIM").split("\n")[finding.cell_line - 1]


def test_every_definition_lives_once_and_no_line_is_lost():
    split = split_cell("tiny", TYPED)
    used = [n for lines in split.line_map.values() for n in lines if n is not None]
    written = {n for n, line in enumerate(TYPED.split("\n"), start=1) if line.strip()}
    assert written <= set(used)
    repeated = {n for n in used if used.count(n) > 1 and TYPED.split("\n")[n - 1].strip()}
    assert {TYPED.split("\n")[n - 1].split()[0] for n in repeated} <= {"import", "from"}


# ------------------------------------------------------------------ the split package runs


def imported(files, tmp_path, name):
    write_source(ExtractorSource(name, tuple(files.items())), tmp_path / name)
    for stale in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[stale]
    sys.path.insert(0, str(tmp_path))
    try:
        return {
            path: importlib.import_module(f"{name}.{path.removesuffix('.py').replace('/', '.')}")
            for path in files
            if path != "pipeline.py"
        }
    finally:
        sys.path.remove(str(tmp_path))


RUNNABLE = '''\
from __future__ import annotations
import os
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from pandas import DataFrame
try:
    import nowhere
except ImportError:
    nowhere = None
os.environ["MIXPEEK_LAB_TEST_CELL"] = "set"

SIZE = 2
SIZE = SIZE + 1
metadata = {"feature_extractor_name": "a", "version": "1.0.0"}
features = [{"feature_type": "embedding", "feature_name": "e", "embedding_dim": 3,
             "distance_metric": "cosine"}]
COUNT = 0; STEP = 2
TABLE = {}
TABLE["x"] = SIZE

def count():
    global COUNT
    COUNT += STEP
    return COUNT

def twice(text: "DataFrame") -> list[float]:
    return [float(len(text))] * SIZE + [count()]

class Base:
    """A base that the processor is built on."""
    def __call__(self, batch: DataFrame):
        return [twice(t) for t in batch]

class Real(Base):
    pass

class Service:
    async def infer(self, inputs, parameters):
        return {"embedding": twice(inputs["text"]), "other": TABLE["x"], "nowhere": nowhere}
'''


def test_the_package_does_what_the_cell_does(tmp_path, monkeypatch):
    monkeypatch.delenv("MIXPEEK_LAB_TEST_CELL", raising=False)
    cell: dict = {}
    exec(RUNNABLE, cell)
    files = texts(RUNNABLE)
    modules = imported(files, tmp_path, "split_a")
    assert modules["manifest.py"].features == cell["features"]
    processor = modules["processors/core.py"].Real()
    assert processor(["ab"]) == cell["Real"]()(["ab"]) == [[2.0, 2.0, 2.0, 2]]
    service = modules["realtime.py"].Service()
    ours, theirs = service.infer({"text": "a"}, {}), cell["Service"]().infer({"text": "a"}, {})
    for answer in (ours, theirs):
        with pytest.raises(StopIteration) as stop:
            answer.send(None)
        assert stop.value.value == {"embedding": [1.0] * 3 + [4], "other": 3, "nowhere": None}
    assert "service_class=Real," in files["pipeline.py"]
    for path in ("processors/core.py", "realtime.py"):
        assert 'os.environ["MIXPEEK_LAB_TEST_CELL"] = "set"' in files[path]


def test_a_processor_may_use_the_service(tmp_path):
    cell = HEAD + SERVICE + "class P:\n    def __call__(self, batch):\n        return S()\n"
    files = texts(cell.replace("class S:", "class S(InferenceService):").replace(
        "class S", "class InferenceService: ...\nclass S", 1))  # fmt: skip
    assert "from ..realtime import S\n" in files["processors/core.py"]
    imported(files, tmp_path, "split_b")


def test_a_callable_helper_is_not_the_processor():
    cell = HEAD + (
        "class Tokeniser:\n    def __call__(self, text):\n        return text\n"
        "class P:\n    def __call__(self, batch):\n        return Tokeniser()(batch)\n"
        "class Model:\n    def predict(self, x):\n        return x\n"
        "class Q(P):\n    model = Model()\n"
    )
    files = texts(cell)
    assert sorted(files) == ["manifest.py", "pipeline.py", "processors/core.py"]
    assert "service_class=Q," in files["pipeline.py"]


def test_own_build_steps_is_kept_with_what_it_needs():
    cell = HEAD + PROCESSOR + (
        "from engine.extractors.a.pipeline import PipelineDefinition\n"
        "NAME = 'own'\n"
        "def build_steps(extractor_request, container=None, **kwargs):\n"
        "    return {'steps': [P({}), NAME, metadata, PipelineDefinition]}\n"
    )  # fmt: skip
    files = texts(cell)
    assert "from .manifest import metadata\n" in files["pipeline.py"]
    assert "from .processors.core import P\n" in files["pipeline.py"]
    assert "NAME = 'own'" in files["pipeline.py"]
    assert "engine.extractors" not in files["processors/core.py"]


def test_only_a_service_and_module_variables():
    files = texts('feature_extractor_name = "a"\nversion = "1"\n' + SERVICE)
    assert sorted(files) == ["manifest.py", "pipeline.py", "realtime.py"]
    assert "from .manifest import feature_extractor_name, version\n" in files["pipeline.py"]


def test_metadata_that_says_name():
    files = texts('metadata = {"name": "a", "version": "1"}\n' + PROCESSOR)
    assert 'name=metadata["name"],' in files["pipeline.py"]


def test_changes_of_a_list_travel_with_it():
    files = texts(HEAD + "WORDS = []\nWORDS.append('a')\nfor w in WORDS:\n    x = w\n" + PROCESSOR
                  + "    def use(self):\n        return WORDS\n")  # fmt: skip
    assert "WORDS.append('a')" in files["processors/core.py"]
    assert "x = w" in files["processors/core.py"]


def test_a_function_called_extract_is_not_a_pipeline():
    files = texts(HEAD + "def extract(text):\n    return text\n" + PROCESSOR
                  + "    def use(self):\n        return extract('')\n")  # fmt: skip
    assert "def extract" in files["processors/core.py"]
    assert "def build_steps" in files["pipeline.py"]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("!pip install x\n", "Line 6|line 6"),
        ("%matplotlib inline\n", "line 6"),
        ("def f(:\n", "line 6, column"),
        ("from os.path import *\n", "Line 6.*Name what you use"),
        ("from .manifest import x\n", "Line 6.*one cell per file"),
        ("print('hello')\n", "Line 6.*defines nothing"),
        ("P\n", "Line 6.*defines nothing"),
        ("if __name__ == '__main__':\n    P()\n", "Line 6.*never runs"),
        ("x = 1\ndel x\n", "Line 7.*safely"),
        ("def f(): ...\nf()\n", "Line 7.*defines nothing"),
    ],
)
def test_what_cannot_be_cut_names_its_line_and_the_remedy(extra, told):
    assert re.search(told, refused(HEAD + PROCESSOR + extra))


def test_a_rebound_name_across_files_is_refused():
    message = refused(
        HEAD + "K = 1\n" + PROCESSOR + "    k = K\nK = 2\n"
        + SERVICE + "    k = K\n" + "input_schema = K\n"
    )  # fmt: skip
    assert "`K` is used here, in processors/core.py" in message
    counter = "C = 0\ndef bump():\n    global C\n    C = 1\n"
    use = "    def use(self):\n        bump()\n        return C\n"
    assert "`C`" in refused(HEAD + counter + PROCESSOR + use + SERVICE + use)


def test_a_manifest_that_needs_the_processor_is_refused():
    cell = PROCESSOR + "    DIM = 3\n" + HEAD.replace("[]", "[{'embedding_dim': P.DIM}]")
    assert "manifest.py" in refused(cell)


def test_processor_and_service_that_need_each_other_are_refused():
    cell = (
        HEAD + "class S(InferenceService):\n    def f(self):\n        return P\n"
        "class P(BatchProcessor):\n    def g(self):\n        return S\n"
    )
    assert "need each other" in refused(cell)


def test_missing_parts_are_named():
    assert "no manifest" in refused(PROCESSOR)
    assert "no processor" in refused(HEAD)
    two = PROCESSOR + PROCESSOR.replace("class P", "class Q")
    assert "2 processors (P, Q)" in refused(HEAD + two)


# ------------------------------------------------------------------ properties

PARTS = st.lists(
    st.sampled_from(
        [
            "A = 1\n", "B = A\n\n\n", "import json\n", "# a note\n", "\n", "C = json\n",
            "def f():\n    return A\n", '"""text"""\n', "class H:\n    x = 1\n", "A, D = 1, 2\n",
        ]
    ),
    max_size=8,
)  # fmt: skip


@given(PARTS, PARTS, st.booleans())
def test_splitting_is_stable_and_what_it_makes_is_python(before, after, served):
    cell = "".join(before) + HEAD + PROCESSOR + (SERVICE if served else "") + "".join(after)
    try:
        split = split_cell("a", cell)
    except SourceError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert "different values" in refusal
        return
    again = split_cell("a", cell)
    assert split.source.digest == again.source.digest
    assert split.line_map == again.line_map
    for path, text in split.source.files:
        ast.parse(text)
        assert len(text.split("\n")[:-1]) == len(split.line_map[path])
    numbers = {n for lines in split.line_map.values() for n in lines}
    for number, line in enumerate(cell.split("\n"), start=1):
        assert not line.strip() or number in numbers, line


# ------------------------------------------------------------------ sections and files


@pytest.mark.parametrize(
    "example", ["seed_plain/my_extractor", "seed_typed/my_embedder", "seed_sec/sec_filing_embedder"]
)
def test_a_package_survives_a_cell(example, tmp_path):
    first = read_source(seed.FIXTURES / example)
    cell = join_sections(first)
    assert cell.startswith("# file: manifest.py\n")
    assert read_cell(first.name, cell).source == first
    assert read_cell(first.name, cell.rstrip("\n")).source == first
    write_source(read_cell(first.name, cell).source, tmp_path / first.name)
    assert read_source(tmp_path / first.name) == first


FILE_TEXT = st.lists(
    st.sampled_from(["x = 1", "", "# file: a.py", "# \\file: b", "  # file: c", "\r", "é", " "]),
    max_size=6,
).map("\n".join)


@given(st.dictionaries(st.sampled_from(["a.py", "processors/core.py", "z.txt"]), FILE_TEXT),
       FILE_TEXT)  # fmt: skip
def test_sections_are_lossless(files, manifest):
    first = ExtractorSource("a", tuple({**files, "manifest.py": manifest}.items()))
    split = split_sections("a", join_sections(first))
    assert split.source == first


def test_section_lines_lead_back_to_the_cell():
    cell = "# file: manifest.py\nversion = 1\n\n# file: processors/core.py\n\nclass A: ...\n"
    split = split_sections("a", cell)
    assert split.source.text("manifest.py") == "version = 1\n"
    assert split.source.text("processors/core.py") == "\nclass A: ...\n"
    assert split.cell_line("manifest.py", 1) == 2
    assert split.cell_line("processors/core.py", 2) == 6


def test_bad_sections():
    for cell, told in (
        ("x = 1\n# file: manifest.py\n", "belongs to no file"),
        ("# file: pipeline.py\n", "no `# file: manifest.py`"),
        ("# file: manifest.py\n# file: manifest.py\n", "given twice"),
        ("# file: ../manifest.py\n", "not a path inside"),
        ("x = 1\n", "names no file"),
    ):
        with pytest.raises(SourceError, match=told):
            split_sections("a", cell)


def test_a_comment_inside_a_typed_cell_is_no_section():
    split = read_cell("a", HEAD + "# file: notes\n" + PROCESSOR)
    assert "# file: notes" in split.source.text("processors/core.py")


def test_one_cell_per_file():
    first = add_file(None, "a", "processors/core.py", "class A: ...")
    assert first.text("processors/core.py") == "class A: ...\n"
    second = add_file(first, "a", "manifest.py", "x = 1\n")
    assert second.paths == ("manifest.py", "processors/core.py")
    assert add_file(second, "a", "manifest.py", "x = 2\n").text("manifest.py") == "x = 2\n"
    with pytest.raises(SourceError, match="end in"):
        add_file(first, "a", "weights.bin", "")
    with pytest.raises(SourceError, match="'b'"):
        add_file(first, "b", "manifest.py", "")


@pytest.mark.parametrize(
    "make",
    [
        lambda name: split_cell(name, HEAD + PROCESSOR),
        lambda name: read_cell(name, "# file: manifest.py\n" + HEAD),
        lambda name: add_file(None, name, "manifest.py", HEAD),
    ],
)
@pytest.mark.parametrize("name", ["class", "None"])
def test_a_keyword_names_no_extractor(make, name):
    with pytest.raises(SourceError, match=f"'{name}' cannot name .*'{name.lower()}_extractor'"):
        make(name)
    make("match")


def test_a_dict_called_manifest_is_told_in_the_cell():
    split = split_cell("a", "\n" + HEAD.replace("metadata", "manifest") + PROCESSOR)
    (finding,) = (f for f in lint(split.source) if f.severity == "error")
    assert (finding.rule, split.locate(finding).cell_line) == ("MAN026", 2)
