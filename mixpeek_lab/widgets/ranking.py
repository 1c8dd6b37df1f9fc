"""What the playground knows after a search: cached candidates, fused as the sliders say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.fusion import Fused, Ranking, fuse
from mixpeek_lab.models import Leg
from mixpeek_lab.widgets.media import media_text, thumbnail
from mixpeek_lab.widgets.places import name_of, place_of
from mixpeek_lab.widgets.static import MOST_PICTURES

if TYPE_CHECKING:
    import pandas as pd

LONGEST_TEXT = 4000
"""Characters of one field that a view gets; longer ones are cut there."""


@dataclass(frozen=True, slots=True)
class FusionChoice:
    """How candidates are fused: the strategy, k (for rrf), and a weight per leg name."""

    strategy: str
    k: float
    weights: Mapping[str, float]
    top_k: Mapping[str, int] = field(default_factory=dict)
    """Leg name → candidates that count; all there are of a leg that is not named."""


def legs_of(payload: Mapping[str, Any], top_k: Mapping[str, int] | None = None) -> tuple[Leg, ...]:
    """The legs of a search payload with all their candidates, or the first `top_k` of them."""
    most = top_k or {}
    return tuple(
        Leg(
            name=leg["name"],
            kind=leg.get("kind", "dense"),
            weight=float(leg.get("weight", 1.0)),
            document_ids=tuple(leg["document_ids"][: most.get(leg["name"])]),
            scores=tuple(leg["scores"][: most.get(leg["name"])]),
        )
        for leg in payload.get("legs", ())
    )


def delivered_choice(payload: Mapping[str, Any]) -> FusionChoice:
    """The fusion that the retriever itself used."""
    fusion = payload.get("fusion", {})
    return FusionChoice(
        strategy=fusion.get("strategy", "rrf"),
        k=float(fusion.get("k", 60)),
        weights={leg["name"]: float(leg.get("weight", 1.0)) for leg in payload.get("legs", ())},
    )


def is_delivered(payload: Mapping[str, Any], choice: FusionChoice) -> bool:
    """Whether a choice is what the retriever itself answered with: no leg is cut, either."""
    own = delivered_choice(payload)
    legs = payload.get("legs", ())
    is_cut = any(_is_cut(leg, choice.top_k) for leg in legs)
    return not is_cut and replace(choice, top_k={}) == own


def ranked_hits(
    payload: Mapping[str, Any], choice: FusionChoice, limit: int
) -> list[dict[str, Any]]:
    """The first `limit` hits under `choice`, in the payload's form.

    The retriever's own fusion gives its own hits, with whatever later stages did to them; any
    other fuses the cached candidates, and shows the order before those stages.
    """
    fused = _fused_anew(payload, choice, limit)
    if fused is None:
        return [dict(hit) for hit in payload.get("hits", ())[:limit]]
    return [_hit(rank, each) for rank, each in enumerate(fused[:limit], start=1)]


def ranked_scores(
    payload: Mapping[str, Any], choice: FusionChoice, limit: int
) -> list[tuple[str, float]]:
    """The documents of `ranked_hits` with their scores, and no more."""
    fused = _fused_anew(payload, choice, limit)
    if fused is None:
        return [(hit["document_id"], hit["score"]) for hit in payload.get("hits", ())[:limit]]
    return [(each.document_id, each.score) for each in fused[:limit]]


def _fused_anew(payload: Mapping[str, Any], choice: FusionChoice, limit: int) -> Ranking | None:
    """The candidates as `choice` fuses them; None where the retriever's own hits stand."""
    hits = payload.get("hits", ())
    is_own = is_delivered(payload, choice)
    if is_own and payload.get("stages"):
        return None
    fused = _fused(payload, choice)
    if is_own:
        own = [hit["document_id"] for hit in hits]
        if len(hits) >= limit or own != [each.document_id for each in fused[: len(own)]]:
            return None
    return fused


