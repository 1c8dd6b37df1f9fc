"""A notebook with every widget and card in it, and what each must show wherever it is opened."""

from __future__ import annotations

from conftest import REPOSITORY

SETUP = f"""import os, sys
os.environ["MIXPEEK_LAB_AUTOSTART"] = "0"
os.environ["MIXPEEK_LAB_ENGINE"] = "kernel"
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
%load_ext mixpeek_lab
from packages import HASH_EMBEDDER
from mixpeek_lab.magics.session import current_lab
lab = current_lab()
lab.load(HASH_EMBEDDER)
words = "river bridge market garden window letter".split()
rows = [{{"_id": f"row_{{n}}", "text": f"{{words[n % 6]}} {{words[n % 5]}} number {{n}}",
         "kind": words[n % 3], "size": n * 7 % 40}} for n in range(60)]
lab.bucket("notes", rows);"""
RETRIEVER = """%%retriever find
collection: notes_hash_embedder
searches:
  - feature: hash_embedding
  - lexical: true"""
RUN = """from mixpeek_lab.widgets import RunProgress
bar = RunProgress("watched", code="%process notes hash_embedder --into watched", source="notes")
bar.show()
bar.finish(lab.process("notes", "hash_embedder", "watched", on_progress=bar.update))"""

CELLS = {
    "setup": SETUP,
    "report": "%process notes hash_embedder",
    "retriever": RETRIEVER,
    "playground": "%playground find river bridge",
    "explorer": "%explore notes_hash_embedder",
    "map": "%embedding_map notes_hash_embedder --color kind",
    "run": RUN,
    "sheet": "%extractor show hash_embedder",
    "search": "%search find river bridge --limit 3",
}
"""Name → code of each cell, in the order of the notebook."""

LIVE = {
    "playground": ".mxp-hit",
    "explorer": ".mxe .mxg-row, .mxe [role=row]",
    "map": ".mxm.is-ready",
    "run": ".mxr",
}
"""What is there only where the widget lives."""

SHOWN = {
    "report": ["completed", "60"],
    "retriever": ["find", "hash_embedding"],
    "playground": ["river bridge", "score", "%playground find river bridge"],
    "explorer": ["60 rows", "hash_embedding", "%explore notes_hash_embedder"],
    "map": ["60 points", "pca", "river (", "%embedding_map notes_hash_embedder --color kind"],
    "run": ["watched: completed", "rows in", "%process notes hash_embedder --into watched"],
    "sheet": ["hash_embedder", "hash_embedding", "versions"],
    "search": ["river bridge", "score"],
}
"""Words of each saved result: what came out, and the code that makes a widget again."""
