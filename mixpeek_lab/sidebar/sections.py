"""The sections of the sidebar, and what each says while it is empty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the sidebar, and what it says while it is empty."""

    title: str
    one: str
    """What one item is called."""
    empty: str
    code: str = ""
    """A cell to begin with."""
    code_label: str = ""


FIRST_EXTRACTOR = """\
%%extractor «my_extractor»
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="my_extractor",
    version="1.0.0",
    supported_input_types=["text"],
    features=[Feature.embedding("my_embedding", dim=2)],
)


class Lengths(BatchProcessor):
    def process(self, batch):
        texts = batch["data"].fillna("").astype(str)
        batch["my_embedding"] = [[float(len(text)), 1.0] for text in texts]
        return batch"""
"""A cell that runs as it is. The extension's command writes the same, without a kernel."""

SECTIONS: dict[str, Section] = {
    "extractors": Section(
        "Extractors",
        "extractor",
        "An extractor turns text, images or audio into vectors. Write one in a cell, or bring a "
        "package: %extractor load FOLDER.",
        FIRST_EXTRACTOR,
        "Write one",
    ),
    "buckets": Section(
        "Buckets",
        "bucket",
        "A bucket holds your own data: a DataFrame, a list, a folder of files.",
        "%bucket «docs» «frame_or_folder»",
        "Make a bucket",
    ),
    "collections": Section(
        "Collections",
        "collection",
        "A collection is what an extractor makes of a bucket: documents with vectors.",
        "%process «bucket» «extractor»",
        "Process a bucket",
    ),
    "runs": Section("Runs", "run", "Each %process is kept here, with what it did and what failed."),
    "retrievers": Section(
        "Retrievers",
        "retriever",
        "A retriever searches collections: by vectors, by words, or both fused.",
        "%%retriever «search_docs»\n"
        "collection: «collection»\nsearches:\n  - feature: «feature»\n  - lexical: true\n"
        "fusion: rrf\n",
        "Define a retriever",
    ),
    "endpoints": Section(
        "Endpoints",
        "endpoint",
        "Nothing is served yet. Deploy an extractor to ask it over HTTP.",
        "%extractor deploy «extractor»",
        "Deploy an extractor",
    ),
}
