"""Each trouble that Mixpeek's page has advice for, made here: the lab's words name the cause."""

from __future__ import annotations

import subprocess
import urllib.request

import httpx
import pytest
from seed_snippets import section

from mixpeek_lab.errors import LabError, RetrieverError

MANIFEST = """
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature, InferenceService
manifest = ExtractorManifest(
    feature_extractor_name="trouble", version="1.0.0", inference_type="embedding",
    features=[Feature.embedding("letters", dim=2)],
)
"""
PROCESSOR = """
class Processor(BatchProcessor):
    def process(self, batch):
        batch["letters"] = [[float(len(text)), 1.0] for text in batch["data"].fillna("")]
        return batch
"""
SERVICE = """
class Query(InferenceService):
    async def infer(self, inputs, parameters):
        return {"embedding": [float(len(inputs["text"])), 1.0]}
"""
TROUBLES = (
    "Usually wrong features key names",
    "Most common cause: reading from the wrong column",
    "Check validation_errors",
    "Use prefetch_hf_model()",
    "realtime.py handles embedding, not retrieval",
    "If your manifest includes a feature_uri",
    "Use requests with a User-Agent header instead of urllib",
)


def said(definition):
    return "\n".join(str(finding) for finding in definition.findings)


def test_there_is_a_test_for_each_entry_of_the_page():
    entries = [line for line in section("Troubleshooting") if line]
    assert len(entries) == len(TROUBLES)
    for entry, trouble in zip(entries, TROUBLES, strict=True):
        assert entry.startswith(trouble)


def test_completed_with_0_documents_wrong_key_names(kernel_lab):
    wrong = MANIFEST.replace(
        'Feature.embedding("letters", dim=2)',
        '{"type": "embedding", "name": "letters", "dimensions": 2, "distance": "cosine"}',
    )
    definition = kernel_lab.define("trouble", wrong + PROCESSOR + SERVICE)
    assert not definition.is_kept
    assert "`feature_name` is missing in features[0]; you wrote `name`" in said(definition)
    assert "0 documents" in said(definition)


def test_every_row_fails_wrong_column(kernel_lab):
    wrong = PROCESSOR.replace('batch["data"]', 'batch["text"]')
    definition = kernel_lab.define("trouble", MANIFEST + wrong + SERVICE)
    assert 'Read batch["data"]' in said(definition)
    kernel_lab.bucket("texts", ["one", "two"])
    report = kernel_lab.process("texts", "trouble", engine="kernel")
    assert report.state == "failed"
    notes = " ".join(report.notes)
    assert "KeyError: 'text'" in notes
    assert 'batch["data"]' in notes


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("import subprocess; subprocess.run(['ffmpeg'])", "run_tool"),
        ("text = open('words.txt').read()", "open_asset"),
        ("value = eval('1 + 1')", "json.loads"),
        ("exec('value = 1')", "json.loads"),
    ],
)
def test_validation_fails_code_that_is_blocked(kernel_lab, line, remedy):
    blocked = PROCESSOR.replace("        return batch", f"        {line}\n        return batch")
    definition = kernel_lab.define("trouble", MANIFEST + blocked + SERVICE)
    assert not definition.is_kept
    (first,) = [f for f in definition.findings if f.severity == "error"][:1]
    assert first.rule.startswith("SEC")
    assert first.line
    assert remedy in said(definition)


def test_a_model_that_is_not_in_the_cache(kernel_lab):
    fetching = PROCESSOR.replace(
        "    def process",
        "    def setup(self):\n"
        "        from shared.extractors.sdk import prefetch_hf_model\n"
        '        prefetch_hf_model("nobody/no-such-model")\n\n'
        "    def process",
    )
    assert kernel_lab.define("trouble", MANIFEST + fetching + SERVICE).is_kept
    kernel_lab.bucket("texts", ["one"])
    report = kernel_lab.process("texts", "trouble", engine="kernel")
    assert report.state == "failed"
    for words in ("nobody/no-such-model", "not in the local cache", "HF_HOME"):
        assert words in " ".join(report.notes)


def test_retrieval_inside_realtime(kernel_lab):
    searching = SERVICE.replace(
        '{"embedding": [float(len(inputs["text"])), 1.0]}', '{"results": ["a document"]}'
    )
    definition = kernel_lab.define("trouble", MANIFEST + PROCESSOR + searching)
    assert definition.is_kept
    assert "realtime.py" in said(definition)
    assert "no vector for 'letters'" in said(definition)
    kernel_lab.bucket("texts", ["one", "two"])
    kernel_lab.process("texts", "trouble", "made", engine="kernel")
    body = {"collection": "made", "searches": [{"feature": "letters"}]}
    with pytest.raises(LabError, match=r"gave no vector for 'letters'.*results"):
        kernel_lab.search(body, "one")


def test_a_feature_uri_without_realtime(kernel_lab):
    uri = "feature_uri = manifest.feature_uri\n"
    definition = kernel_lab.define("trouble", MANIFEST + uri + PROCESSOR)
    assert "feature_uri" in said(definition)
    assert "realtime.py" in said(definition)
    kernel_lab.bucket("texts", ["one", "two"])
    kernel_lab.process("texts", "trouble", "made", engine="kernel")
    body = {"collection": "made", "searches": [{"feature": "letters"}]}
    with pytest.raises((RetrieverError, LabError), match=r"realtime\.py"):
        kernel_lab.search(body, "one")


@pytest.mark.ray
def test_urllib_httpx_and_curl_are_all_answered(served_lab):
    lab = served_lab
    url, key = f"{lab.url}/v1/retrievers", f"Bearer {lab.token}"
    request = urllib.request.Request(url, headers={"Authorization": key})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert httpx.get(url, headers={"Authorization": key}).status_code == 200
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: {key}"]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    assert done.stdout == "200"
