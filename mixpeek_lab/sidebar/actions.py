"""The table of what can be done with an item: code for a cell, or a request.

`{name}` and the like stand for an item's fields. What stands in « » is for the user to fill in: the
cell is not run then, and the first such word is selected.
"""

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


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with an item."""

    id: str
    label: str
    code: str = ""
    """The cell's text; empty where it is asked for with `cell`, or nothing of a cell is needed."""
    cell: str = ""
    """Of the request `cell`: what to write."""
    icon: str = ""
    """Shown beside the item; the others are in its menu."""
    copy: str = ""
    """Text for the clipboard, instead of a cell."""
    request: str = ""
    """A request to the kernel, instead of a cell."""
    confirm: str = ""
    """What is asked before it is done, and cannot be taken back."""


def _delete(what: str) -> Action:
    return Action("delete", "Delete…", request="delete", confirm=what)


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

ACTIONS: dict[str, tuple[Action, ...]] = {
    "extractors": (
        Action("show", "Show its card", "%extractor show {name}", icon="show"),
        Action("test", "Test it", "%extractor test {name}", icon="run"),
        Action("edit", "Write it into a cell", cell="extractor"),
        Action("process", "Run it on a bucket…", "%process «bucket» {name}"),
        Action("deploy", "Deploy its service", "%extractor deploy {name}"),
        Action("log", "Show its versions", "%extractor log {name}"),
        Action("diff", "Show what changed", "%extractor diff {name}"),
        Action("commit", "Commit a version…", '%extractor commit {name} -m "«what changed»"'),
        Action("checkout", "Go back to a version…", "%extractor checkout {name} «version»"),
        Action("tag", "Tag its last version…", "%extractor tag {name} «tag»"),
        Action("save", "Save it as a package", "%extractor save {name}"),
        _delete("The extractor is deleted with all its versions. One that is in use is kept."),
    ),
    "buckets": (
        Action("show", "Show it", "%bucket {name}", icon="show"),
        Action("process", "Run an extractor on it…", "%process {name} «extractor»", icon="run"),
        Action(
            "query",
            "Query its objects",
            "%%inspect\nSELECT o.* FROM objects o JOIN buckets b USING (bucket_id)\n"
            "WHERE b.name = '{raw}' LIMIT 20",
        ),
        _delete(
            "The bucket is deleted with its objects. One that a collection is made of is kept."
        ),
    ),
    "collections": (
        Action("inspect", "Look at its documents", "%inspect {table}", icon="show"),
        Action(
            "update",
            "Bring it up to date",
            "%process {sources} {extractor} --into {name}",
            icon="run",
        ),
        Action(
            "query", "Query it with SQL…", '%%inspect --df frame\nSELECT * FROM "{raw}" LIMIT 20'
        ),
        Action("retriever", "Define a retriever on it…", cell="draft"),
        _delete("The collection is deleted with its documents. One that is searched is kept."),
    ),
    "runs": (
        Action("stop", "Stop it", request="stop", icon="stop"),
        Action(
            "failures",
            "Show what failed",
            "%inspect SELECT kind, step, message, place FROM failures WHERE run_id = '{key}'",
            icon="show",
        ),
        Action(
            "again",
            "Run it again",
            "%process {sources} {extractor} --into {name}",
            icon="run",
        ),
    ),
    "retrievers": (
        Action("playground", "Open the playground", "%playground {name}", icon="run"),
        Action("search", "Search…", "%search {name} «words»"),
        Action("show", "Show it", "%retriever {name}", icon="show"),
        Action("edit", "Write it into a cell", cell="retriever"),
        Action("evaluate", "Evaluate it…", "%evaluate {name} «qrels»"),
        _delete("The retriever is deleted. What it searches stays."),
    ),
    "endpoints": (
        Action("url", "Copy its address", copy="{url}", icon="copy"),
        Action(
            "ask",
            "Ask it from Python…",
            "from mixpeek_lab import current_lab\n\n"
            'current_lab().infer("{name}", {{"text": "«some text»"}})',
        ),
        Action("status", "Show what runs", "%lab status", icon="show"),
    ),
}
"""Section → its actions, the most used first."""