def with_hits(
    payload: Mapping[str, Any], choice: FusionChoice, hits: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The payload with the hits under `choice` in it.

    Where that is the order before the retriever's later stages, a warning says so.
    """
    stages = payload.get("stages", ())
    if not stages or is_delivered(payload, choice):
        return {**payload, "hits": list(hits)}
    note = (
        f"This is the order before {', '.join(stages)}: those stages ran on the retriever's own "
        "fusion. Set it back to see what they make of it."
    )
    total = len(_fused(payload, choice))
    warnings = [*payload.get("warnings", ()), note]
    return {**payload, "hits": list(hits), "stages": [], "total": total, "warnings": warnings}


def hits_frame(payload: Mapping[str, Any], hits: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per hit: rank, document_id, score, `<leg>_rank` and `<leg>_score` of every leg,
    `fused_rank` and `fused_score` where later stages ran, then the document's fields (called
    `fields.<name>` where the name is taken).
    """
    import pandas as pd

    legs = [leg["name"] for leg in payload.get("legs", ())]
    documents = payload.get("documents", {})
    rows = [_frame_row(hit, documents.get(hit["document_id"], {})) for hit in hits]
    parts = [f"{leg}_{what}" for leg in legs for what in ("rank", "score")]
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["rank", "document_id", "score"])
    ranks = {f"{leg}_rank": "Int64" for leg in legs if f"{leg}_rank" in frame}
    first = ["rank", "document_id", "score", *(part for part in parts if part in frame)]
    return frame[[*first, *(name for name in frame if name not in first)]].astype(ranks)


def slim(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload for a view: texts cut to what it can show, files as a line of text.

    A document of a file gets `media`, that line, `media_kind`, `place` (see `place_of`) and
    `is_local`; the first hits that are local images a `thumbnail` as well: a data URI. A file of
    this machine is called by its name: no path goes to a view.
    """
    given = payload.get("documents", {})
    documents = {key: _slim(document) for key, document in given.items()}
    for hit in payload.get("hits", ())[:MOST_PICTURES]:
        document = documents.get(hit["document_id"])
        if document and document["media"]:
            full = given[hit["document_id"]]
            document["thumbnail"] = thumbnail(full["fields"], full.get("lineage", {}))
    return {**payload, "documents": documents}


def _is_cut(leg: Mapping[str, Any], top_k: Mapping[str, int]) -> bool:
    count = len(leg["document_ids"])
    return top_k.get(leg["name"], count) < count


def _slim(document: Mapping[str, Any]) -> dict[str, Any]:
    fields, lineage = document.get("fields", {}), document.get("lineage", {})
    text = media_text(fields, lineage)
    if not text:
        return {**document, "fields": _cut(fields), "media": ""}
    url, kind = str(fields["data"]), str(lineage.get("blob_type") or "")
    is_local = url.startswith("file:///")
    if is_local:
        name = name_of(url)
        fields = {**fields, "data": name}
        text = f"{text.partition(': ')[0]}: {name}".removeprefix(": ")
    about = {"media": text, "media_kind": kind, "is_local": is_local}
    return {**document, "fields": _cut(fields), **about, "place": place_of(fields, kind)}


def _fused(payload: Mapping[str, Any], choice: FusionChoice) -> Ranking:
    legs = legs_of(payload, choice.top_k)
    # The weights of `learned` were drawn when the retriever ran; here they are set by hand.
    strategy = "rrf" if choice.strategy == "learned" else choice.strategy
    names = {leg.name for leg in legs}
    weights = {name: weight for name, weight in choice.weights.items() if name in names}
    return fuse(legs, strategy, k=choice.k, weights=weights)


def _hit(rank: int, fused: Fused) -> dict[str, Any]:
    return {
        "document_id": fused.document_id,
        "rank": rank,
        "score": fused.score,
        "contributions": [asdict(part) for part in fused.contributions],
    }


def _frame_row(hit: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    row = {"rank": hit["rank"], "document_id": hit["document_id"], "score": hit["score"]}
    for part in hit.get("contributions", ()):
        row[f"{part['leg']}_rank"] = part["rank"]
        row[f"{part['leg']}_score"] = part["score"]
    for effect in hit.get("stages", ())[:1]:
        row |= {"fused_rank": effect["rank_before"], "fused_score": effect["score_before"]}
    for name, value in document.get("fields", {}).items():
        row[f"fields.{name}" if name in row else name] = value
    return row


def _cut(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value[:LONGEST_TEXT] + "…"
        if isinstance(value, str) and len(value) > LONGEST_TEXT
        else value
        for name, value in fields.items()
    }
