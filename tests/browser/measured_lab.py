"""What `measure_playground.py` opens in a notebook: many documents, a retriever of 5 legs, and the
least that a widget can be that asks its kernel at each key.
"""

from __future__ import annotations

import json
import random

import anywidget
from packages import HASH_EMBEDDER

from mixpeek_lab.corpora import docstrings
from mixpeek_lab.workbench import Lab

CANDIDATES = 1000
ODD, EVEN = ({"field": "half", "value": half} for half in ("odd", "even"))
LEGS = [
    {"feature": "hash_embedding", "name": "vectors", "top_k": CANDIDATES},
    {"lexical": True, "name": "words", "top_k": CANDIDATES},
    {"feature": "hash_embedding", "name": "vectors_odd", "top_k": CANDIDATES, "filters": ODD},
    {"feature": "hash_embedding", "name": "vectors_even", "top_k": CANDIDATES, "filters": EVEN},
    {"lexical": True, "name": "words_even", "top_k": CANDIDATES, "filters": EVEN},
]


def texts(count: int) -> list[str]:
    """Texts of real docstrings; where there are too few, new ones out of their sentences."""
    found = [each["text"] for each in docstrings()][:count]
    sentences = [part for text in found for part in text.split(". ") if part]
    draw = random.Random(3)
    found += [". ".join(draw.choices(sentences, k=6)) for _ in range(count - len(found))]
    return found


def fill(lab: Lab, documents: int) -> None:
    """Index the documents, and keep two retrievers: `find` of two legs, `five` of five."""
    lab.load(HASH_EMBEDDER)
    rows = [
        {"_id": f"{n}", "text": text, "half": "odd" if n % 2 else "even"}
        for n, text in enumerate(texts(documents))
    ]
    lab.bucket("measured", rows)
    lab.process("measured", "hash_embedder", "measured_docs", engine="kernel")
    lab.retriever(
        "find",
        {
            "collection": "measured_docs",
            "searches": [{"feature": "hash_embedding"}, {"lexical": True}],
        },
    )
    lab.retriever("five", {"collection": "measured_docs", "searches": LEGS})


class Bare(anywidget.AnyWidget):
    """A box and a list: each key is sent, the answer of 10 texts painted. What it takes is what
    Jupyter and the browser take.
    """

    _esm = """
    function render({ model, el }) {
      const box = document.createElement("input");
      const list = document.createElement("ol");
      el.className = "bare";
      el.append(box, list);
      box.addEventListener("input", () => model.send({ query: box.value }));
      model.on("msg:custom", ({ query }, [buffer]) => {
        const texts = JSON.parse(new TextDecoder().decode(buffer));
        list.replaceChildren(...texts.map((text) => {
          const item = document.createElement("li");
          item.textContent = text;
          return item;
        }));
        el.dataset.query = query;
      });
    }
    export default { render };
    """

    def __init__(self) -> None:
        super().__init__()
        self._texts = texts(10)
        self.on_msg(self._answer)

    def _answer(self, _widget: object, content: dict[str, str], _buffers: object) -> None:
        found = [f"{content['query']}: {text[:300]}" for text in self._texts]
        self.send({"query": content["query"]}, [json.dumps(found).encode()])
