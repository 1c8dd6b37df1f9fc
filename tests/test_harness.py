"""The harness: each check passes what is right and catches what is broken, here and on Ray."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import textwrap
import threading
import wave
from pathlib import Path

import pytest
from packages import HASH_EMBEDDER
from probes import probe
from ray_workers import gone, workers
from seed import FIXTURES

from mixpeek_lab.cli import main
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.harness import CHECKS, make_samples
from mixpeek_lab.models import Manifest
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.workbench import Lab

PLAIN = FIXTURES / "seed_plain" / "my_extractor"
TYPED = FIXTURES / "seed_typed" / "my_embedder"

EMBED = """
def embed(text):
    return [1.0 + sum(text.count(c) for c in group) for group in ("ae", "io", "lmn", "rst ")]


def texts(batch):
    return batch["data"].fillna("").tolist()
"""
GOOD = 'batch["vec"] = [embed(t) for t in texts(batch)]\nreturn batch'
REALTIME = f"""\
from shared.extractors.sdk import InferenceService

{EMBED}

class Service(InferenceService):
    def setup(self):
        self.embed = embed

    async def infer(self, inputs, parameters):
        return {{"embedding": self.embed(inputs["text"])}}
"""
STEPS = """
from engine.extractors.probe.pipeline import RowCondition, StepDefinition


def build_steps(extractor_request, **kwargs):
    return {"steps": [StepDefinition(service_class=Probe, condition=RowCondition.%s)]}
