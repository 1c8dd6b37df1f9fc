"""Several embeddings in one extractor, all the way: documents, indexes, queries, retrievers."""

from __future__ import annotations

import numpy as np
import pytest

from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.workbench import Lab

CELL = """
import numpy as np
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature, InferenceService

manifest = ExtractorManifest(
    feature_extractor_name="many",
    version="1.2.0",
    features=[
        Feature.embedding("by_length", dim=2, distance_metric="euclid"),
        Feature.embedding("by_letters", dim=26),
        Feature.embedding("by_digits", dim=10, distance_metric="dot"),
        Feature.classification("kind", labels=["words", "numbers"]),
    ],
    inference_type="embedding",
)

def counted(text, alphabet):
    return [float(text.lower().count(letter)) for letter in alphabet]

LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"

class Many(BatchProcessor):
    def process(self, batch):
        texts = batch["data"].tolist()
        batch["by_length"] = [[float(len(t)), 0.0] for t in texts]
        batch["by_letters_embedding"] = [np.array(counted(t, LETTERS)) for t in texts]
        batch["by_digits"] = [counted(t, DIGITS) for t in texts]
        batch["kind"] = ["numbers" if any(map(str.isdigit, t)) else "words" for t in texts]
        return batch

class Query(InferenceService):
    async def infer(self, inputs, parameters):
        text = inputs["text"]
        return {
            "by_length": [float(len(text)), 0.0],
            "by_letters": counted(text, LETTERS),
            "by_digits_embedding": counted(text, DIGITS),
        }
"""
TEXTS = ["zebra zoo", "apple", "4 4 4", "7 7 7 7 7 7", "a much longer sentence of many words"]


@pytest.fixture
def many(kernel_lab: Lab) -> Lab:
    definition = kernel_lab.define("many", CELL)
    assert definition.is_kept, definition.findings
    kernel_lab.bucket("texts", TEXTS)
    return kernel_lab


def found(lab: Lab, feature: str, query: str, **options: object) -> list[str]:
    body = {"collection": "docs", "searches": [{"feature": feature}]}
    return [hit.fields["data"] for hit in lab.search(body, query, **options).hits]


def body_of(uri: str) -> dict:
    return {"collection": "docs", "searches": [{"feature_uri": uri}]}


def test_every_vector_has_its_index_and_its_key_of_the_answer(many: Lab) -> None:
    report = many.process("texts", "many", "docs", engine="kernel", indexes={"by_letters": "hnsw"})
    assert report.state == "completed"
    (told,) = report.notes
    # A text without letters has no direction in letters.
    assert told.startswith("2 of 5 documents cannot be found by vector 'by_letters'")
    assert report.vectors == {"by_length": 5, "by_letters": 3, "by_digits": 5}
    assert report.left_out == {"by_length": 0, "by_letters": 2, "by_digits": 0}
    assert found(many, "by_length", "12345", limit=1) == ["apple"]
    assert found(many, "by_letters", "zzz", limit=1) == ["zebra zoo"]
    assert found(many, "by_digits", "7", limit=1) == ["7 7 7 7 7 7"]


def test_vectors_are_kept_as_they_were_made(many: Lab) -> None:
    many.process("texts", "many", "docs", engine="kernel")
    table = many.sql("SELECT data, by_length, by_letters, by_digits, kind FROM docs").table
    row = {name: table.column(name).to_pylist()[1] for name in table.column_names}
    assert (row["data"], row["kind"], list(row["by_length"])) == ("apple", "words", [5.0, 0.0])
    assert np.flatnonzero(row["by_letters"]).tolist() == [0, 4, 11, 15]
    assert len(row["by_digits"]) == 10


def test_one_retriever_fuses_all_of_them_by_uri(many: Lab) -> None:
    many.process("texts", "many", "docs", engine="kernel")
    names = ("by_length", "by_letters", "by_digits")
    uris = [f"mixpeek://many@v1.2/{name}" for name in names]
    body = {
        "collection_identifiers": ["docs"],
        "stages": [
            {
                "stage_type": "filter",
                "stage_id": "feature_search",
                "parameters": {"searches": [{"feature_uri": uri} for uri in uris], "fusion": "rrf"},
            }
        ],
    }
    many.retriever("all", body)
    result = many.search("all", "zebra 7", limit=5)
    assert [leg.metric for leg in result.legs] == ["euclid", "cosine", "dot"]
    assert [leg.feature_uri for leg in result.legs] == [
        uri.replace("v1.2", "1.2.0") for uri in uris
    ]
    tops = [many.search(body_of(uri), "zebra 7", limit=1).hits[0].document_id for uri in uris]
    assert [leg.document_ids[0] for leg in result.legs] == tops
    best = result.hits[0]
    assert len(best.contributions) == len(uris)
    assert sum(each.contribution for each in best.contributions) == pytest.approx(best.score)


def test_a_vector_that_the_processor_forgets_is_an_error_with_its_name(many: Lab) -> None:
    many.define("many", CELL.replace('batch["by_digits"] =', 'batch["digits"] ='))
    with pytest.raises(ExtractorRunError, match="'by_digits'"):
        many.process("texts", "many", "docs", engine="kernel")


def test_an_answer_without_the_features_key_names_what_it_has(many: Lab) -> None:
    cell = CELL.replace('"by_digits_embedding": counted', '"digits": counted')
    assert many.define("many", cell).is_kept
    many.process("texts", "many", "docs", engine="kernel")
    assert found(many, "by_length", "12345", limit=1) == ["apple"]
    with pytest.raises(ExtractorRunError, match="by_length, by_letters, digits"):
        found(many, "by_digits", "7")
