"""Retrievers, and what a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mixpeek_lab.markup import printable
from mixpeek_lab.models import JSON, Hit, SearchResult
from mixpeek_lab.retrievers import view_ids
from mixpeek_lab.widgets.cards.view import View, framed, line_html
from mixpeek_lab.widgets.ranking import hits_frame
from mixpeek_lab.widgets.static import results_html, results_text, table_html, table_text


@dataclass(frozen=True, repr=False)
class RetrieverCard(View):
    """A retriever's legs and fusion."""

    name: str
    body: Mapping[str, JSON]
    notes: Sequence[str] = ()

    @property
    def legs(self) -> Sequence[Mapping[str, JSON]]:
        """Its searches, as the definition has them."""
        found: Sequence[Mapping[str, JSON]] = self._parameters()["searches"]
        return found

    @property
    def fusion(self) -> Mapping[str, JSON]:
        """How they are fused: strategy, k."""
        found = self._parameters()["fusion"]
        return {"strategy": found} if isinstance(found, str) else found

    def __str__(self) -> str:
        columns, rows = self._table()
        notes = "".join(f"\n{note}" for note in self.notes)
        return f"Retriever {self.name} · {self._summary()}\n{table_text(columns, rows)}{notes}"

    def _repr_html_(self) -> str:
        notes = "".join(map(line_html, self.notes))
        table = table_html(*self._table())
        return framed(self.name, f"retriever {self._summary()}", table + notes)

    def _parameters(self) -> Mapping[str, JSON]:
        found: Mapping[str, JSON] = self.body["stages"][0]["parameters"]
        return found

    def _summary(self) -> str:
        collections = ", ".join(self.body["collection_identifiers"])
        strategy, k = self.fusion["strategy"], self.fusion.get("k")
        how = f"{strategy}, k = {k:g}" if strategy == "rrf" and k is not None else strategy
        later = "".join(f", then {_stage(stage)}" for stage in self.body["stages"][1:])
        return f"over {collections}, fused by {how}{later}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [leg["name"], "BM25" if leg.get("lexical") else "vector", f"{leg['weight']:g}",
             str(leg["top_k"]), leg.get("feature_uri") or "the words of the text"]
            for leg in self.legs
        ]  # fmt: skip
        return ["leg", "kind", "weight", "top_k", "searches"], rows


def _stage(stage: Mapping[str, JSON]) -> str:
    """`rerank by my_reranker`."""
    parameters = stage["parameters"]
    asked = parameters.get("feature_uri") or parameters.get("inference_name")
    return f"{stage['stage_name']} by {asked}" if asked else str(stage["stage_name"])


@dataclass(frozen=True, repr=False)
class RetrieverList(View):
    """The retrievers there are."""

    retrievers: Sequence[tuple[str, Mapping[str, JSON]]]

    def __str__(self) -> str:
        cards = [str(RetrieverCard(name, body)) for name, body in self.retrievers]
        return "\n".join(cards) or self._nothing()

    def _repr_html_(self) -> str:
        cards = [RetrieverCard(name, body)._repr_html_() for name, body in self.retrievers]
        return "".join(cards) or line_html(self._nothing())

    def _nothing(self) -> str:
        return "No retrievers yet. A `%%retriever NAME` cell defines one."


@dataclass(frozen=True, repr=False)
class Results(View):
    """The hits of a search, with their ranks per leg."""

    result: SearchResult
    """All of the answer."""

    def __str__(self) -> str:
        text = results_text(self.payload, max(1, len(self.result.hits)))
        return "\n".join([text, *map(printable, self.result.output_lines)])

    def _repr_html_(self) -> str:
        table = results_html(self.payload, max(1, len(self.result.hits)))
        return table + "".join(map(line_html, self.result.output_lines))

    def to_pandas(self) -> Any:
        """The hits as a DataFrame: rank, document_id, score, rank and score per leg, fields."""
        return hits_frame(self.payload, self.payload["hits"])

    @property
    def payload(self) -> dict[str, JSON]:
        """The result as the playground's payload, with the documents of its hits."""
        names = view_ids(self.result.hits)
        found: dict[str, JSON] = {
            "retriever": self.result.retriever,
            "query": dict(self.result.query),
            "fusion": dict(self.result.fusion),
            "legs": [asdict(leg) for leg in self.result.legs],
            "documents": {
                name: {"fields": dict(hit.fields), "lineage": dict(hit.lineage)}
                for name, hit in zip(names, self.result.hits, strict=True)
            },
            "hits": [
                {**_hit(hit), "document_id": name}
                for name, hit in zip(names, self.result.hits, strict=True)
            ],
            "stages": [span.name for span in self.result.stages],
            "total": self.result.total,
            "warnings": list(self.result.warnings),
        }
        return found


def _hit(hit: Hit) -> dict[str, JSON]:
    """A hit as the playground's payload has it."""
    found: dict[str, JSON] = asdict(hit)
    return {**found, "stages": found.pop("effects")}