"""


def extractor(process: str = GOOD, realtime: str = "", manifest: str = "", **options):
    """A probe with 4 floats (`vec`); `manifest` is appended to its manifest.py."""
    options = {"vectors": {"vec": 4}, **options, "pipeline": EMBED + options.get("pipeline", "")}
    source = probe(process, **options)
    if manifest:
        source = source.with_file("manifest.py", f"{source.text('manifest.py')}\n{manifest}")
    if realtime:
        text = source.text("manifest.py").replace(
            "features=[", 'inference_type="embedding",\n    features=['
        )
        source = source.with_file("manifest.py", text).with_file("realtime.py", realtime)
    return source


def load(lab: Lab, folder: Path, source: ExtractorSource) -> None:
    write_source(source, folder / source.name)
    definition = lab.load(folder / source.name)
    assert definition.is_kept, definition.findings


@pytest.fixture
def quick(home, tmp_path):
    """Test a source in the kernel."""
    lab = Lab(home)

    def test(source, rows=None, **options):
        load(lab, tmp_path, source)
        return lab.test(source.name, rows, engine="kernel", **options)

    return test


def line(source: ExtractorSource, words: str, path: str = "pipeline.py") -> str:
    """The place of the first line with these words."""
    lines = source.text(path).splitlines()
    return f"{path}:{next(n for n, text in enumerate(lines, 1) if words in text)}"


def test_a_good_extractor_passes_every_check(quick):
    report = quick(extractor(realtime=REALTIME))
    assert [r.id for r in report.of("failed", "warned")] == []
    assert [r.id for r in report.of("skipped")] == ["TST104", "TST205", "TST501"]
    assert report.is_passed
    assert [result.id for result in report.results] == [check.id for check in CHECKS]


@pytest.mark.model
@pytest.mark.parametrize("package", [PLAIN, TYPED], ids=["plain", "typed"])
def test_the_published_examples_pass(home, package):
    lab = Lab(home)
    lab.load(package)
    report = lab.test(package.name, engine="kernel")
    assert report.of("failed", "warned") == []
    assert {r.id for r in report.of("skipped")} <= {"TST104", "TST205", "TST501"}
    assert report.result("TST602").verdict.measured.popitem()[1] >= 0.9999


VEC = "[embed(t) for t in texts(batch)]"
BROKEN = {
    "the column is not there": (
        "TST101", "failed", 'batch["vec"] = [embed(t) for t in batch["text"]]\nreturn batch',
        "asks a DataFrame for the column 'text'", 'batch["text"]',
    ),
    "the attribute is not there": (
        "TST101", "failed", "batch['vec'] = [embed(t) for t in batch.body]\nreturn batch",
        "asks a DataFrame for the column 'body'", "batch.body",
    ),
    "a row fails": (
        "TST102", "failed", f'if "cats" in texts(batch):\n    raise ValueError("no cats")\n{GOOD}',
        "1 of 11 rows failed in Probe: ValueError: no cats. The first is row 3 ('cats')", "no cats",
    ),
    "no DataFrame": ("TST102", "failed", "return texts(batch)", "returned list", None),
    "another column": (
        "TST103", "failed", f'batch["vex"] = {VEC}\nreturn batch', "meant to be 'vex'?", '"vex"',
    ),
    "an undeclared vector": (
        "TST105", "warned", f'batch["more"] = [[0.5] * 9 for _ in batch["data"]]\n{GOOD}',
        'Feature.embedding("more", dim=9)', '"more"',
    ),
    "another dimension": (
        "TST201", "failed", f'batch["vec"] = [v[:3] for v in {VEC}]\nreturn batch',
        "'vec' has the length 3, and the manifest declares 4", '"vec"',
    ),
    "vectors of vectors": (
        "TST201", "failed", f'batch["vec"] = [[v] for v in {VEC}]\nreturn batch',
        "the shape (1, 4)", '"vec"',
    ),
    "text": (
        "TST202", "failed", f'batch["vec"] = [[str(x) for x in v] for v in {VEC}]\nreturn batch',
        "holds text in a list", '"vec"',
    ),
    "JSON": (
        "TST202", "failed", f'batch["vec"] = [str(v) for v in {VEC}]\nreturn batch',
        "text instead of a list", '"vec"',
    ),
    "object arrays": (
        "TST202", "failed", f'batch["vec"] = [np.array(v, object) for v in {VEC}]\nreturn batch',
        "object array", '"vec"',
    ),
    "half precision": (
        "TST202", "warned", f'batch["vec"] = list(np.array({VEC}, "f2"))\nreturn batch',
        "np.float32", '"vec"',
    ),
    "NaN": (
        "TST203", "failed",
        f'batch["vec"] = list(np.array({VEC}) / [1, 1, 1, np.nan])\nreturn batch',
        "11 of 11 vectors 'vec' have NaN", '"vec"',
    ),
    "zeros": (
        "TST203", "failed", 'batch["vec"] = [[0.0] * 4 if "cats" in t else embed(t) '
        'for t in texts(batch)]\nreturn batch', "all zeros for row 3 ('cats')", '"vec"',
    ),
    "some are missing": (
        "TST203", "warned", 'batch["vec"] = [None if "cats" in t else embed(t) '
        'for t in texts(batch)]\nreturn batch', "1 rows have no vector 'vec', row 3", '"vec"',
    ),
    "all are missing": (
        "TST203", "failed", 'batch["vec"] = None\nreturn batch', "Every vector 'vec' is missing",
        '"vec"',
    ),
    "a constant": (
        "TST204", "failed", 'batch["vec"] = [[1.0, 2.0, 3.0, 4.0]] * len(batch)\nreturn batch',
        "All 11 rows have the same vector 'vec'", '"vec"',
    ),
    "rows are dropped": (
        "TST301", "warned", 'batch = batch[batch["data"].str.len() > 9].copy()\n' + GOOD,
        "1 of 11 rows give no document, row 3 ('cats')", None,
    ),
    "rows of nowhere": (
        "TST302", "warned", f'return pd.DataFrame({{"vec": {VEC} * 2}})', "cannot be traced", None,
    ),
    "sorted by length": (
        "TST304", "failed",
        'batch["vec"] = [embed(t) for t in sorted(texts(batch), key=len)]\nreturn batch',
        "the reverse order, 'vec' comes out different: the worst cosine is", '"vec"',
    ),
    "a Series": (
        "TST305", "failed", f'batch["vec"] = pd.Series({VEC})\nreturn batch',
        "an index with gaps, 'vec' comes out different", '"vec"',
    ),
    "positions as labels": (
        "TST305", "failed",
        'batch["vec"] = [embed(str(batch["data"][i])) for i in range(len(batch))]\nreturn batch',
        "With an index with gaps, 11 rows fail that came through before: KeyError", "range(len",
    ),
    "normalised together": (
        "TST306", "failed",
        f'v = np.array({VEC})\nbatch["vec"] = list(v / v.max(axis=0))\nreturn batch',
        "batches of one row, 'vec' comes out different", '"vec"',
    ),
    "another label in another batch": (
        "TST306", "warned", f'batch["size"] = len(batch)\n{GOOD}', "'size' holds other values",
        '"size"',
    ),
    "the first row of none": (
        "TST401", "warned", f'batch["data"].iloc[0]\n{GOOD}', "IndexError", "iloc[0]",
    ),
    "nothing is refused": (
        "TST402", "failed", f'assert all(batch["data"] != ""), "empty"\n{GOOD}',
        "An empty text fails: AssertionError: empty", "empty",
    ),
    "nothing is not a number": (
        "TST402", "failed",
        'batch["vec"] = [[x / len(t) if t else np.nan for x in embed(t)] for t in texts(batch)]\n'
        "return batch", "NaN or infinity", None,
    ),
    "neighbours suffer": (
        "TST402", "failed", f'if "" in texts(batch):\n    batch["data"] = "gone"\n{GOOD}',
        "changes the vector 'vec' of the ordinary row beside it", None,
    ),
    "missing data": (
        "TST403", "warned", 'batch["vec"] = [embed(t) for t in batch["data"]]\nreturn batch',
        "(None) fails: AttributeError", "text.count",
    ),
    "long texts": (
        "TST404", "failed", f'if batch["data"].str.len().max() > 20_000:\n'
        f'    raise MemoryError("too long")\n{GOOD}', "MemoryError: too long", "too long",
    ),
    "ASCII": (
        "TST405", "failed", f'[t.encode("ascii") for t in texts(batch)]\n{GOOD}',
        "UnicodeEncodeError", "encode",
    ),
    "it counts its calls": (
        "TST307", "failed", "self.n = getattr(self, 'n', 0) + 1\n"
        f'batch["vec"] = [[x + self.n * i for i, x in enumerate(v)] for v in {VEC}]\nreturn batch',
        "the second call, 'vec' comes out different", '"vec"',
    ),
}  # fmt: skip
"""What is wrong → the check that finds it, its outcome, the code, words it says, the line."""


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found(quick, case):
    check, outcome, code, words, place = case
    source = extractor(code)
    report = quick(source)
    found = report.result(check)
    assert found.outcome == outcome, found
    assert words in found.message
    if place:
        assert found.verdict.where.startswith(line(source, place)), found
    assert report.is_passed is not any(r.outcome == "failed" for r in report.results)


def test_code_that_does_not_load_is_one_failure(quick):
    source = extractor(setup='raise OSError("no weights")')
    report = quick(source)
    assert [r.id for r in report.of("failed")] == ["TST001"]
    assert report.result("TST001").verdict.where == line(source, "no weights")
    assert "OSError: no weights" in report.result("TST001").message
    assert "see TST001" in report.result("TST304").message
    ended = quick(extractor(setup="import sys; sys.exit(3)", name="ended"))
    assert [r.id for r in ended.of("failed")] == ["TST001"]


def test_a_service_without_a_processor_is_tested_alone(quick):
    service = "class S:\n    def infer(self, inputs, parameters):\n        return {'scores': %s}"
    manifest = """
    metadata = {"feature_extractor_name": "r", "version": "1.0.0", "inference_type": "rerank"}
    features = []
    """

    def reranker(scores):
        files = (("manifest.py", textwrap.dedent(manifest)), ("realtime.py", service % scores))
        return quick(ExtractorSource("r", files))

    good = reranker("[float(len(d)) for q, d in inputs['pairs']]")
    assert [r.id for r in good.of("passed", "failed")] == ["TST601"]
    assert "realtime only" in good.result("TST102").message
    bad = reranker("[0.5]").result("TST601")
    assert bad.outcome == "failed"
    assert "1 score for 2 pairs" in bad.message


EMPTY_PIPELINE = "def build_steps(extractor_request):\n    return {'steps': []}\n"
GENERAL = """
feature_extractor_name = "r"
version = "1.0.0"
features = []
inference_type = "general"
"""


@pytest.mark.parametrize("pipeline", [(("pipeline.py", EMPTY_PIPELINE),), ()])
def test_a_service_alone_is_asked_even_where_it_promises_nothing(quick, pipeline):
    service = "class S:\n    def infer(self, inputs, parameters):\n        return {'n': %s}\n"

    def general(answer):
        files = (("manifest.py", GENERAL), *pipeline, ("realtime.py", service % answer))
        return quick(ExtractorSource("r", files))

    good = general("len(inputs['text'])")
    assert [r.id for r in good.of("passed", "failed", "warned")] == ["TST601"]
    assert "answers 2 texts" in good.result("TST601").message
    what = "its pipeline has no step" if pipeline else "it has no processor"
    assert what in good.result("TST001").message
    assert what in good.result("TST301").message
    bad = general("inputs['pairs']").result("TST601")
    assert bad.outcome == "warned"
    assert "pairs" in bad.message


def test_an_empty_pipeline_without_a_service_is_an_error(quick):
    files = (("manifest.py", GENERAL), ("pipeline.py", EMPTY_PIPELINE))
    report = quick(ExtractorSource("r", files))
    assert "no enabled step" in report.result("TST001").message
    assert report.result("TST001").outcome == "failed"


def test_labels_and_output_fields_are_held_to_the_manifest(quick):
    labels = 'features=[Feature.classification("kind", labels=["short", "long"]), '
    code = 'batch["kind"] = ["short" if len(t) < 50 else "long" for t in texts(batch)]\n' + GOOD
    schema = 'output_schema = {"kind": {"type": "string"}, "tone": {"type": "string"}}'

    def labelled(process):
        source = extractor(process, manifest=schema)
        text = source.text("manifest.py").replace("features=[", labels)
        return source.with_file("manifest.py", text)

    good = quick(labelled(code))
    assert good.result("TST205").outcome == "passed"
    assert good.result("TST104").outcome == "warned"
    assert "'tone'" in good.result("TST104").message
    bad = quick(labelled(code.replace('"long" for', '"lnog" for')))
    assert bad.result("TST205").outcome == "failed"
    assert "'lnog', and the manifest declares short, long" in bad.result("TST205").message
    full = quick(labelled(code.replace("return", 'batch["tone"] = "dry"\nreturn')))
    assert full.result("TST104").outcome == "passed"


@pytest.mark.parametrize(
    ("condition", "types", "outcome", "words"),
    [
        ("IS_TEXT", ("text",), "passed", ""),
        ("IS_IMAGE", ("text",), "failed", "No step takes rows of type text/plain"),
        ("IS_TEXT", ("text", "image"), "failed", "No step takes rows of type image/png"),
    ],
)
def test_row_conditions_fit_the_types(quick, condition, types, outcome, words):
    found = quick(extractor(types=types, pipeline=STEPS % condition)).result("TST303")
    assert found.outcome == outcome
    assert words in found.message


def test_each_type_has_its_own_feature(quick):
    second = """
    from engine.extractors.probe.pipeline import RowCondition, StepDefinition


    class Pictures:
        def __init__(self, config):
            pass

        def __call__(self, batch):
            batch["picture"] = [[float(sum(map(ord, url))), 1.0] for url in batch["data"]]
            return batch


    def build_steps(extractor_request, **kwargs):
        return {"steps": [
            StepDefinition(service_class=Probe, condition=RowCondition.IS_TEXT),
            StepDefinition(service_class=Pictures, condition=RowCondition.IS_IMAGE),
        ]}
    """
    both = {"vec": 4, "picture": 2}
    source = extractor(types=("image", "text"), vectors=both, realtime=REALTIME,
                       pipeline=textwrap.dedent(second))  # fmt: skip
    report = quick(source)
    assert [r.id for r in report.of("failed", "warned")] == ["TST601"]
    partly = report.result("TST601")  # it has no vector for pictures
    assert partly.outcome == "warned"
    assert "not for 'picture'" in partly.message
    assert "Asked with a text: " in partly.message
    assert "Asked with an image's URL: " in partly.message
    meant = quick(source, no_parity="queries are texts").result("TST601")
    assert meant.outcome == "passed"
    assert "'picture': queries are texts" in meant.message
    assert report.result("TST404").outcome == "passed"
    assert "No document of 'picture'" in report.result("TST602").message
    assert "vec: worst cosine 1.000000 over 11 texts" in report.result("TST602").message


def test_chunks_are_no_fault_and_are_asked_for_by_their_own_text(quick):
    cut = 'batch["data"] = batch["data"].fillna("").str.split("\\n\\n")\n'
    source = extractor(cut + 'batch = batch.explode("data")\n' + GOOD, realtime=REALTIME)
    report = quick(source, ["one\n\ntwo is longer", "three", "four more"])
    assert report.of("failed", "warned") == []
    assert "4 documents of 3 rows" in report.result("TST301").message
    assert "over 3 texts" in report.result("TST602").message


class TestRealtime:
    OTHER = REALTIME.replace("1.0 + sum", "9.0 - sum")
    LONGER = REALTIME.replace(
        'self.embed(inputs["text"])', '[2 * x for x in embed(inputs["text"])]'
    )

    def test_another_model_is_found_with_the_worst_text(self, quick):
        found = quick(extractor(realtime=self.OTHER)).result("TST602")
        assert found.outcome == "failed"
        assert "Queries and documents are not embedded alike" in found.message
        assert found.verdict.measured["vec_worst_cosine"] < 0.9999
        assert "for '" in found.message

    def test_a_reason_makes_it_a_visible_skip(self, quick):
        report = quick(extractor(realtime=self.OTHER), no_parity="E5: queries have a prefix")
        for check in ("TST602", "TST603"):
            assert report.result(check).outcome == "skipped"
            assert report.result(check).message.endswith("E5: queries have a prefix")

    @pytest.mark.parametrize(("metric", "outcome"), [("cosine", "warned"), ("dot", "failed")])
    def test_lengths_matter_to_dot_products(self, quick, metric, outcome):
        options = f", distance_metric={metric!r}"
        report = quick(extractor(realtime=self.LONGER, options=options))
        assert report.result("TST602").outcome == "passed"
        assert report.result("TST603").outcome == outcome
        assert "50.0%" in report.result("TST603").message

    def test_the_contract_is_checked_on_real_answers(self, quick):
        wrong = REALTIME.replace('"embedding":', '"vectors":')
        found = quick(extractor(realtime=wrong)).result("TST601")
        assert found.outcome == "failed"
        assert "there is no vector in it" in found.message
        shorter = quick(extractor(realtime=REALTIME.replace('(inputs["text"])', '("x")[:2]')))
        assert "has 2 numbers, and embedding_dim is 4" in shorter.result("TST601").message
        assert shorter.result("TST602").outcome == "failed"

    def test_a_service_of_several_vectors_gives_them_all_at_once(self, quick):
        code = GOOD.replace(
            "return", 'batch["length"] = [[1.0, len(t)] for t in texts(batch)]\nreturn'
        )
        both = REALTIME.replace(
            '{"embedding"', "{'length': [1.0, len(inputs['text'])], \"embedding\""
        )
        vectors = {"vec": 4, "length": 2}
        report = quick(extractor(code, realtime=both, vectors=vectors))
        assert report.of("failed", "warned") == []
        assert "vec: worst cosine 1.0" in report.result("TST602").message
        assert "length: worst cosine 1.0" in report.result("TST602").message

    def test_its_own_line_is_named(self, quick):
        source = extractor(realtime=REALTIME.replace("self.embed = embed", "self.embed = wrong"))
        report = quick(source)
        place = line(source, "self.embed = wrong", "realtime.py")
        assert place in report.result("TST601").message
        assert report.result("TST602").outcome == "skipped"
        assert "see TST601" in report.result("TST602").message

    def test_a_decorator_that_hides_the_service_is_named(self, quick):
        hidden = REALTIME.replace("class Service", "@(lambda made: made())\nclass Service")
        found = quick(extractor(realtime=hidden)).result("TST601")
        assert found.outcome == "failed"
        assert "makes Service no class any more: remove the decorator." in found.message

    def test_without_one_the_reason_is_said(self, quick):
        report = quick(extractor())
        for check in ("TST601", "TST602", "TST603"):
            assert "batch only" in report.result(check).message


class TestSamples:
    def made(self, folder, *types):
        manifest = Manifest("m", "1.0.0", "1.0.0", supported_input_types=types)
        return make_samples(manifest, None, folder)

    def test_media_are_real_files_and_no_two_alike(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        samples = self.made(tmp_path, "image", "audio", "pdf")
        paths = [Path(row.data.removeprefix("file://")) for row in samples.rows]
        assert len({path.read_bytes() for path in paths}) == len(paths) == 9
        pictures = [image.open(path) for path in paths if path.suffix == ".png"]
        assert [picture.size for picture in pictures] == [(64, 64)] * 3
        for picture in pictures:
            picture.verify()
        with wave.open(str(paths[3])) as sound:
            assert sound.getnframes() == sound.getframerate() == 16_000
        page = paths[-1].read_bytes()
        place = int(page.rsplit(b"startxref\n", 1)[1].split()[0])
        assert page[place:].startswith(b"xref")
        assert {row.mime_type for row in samples.rows} == {
            "image/png", "audio/wav", "application/pdf",
        }  # fmt: skip

    @pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
    def test_video_is_made_by_ffmpeg(self, tmp_path):
        samples = self.made(tmp_path, "video")
        assert len(samples.rows) == 3
        for row in samples.rows:
            content = Path(row.data[7:]).read_bytes()
            assert b"ftyp" in content[:16]
            assert {b"vide", b"soun"} <= set(re.findall(b"vide|soun", content))  # both tracks

    def test_what_cannot_be_made_is_said(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        samples = self.made(tmp_path, "video", "text", "hologram")
        assert {row.type for row in samples.rows} == {"text"}
        assert "ffmpeg" in samples.notes[0]
        assert "'hologram'" in samples.notes[1]

    def test_an_image_extractor_gets_images_and_parity_says_why_it_is_left_out(self, quick):
        read = """
        from shared.extractors import open_asset
        vectors = []
        for url in batch["data"]:
            with open_asset(url) as path:
                data = Path(path).read_bytes()
            vectors.append([float(sum(data[n::4])) for n in range(4)])
        batch["vec"] = vectors
        return batch
        """
        report = quick(extractor(read, types=("image",), realtime=REALTIME))
        assert report.of("failed", "warned") == []
        assert report.rows == 3
        assert "takes no texts" in report.result("TST602").message
        assert "no texts" in report.result("TST404").message

    @pytest.mark.parametrize("key", ["text", "image", "image_url"])
    def test_a_service_of_images_is_asked_with_their_urls(self, quick, key):
        code = """
        batch["vec"] = [[float(len(url)), 1.0, 2.0, 3.0] for url in batch["data"]]
        return batch
        """
        check = f'assert inputs.get("{key}", "").endswith(".png"), "no image"\n        '
        service = REALTIME.replace("return {", check + "return {")
        found = quick(extractor(code, types=("image",), realtime=service)).result("TST601")
        assert found.outcome == "passed"
        assert "The URL of an image was sent" in found.message

    def test_a_service_that_answers_neither_fails_and_both_are_named(self, quick):
        service = REALTIME.replace("return {", 'assert 0, inputs["text"][:5]\n        return {')
        code = 'batch["vec"] = [[1.0, 2.0, 3.0, 4.0]] * len(batch)\nreturn batch'
        found = quick(extractor(code, types=("audio",), realtime=service)).result("TST601")
        assert found.outcome == "failed"
        assert "Asked with an audio's URL: " in found.message
        assert "Asked with a text: " in found.message

    def test_rows_of_ones_own_are_used_and_many_are_cut(self, quick):
        report = quick(extractor(), [f"text {n} of many" + "e" * n for n in range(100)])
        assert report.rows == 64
        assert report.notes == ("The first 64 of 100 rows were tested.",)
        with pytest.raises(InvalidInputError, match="There is nothing"):
            quick(extractor(), [])

    def test_the_input_schema_names_the_texts(self, quick):
        code = 'assert set(batch["blob_property"]) <= {"title", "body", "year"}\n' + GOOD
        schema = 'input_schema = {"title": {"type": "string"}, "body": "string", "year": "integer"}'
        report = quick(extractor(code, manifest=schema))
        assert report.result("TST102").outcome == "passed"
        assert report.rows == 12


def test_parameters_reach_batch_and_realtime_and_are_in_the_report(quick, tmp_path):
    code = "n = self.config['n']\n" + GOOD.replace("embed(t)", "[x * n for x in embed(t)]")
    realtime = REALTIME.replace('self.embed(inputs["text"])',
                                '[x * parameters["n"] for x in embed(inputs["text"])]')  # fmt: skip
    report = quick(extractor(code, realtime=realtime), parameters={"n": 3})
    assert report.result("TST603").outcome == "passed"
    assert report.as_dict()["parameters"] == {"n": 3}
    schema = 'parameter_schema = {"n": {"type": "integer"}}'
    with pytest.raises(InvalidInputError, match="parameter_schema of probe"):
        quick(extractor(code, manifest=schema), parameters={"m": 3})
    with pytest.raises(InvalidInputError, match="ray or kernel"):
        Lab(tmp_path / "other").test("probe", engine="spark")


def test_the_report_is_text_json_and_a_card(quick):
    report = quick(extractor('raise ValueError("<b> in `batch`\\x1b[0m")'))
    again = json.loads(json.dumps(report.as_dict()))
    assert again == report.as_dict()
    assert again["outcome"] == "failed"
    assert sum(again["counts"].values()) == len(CHECKS) == len(again["checks"])
    assert str(report).splitlines()[0].startswith("probe 1.0.0 in the kernel, 11 sample rows: ")
    assert "\x1b" not in str(report)
    html = report._repr_html_()
    assert "&lt;b&gt; in <code>batch</code>" in html
    assert html.count("<div") == html.count("</div")
    assert "<script" not in html


def test_a_test_writes_no_bucket_and_no_collection(quick, home):
    quick(extractor(realtime=REALTIME))
    lab = Lab(home)
    assert (lab.buckets(), lab.collections()) == ([], [])


class TestCommand:
    def run(self, monkeypatch, tmp_path, source, *options):
        monkeypatch.chdir(tmp_path)
        write_source(source, tmp_path / source.name)
        return main(["test", source.name, "--quick", *options])

    def test_what_passes_exits_with_0_and_leaves_nothing(self, monkeypatch, tmp_path, capsys):
        code = self.run(monkeypatch, tmp_path, extractor(realtime=REALTIME), "--json", "r.json")
        assert code == 0
        out = capsys.readouterr().out
        assert "passed   TST602  Batch and realtime agree" in out
        assert json.loads((tmp_path / "r.json").read_text())["outcome"] == "passed"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["probe", "r.json"]

    def test_what_fails_exits_with_1(self, monkeypatch, tmp_path, capsys):
        assert self.run(monkeypatch, tmp_path, extractor("return 1"), "--json", "-") == 1
        assert json.loads(capsys.readouterr().out)["outcome"] == "failed"

    def test_json_stands_alone_whatever_the_extractor_prints(self, monkeypatch, tmp_path, capfd):
        source = extractor("print('noise')\n" + GOOD, realtime=REALTIME)
        assert self.run(monkeypatch, tmp_path, source, "--json", "-") == 0
        out, err = capfd.readouterr()
        assert json.loads(out)["outcome"] == "passed"
        assert "noise" in err

    def test_rows_parameters_and_a_reason(self, monkeypatch, tmp_path, capsys):
        (tmp_path / "rows.jsonl").write_text('{"text": "ones"}\n{"text": "twos"}\n')
        code = "assert self.config['n'] == 3\n" + GOOD
        source = extractor(code, realtime=TestRealtime.OTHER)
        options = ["--rows", "rows.jsonl", "--param", "n=3", "--no-parity", "prefixes"]
        assert self.run(monkeypatch, tmp_path, source, *options) == 0
        out = capsys.readouterr().out
        assert "2 sample rows" in out
        assert "Parity was not asked for: prefixes" in out

    @pytest.mark.parametrize(
        "options",
        [["--param", "n"], ["--no-parity", " "], ["--rows", "none.csv"], ["--json", "no/r.json"],
         ["--bogus"]],
    )  # fmt: skip
    def test_a_wrong_line_exits_with_2(self, monkeypatch, tmp_path, options, capsys):
        try:
            code = self.run(monkeypatch, tmp_path, extractor(), *options)
        except SystemExit as error:
            code = error.code
        assert code == 2
        assert capsys.readouterr().err

    def test_an_unreadable_package_exits_with_2(self, tmp_path, capsys):
        assert main(["test", str(tmp_path / "none"), "--quick"]) == 2
        wrong = extractor().with_file("manifest.py", "features = [")
        write_source(wrong, tmp_path / "probe")
        assert main(["test", str(tmp_path / "probe"), "--quick"]) == 2
        assert "SYN001" in capsys.readouterr().err

    def test_the_labs_secrets_are_at_hand(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        monkeypatch.delenv("MIXPEEK_LAB_HOME", raising=False)
        SecretStore(Lab(tmp_path / "mine").home).set("KEY", "sesame open")
        steps = (STEPS % "ALWAYS").replace("extractor_request,", "extractor_request, container,")
        steps = steps.replace("class=Probe", 'class=Probe, config={"secrets": container.secrets}')
        code = "import asyncio\nasyncio.run(self.config['secrets'].get('KEY'))\n" + GOOD
        source = extractor(code, pipeline=steps)
        given = ["--home", str(tmp_path / "mine")]
        assert self.run(monkeypatch, tmp_path, source, *given) == 0
        assert self.run(monkeypatch, tmp_path, source, "--home", "nowhere") != 0


@pytest.fixture(scope="module")
def served(served_lab, tmp_path_factory):
    """A lab of its own on the tests' Ray and Serve."""
    with Lab(tmp_path_factory.mktemp("harness") / "home") as own:
        yield own


