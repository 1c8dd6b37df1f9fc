"""Every action of every item of the sidebar, and what must come of it: the table of a test."""

from __future__ import annotations

from dataclasses import dataclass

from conftest import REPOSITORY

MEANING = """from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature
from shared.extractors.sdk import InferenceService

MODEL = "sentence-transformers/all-MiniLM-L6-v2"

manifest = ExtractorManifest(
    feature_extractor_name="meaning",
    version="1.0.0",
    supported_input_types=["text"],
    dependencies=["sentence-transformers"],
    features=[Feature.embedding("sense", dim=384)],
    inference_type="embedding",
)


class Sentences(BatchProcessor):
    def setup(self):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    def process(self, batch):
        batch["sense"] = self.model.encode(batch["data"].tolist()).tolist()
        return batch


class Query(InferenceService):
    def setup(self):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    async def infer(self, inputs, parameters):
        return {"embedding": self.model.encode([inputs["text"]])[0].tolist()}
"""

FILL = f"""
lab = current_lab()
_ = lab.load({str(REPOSITORY / "tests" / "fixtures" / "hash_embedder")!r})
_ = lab.bucket("docs", ["the ships lay at anchor", "revenue grew", "FAIL here", "good news"])
_ = lab.process("docs", "hash_embedder", engine="kernel")
_ = lab.versions.commit("hash_embedder", "the first one")
service = lab.extractor("hash_embedder").source.text("realtime.py")
_ = lab.define("hash_embedder", service + "# the second", "realtime.py")
_ = lab.versions.commit("hash_embedder", "the second one")
_ = lab.define("hash_embedder", service + "# not committed", "realtime.py")

_ = lab.define("meaning", {MEANING!r})
_ = lab.process("docs", "meaning", engine="kernel")
_ = lab.retriever("find", {{"collection": "docs_meaning", "searches": [
    {{"feature": "sense"}}, {{"lexical": True}}]}})
frame, queries = ["more text"], {{"1": "boats in the harbour"}}
qrels = {{"1": {{lab.search("find", queries["1"], limit=1).hits[0].document_id: 1}}}}

from mixpeek_lab.cells import join_sections
text = join_sections(lab.extractor("hash_embedder").source)
_ = lab.define("gone", text.replace("hash_embedder", "gone"))
_ = lab.versions.commit("gone", "the first one")
_ = lab.define("gone", text.replace("hash_embedder", "gone") + "# more")
_ = lab.versions.commit("gone", "the second one")
_ = lab.bucket("gone", ["x", "y"])
_ = lab.process("gone", "gone", "gone", engine="kernel")
_ = lab.retriever("gone", {{"collection": "gone", "searches": [{{"lexical": True}}]}})
_ = lab.bucket("old name", ["x"])
"""
SLOW = """import time
_ = lab.bucket("many", [f"text {i}" for i in range(400)])
lab.process("many", "hash_embedder", "slow", engine="kernel",
            on_progress=lambda p: time.sleep(1))"""
NOT_SERVED = """from mixpeek_lab.catalog import Catalog
catalog, digest = Catalog(lab.home / "catalog.sqlite"), lab.extractor("gone").source.digest
catalog.put_deployment("gone", digest, "api", "FAILED", "it ran out of memory")"""


@dataclass(frozen=True)
class Drive:
    """One action, done by a user, and what is seen of it then."""

    section: str
    action: str
    item: str
    says: str = ""
    """Text that is in the output of its cell."""
    typed: str = ""
    """What the user types over the word that the cell leaves open."""
    first: str = ""
    """Code that the kernel begins to run before."""
    when: str = ""
    """The state of its item that is waited for before."""
    then: tuple[str, str] = ("", "")
    """An expression of the kernel's, and its value as text, once it is done."""
    shows: tuple[str, str] = ("", "")
    """Section and name of an item that is in the tree then."""
    gone: bool = False
    """Whether its item is not in the tree any more then."""
    copied: str = ""
    """How the text begins that is in the clipboard then."""


