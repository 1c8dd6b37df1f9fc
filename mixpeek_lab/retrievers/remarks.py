"""What a search says about its own answer: where less was found than asked for, and why."""

from __future__ import annotations

from collections.abc import Sequence

from mixpeek_lab.models import Leg
from mixpeek_lab.retrievers.bodies import MOST
from mixpeek_lab.retrievers.request import SearchRequest
from mixpeek_lab.retrievers.spec import RetrieverSpec, SearchLeg


def leg_remark(
    leg: SearchLeg,
    found: int,
    wanted: int,
    request: SearchRequest,
    *,
    is_filtered: bool,
    has_texts: bool = True,
) -> str | None:
    """Why a leg found nothing, or less than the filter may have been meant to leave."""
    if not leg.weight and not request.candidates:
        return f"Leg {leg.name!r} has weight 0 and was not searched."
    if not found and not has_texts:
        return (
            f"Leg {leg.name!r} found nothing: BM25 searches texts, and no document has one (URLs "
            "of images, audio, video and PDF are none). Search by vector, or let the extractor "
            'write a caption or transcript into batch["data"].'
        )
    if not found:
        return f"Leg {leg.name!r} found nothing: {_why_nothing(leg, is_filtered)}."
    if is_filtered and not leg.lexical and found < min(wanted, leg.top_k):
        return f"The filter left {found} documents for leg {leg.name!r}; {wanted} were wanted."
    return None


def cut_remark(legs: Sequence[Leg], total: int, wanted: int) -> str | None:
    """What kept a ranking of `total` documents below the `wanted` ones, where it is a top_k."""
    if total >= wanted:
        return None
    cut = [leg for leg in legs if leg.weight and len(leg.document_ids) >= leg.top_k]
    if not cut:
        return None
    told = ", ".join(f"{leg.name!r} stops at its top_k of {leg.top_k}" for leg in cut)
    return (
        f"{wanted} hits were wanted, but the searches gave {total} documents: {told}. "
        f"Raise top_k to {min(wanted, MOST)} to look further."
    )


def passed_remark(spec: RetrieverSpec, request: SearchRequest, total: int) -> str | None:
    """That the later stages get fewer documents than the request wants, where there are more."""
    wanted = request.offset + (request.limit or 0)
    if not spec.stages or spec.page_size >= min(wanted, total):
        return None
    return (
        f"{wanted} hits were wanted, but feature_search passes its best {spec.page_size} on to "
        f"stage {spec.stages[0].name!r}. Raise final_top_k (limit, in the short form)."
    )


def score_remark(spec: RetrieverSpec, kept: int, total: int) -> str | None:
    """That `min_score` left nothing of what was found."""
    if kept or not total:
        return None
    return (
        f"No fused score reaches min_score {spec.min_score:g} ({total} documents were found). "
        f"Scores of {spec.fusion.strategy} are not similarities: put the threshold of a "
        "similarity into its search."
    )


def _why_nothing(leg: SearchLeg, is_filtered: bool) -> str:
    reasons = ["no document holds its words" if leg.lexical else "its index is empty"]
    if is_filtered:
        reasons.append("the filter left none")
    if leg.min_score is not None:
        reasons.append("min_score left none")
    return ", or ".join(reasons)