@pytest.mark.ray
class TestOnRay:
    def test_batch_on_ray_data_and_realtime_on_ray_serve(self, served, tmp_path, monkeypatch):
        monkeypatch.setenv("HARNESS_TEST_KERNEL", "1")  # which Ray's workers do not have
        where = 'os.environ.get("HARNESS_TEST_KERNEL")'
        code = f"if not {where}:\n    batch['data'] = batch['data'].str.upper()\n{GOOD}"
        load(served, tmp_path, extractor(code, realtime=REALTIME))
        seen = []
        report = served.test("probe", on_result=seen.append)
        assert tuple(seen) == report.results
        assert report.engine == "ray"
        assert [r.id for r in report.of("failed")] == ["TST501"]
        assert "With Ray Data, 'vec' comes out different" in report.result("TST501").message
        assert report.result("TST602").outcome == "passed"
        assert served.status().deployed == ()
        assert (served.buckets(), served.collections()) == ([], [])

    def test_a_service_that_was_deployed_stays_so(self, served):
        served.load(HASH_EMBEDDER)
        served.deploy("hash_embedder")
        report = served.test("hash_embedder", ["a b", "c d e"])
        assert report.of("failed") == []
        assert report.result("TST501").outcome == "passed"
        assert len(served.status().deployed) == 1

    def test_an_interruption_leaves_no_actors(self, served, tmp_path):
        load(served, tmp_path, extractor(f"if not {os.getpid()} == os.getpid():\n"
                                         f"    time.sleep(60)\n{GOOD}", name="slow"))  # fmt: skip

        def interrupt(result):
            if result.id == "TST307":  # Ray Data comes next
                threading.Thread(target=when_it_runs, daemon=True).start()

        def when_it_runs():
            while not workers():
                threading.Event().wait(0.1)
            threading.Event().wait(2)
            os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            served.test("slow", ["one", "two"], on_result=interrupt)
        assert gone(workers)
