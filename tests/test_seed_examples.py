"""The published examples, as they stand, from package to search: in the kernel and on Ray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from bge_checkpoint import TEXTS

from mixpeek_lab.workbench import Lab

FIXTURES = Path(__file__).parent / "fixtures"
PLAIN = FIXTURES / "seed_plain" / "my_extractor"
TYPED = FIXTURES / "seed_typed" / "my_embedder"
SEC = FIXTURES / "seed_sec" / "sec_filing_embedder"


def _searched(lab: Lab, name: str, feature: str, engine: str):
    lab.bucket("texts", TEXTS)
    report = lab.process("texts", name, f"{name}_{engine}", engine=engine)
    assert (report.state, report.documents, report.failures) == ("completed", len(TEXTS), ())
    assert report.vectors == {feature: len(TEXTS)}
    lab.retriever("find", {"collection": f"{name}_{engine}", "searches": [{"feature": feature}]})
    return lab.search("find", "feline animals", limit=len(TEXTS))


def _vectors(lab: Lab, collection: str, feature: str):
    table = lab.sql(f'SELECT data, "{feature}" AS v FROM "{collection}" ORDER BY data').table
    return np.stack(table.column("v").to_pylist())


@pytest.mark.ray
@pytest.mark.model
@pytest.mark.parametrize(
    ("package", "feature"),
    [(PLAIN, "my_embedding"), (TYPED, "my_embedder_v1")],
    ids=["plain", "typed"],
)
def test_the_examples_find_cats_in_the_kernel_and_on_ray(lab, package, feature):
    definition = lab.load(package)
    assert definition.is_kept, definition.findings
    name = package.name
    here = _searched(lab, name, feature, "kernel")
    there = _searched(lab, name, feature, "ray")
    assert here.hits[0].fields["data"] == TEXTS[0]
    assert [hit.fields["data"] for hit in there.hits] == [hit.fields["data"] for hit in here.hits]
    one, other = (_vectors(lab, f"{name}_{engine}", feature) for engine in ("kernel", "ray"))
    assert one.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.model
def test_the_filing_example_runs_with_a_checkpoint_of_its_architecture(kernel_lab, bge_base):
    definition = kernel_lab.load(SEC)
    assert definition.is_kept, definition.findings
    result = _searched(kernel_lab, "sec_filing_embedder", "filing_embedding", "kernel")
    assert len(result.hits) == len(TEXTS)
    found = _vectors(kernel_lab, "sec_filing_embedder_kernel", "filing_embedding")
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    exact = kernel_lab.search("find", TEXTS[1], limit=1)
    assert exact.hits[0].fields["data"] == TEXTS[1]
    assert exact.legs[0].scores[0] == pytest.approx(1.0, abs=1e-5)


def test_the_wrong_keys_are_refused_with_the_fix(kernel_lab):
    text = (PLAIN / "manifest.py").read_text()
    wrong = (
        text.replace('"feature_type"', '"type"')
        .replace('"feature_name"', '"name"')
        .replace('"embedding_dim"', '"dimensions"')
        .replace('"distance_metric"', '"distance"')
    )
    assert wrong != text
    definition = kernel_lab.define("my_extractor", wrong, "manifest.py")
    assert not definition.is_kept
    said = "\n".join(str(f) for f in definition.findings if f.severity == "error")
    for key in ("feature_type", "feature_name", "embedding_dim", "distance_metric"):
        assert key in said
    assert "0 documents" in said
    assert "manifest.py:" in said
    assert all(record.manifest.name != "my_extractor" for record in kernel_lab.extractors())


def test_a_retriever_reads_the_published_body(kernel_lab):
    kernel_lab.bucket("texts", TEXTS)
    kernel_lab.process("texts", "hash_embedder", "docs", engine="kernel")
    body = yaml.safe_load(
        """
        retriever_name: filing-search
        collection_ids: [docs]
        stages:
          - stage_type: search
            stage_id: semantic
            feature_search:
              feature_uri: mixpeek://hash_embedder@1.0.0/hash_embedding
              limit: 20
        fusion_strategy: {type: rrf}
        """
    )
    kernel_lab.retriever("filing-search", body)
    result = kernel_lab.search("filing-search", {"query_text": "dogs"}, limit=2)
    assert [hit.rank for hit in result.hits] == [1, 2]