DRIVES = (
    Drive("extractors", "show", "hash_embedder", "hash_embedding"),
    Drive("extractors", "test", "hash_embedder", "passed"),
    Drive("extractors", "lint", "hash_embedder", "no findings"),
    Drive("extractors", "log", "hash_embedder", "the second one"),
    Drive("extractors", "diff", "hash_embedder", "# not committed"),
    Drive("extractors", "commit", "hash_embedder", "Committed hash_embedder 1.0.2",
          typed="the third one", shows=("extractors", "hash_embedder, 1.0.2")),
    Drive("extractors", "tag", "hash_embedder", "hash_embedder@steady is 1.0.2", typed="steady",
          then=("lab.extractor('hash_embedder@steady').manifest.version", "1.0.2")),
    Drive("extractors", "checkout", "hash_embedder", "is at 1.0.1", typed="1.0.1",
          then=("lab.extractor('hash_embedder').manifest.version", "1.0.1")),
    Drive("extractors", "edit", "hash_embedder", "hash_embedder 1.0.1"),
    Drive("extractors", "process", "hash_embedder", "completed", typed="docs"),
    Drive("extractors", "deploy", "meaning", "meaning is deployed",
          shows=("endpoints", "meaning, 1.0.0, served")),
    Drive("extractors", "save", "hash_embedder", "Saved",
          then=("Path('hash_embedder/manifest.py').exists()", "True")),
    Drive("extractors", "pack", "hash_embedder", "Packed",
          then=("Path('hash_embedder.zip').exists()", "True")),
    Drive("extractors", "dockerfile", "hash_embedder", "FROM"),
    Drive("extractors", "copy", "hash_embedder", copied="hash_embedder"),
    Drive("versions", "diff", "hash_embedder@1.0.0", "# the second"),
    Drive("versions", "checkout", "hash_embedder@1.0.0", "is at 1.0.0",
          then=("lab.extractor('hash_embedder').manifest.version", "1.0.0")),
    Drive("versions", "show", "hash_embedder@1.0.1", "hash_embedder"),
    Drive("versions", "edit", "hash_embedder@1.0.1", "hash_embedder 1.0.1",
          then=("'# the second' in lab.extractor('hash_embedder').source.text('realtime.py')",
                "True")),
    Drive("versions", "process", "hash_embedder@1.0.0", "completed", typed="docs"),
    Drive("versions", "deploy", "hash_embedder@1.0.0", "is deployed",
          shows=("endpoints", "hash_embedder, 1.0.0, served")),
    Drive("versions", "tag", "hash_embedder@1.0.0", "hash_embedder@good is 1.0.0", typed="good",
          then=("lab.extractor('hash_embedder@good').manifest.version", "1.0.0")),
    Drive("versions", "pack", "hash_embedder@1.0.0", "Packed",
          then=("Path('hash_embedder@1.0.0.zip').exists()", "True")),
    Drive("versions", "copy", "hash_embedder@1.0.0", copied="hash_embedder@1.0.0"),
    Drive("buckets", "show", "docs", "bucket of 4 objects"),
    Drive("buckets", "process", "docs", "completed", typed="hash_embedder"),
    Drive("buckets", "explore", "docs", "ordinal"),
    Drive("buckets", "query", "docs", "ordinal"),
    Drive("buckets", "add", "docs", "bucket of 5 objects", typed="frame",
          then=("lab.bucket('docs').object_count", "5")),
    Drive("buckets", "rename", "old name", typed="new name",
          shows=("buckets", "new name"), gone=True,
          then=("lab.bucket('new name').object_count", "1")),
    Drive("buckets", "copy", "docs", copied="docs"),
    Drive("collections", "explore", "docs_hash_embedder", "good news"),
    Drive("collections", "update", "docs_hash_embedder", "completed"),
    Drive("collections", "inspect", "docs_hash_embedder", "good news"),
    Drive("collections", "map", "docs_meaning", "points"),
    Drive("collections", "retriever", "docs_meaning", "drafted retriever over docs_meaning",
          typed="drafted", shows=("retrievers", "drafted")),
    Drive("collections", "process", "docs_hash_embedder", "completed", typed="hash_embedder"),
    Drive("collections", "show", "docs_hash_embedder", "hash_embedder"),
    Drive("collections", "query", "docs_hash_embedder", "good news"),
    Drive("collections", "frame", "docs_hash_embedder", "good news",
          then=("len(frame) > 2", "True")),
    Drive("collections", "export", "docs_hash_embedder", typed="kept.parquet",
          then=("Path('kept.parquet').exists()", "True")),
    Drive("collections", "copy", "docs_hash_embedder", copied="docs_hash_embedder"),
    Drive("runs", "stop", "slow", first=SLOW, when="busy",
          then=("next(r.state for r in lab.overview.runs(9) if r.collection == 'slow')",
                "interrupted")),
    Drive("runs", "failures", "docs_hash_embedder", "cannot embed"),
    Drive("runs", "again", "docs_hash_embedder", "completed"),
    Drive("runs", "explore", "docs_hash_embedder", "good news"),
    Drive("runs", "query", "docs_hash_embedder", "completed"),
    Drive("runs", "copy", "docs_hash_embedder", copied="run_"),
    Drive("retrievers", "playground", "find", "Search"),
    Drive("retrievers", "show", "find", "sense"),
    Drive("retrievers", "search", "find", "the ships lay at anchor", typed="boats in the harbour"),
    Drive("retrievers", "evaluate", "find", "ndcg", typed="qrels --queries queries"),
    Drive("retrievers", "edit", "find", "retriever over docs_meaning"),
    Drive("retrievers", "serve", "find", "http://127.0.0.1"),
    Drive("retrievers", "export", "find", "stage_name"),
    Drive("retrievers", "save", "find", typed="kept.json",
          then=("Path('kept.json').exists()", "True")),
    Drive("retrievers", "copy", "find", copied="find"),
    Drive("endpoints", "url", "HTTP API", copied="http://127.0.0.1"),
    Drive("endpoints", "ask", "meaning", "embedding", typed="a boat"),
    Drive("endpoints", "status", "HTTP API", "Services"),
    Drive("endpoints", "deploy", "gone", "is deployed", first=NOT_SERVED, when="error",
          shows=("endpoints", "gone, 1.0.1, served")),
    Drive("endpoints", "reference", "meaning", copied="meaning@1.0.0"),
    Drive("endpoints", "undeploy", "meaning", gone=True,
          then=("[d.name for d in lab.work.deployments() if d.name == 'meaning']", "[]")),
    Drive("retrievers", "delete", "gone", gone=True,
          then=("'gone' in [r.name for r in lab.retrievers()]", "False")),
    Drive("collections", "delete", "gone", gone=True,
          then=("'gone' in [c.name for c in lab.collections()]", "False")),
    Drive("buckets", "delete", "gone", gone=True,
          then=("'gone' in [b.name for b in lab.buckets()]", "False")),
    Drive("versions", "delete", "gone@1.0.0", gone=True,
          then=("[c.version for c in lab.versions.log('gone').commits]", "['1.0.1']")),
    Drive("extractors", "delete", "gone", gone=True,
          then=("'gone' in [e.manifest.name for e in lab.extractors()]", "False")),
    Drive("endpoints", "stop", "HTTP API", "Mixpeek Lab is stopped", gone=True),
)  # fmt: skip
"""In the order in which they are done: some need what others made; what deletes comes last."""
