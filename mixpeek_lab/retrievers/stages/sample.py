"""`sample`: keep some of the documents, by chance; they keep their order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

from pydantic import Field, model_validator

from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers.bodies import MOST, MOST_SEED, FieldPath
from mixpeek_lab.retrievers.stages.documents import value_at
from mixpeek_lab.retrievers.stages.sorting import identity
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters


class SampleParameters(StageParameters):
    """The parameters of `sample`, with Mixpeek's defaults."""

    count: int = Field(10, ge=1, le=MOST)
    """Documents to keep, at most."""
    strategy: Literal["random", "stratified", "reservoir"] = "random"
    """`stratified`: from each value of `stratify_by` about as many as its share of the documents.
    `random` and `reservoir` both give every document the same chance."""
    stratify_by: FieldPath | None = None
    """The field whose values are the strata. Documents without it are one of their own."""
    min_per_stratum: int = Field(1, ge=0, le=MOST)
    """Documents of each stratum, at least, as far as `count` suffices."""
    seed: int | None = Field(None, ge=-MOST_SEED, le=MOST_SEED)
    """The same seed and documents give the same sample. Without one, each search draws anew."""
    preserve_top_k: int = Field(0, ge=0, le=MOST)
    """Documents with the highest scores that are always kept. They count."""

    @model_validator(mode="after")
    def _check(self) -> SampleParameters:
        if self.strategy == "stratified" and self.stratify_by is None:
            raise ValueError("strategy 'stratified' needs `stratify_by`: the field to stratify by.")
        return self


def run(hits: Sequence[Hit], parameters: SampleParameters, _: StageContext) -> Outcome:
    """Draw without replacement."""
    if parameters.count >= len(hits):
        return Outcome(list(hits))
    chance = Random(parameters.seed)
    by_score = sorted(range(len(hits)), key=lambda i: -hits[i].score)
    kept = by_score[: min(parameters.preserve_top_k, parameters.count)]
    left = sorted(set(range(len(hits))).difference(kept))
    count = parameters.count - len(kept)
    if parameters.strategy == "stratified":
        drawn = _stratified(hits, left, count, parameters, chance)
    elif parameters.strategy == "reservoir":
        drawn = _reservoir(left, count, chance)
    else:
        drawn = chance.sample(left, count)
    return Outcome([hits[i] for i in sorted([*kept, *drawn])])


def _reservoir(left: Sequence[int], count: int, chance: Random) -> list[int]:
    drawn = list(left[:count])
    for seen, i in enumerate(left[count:], start=count + 1):
        place = chance.randrange(seen)
        if place < count:
            drawn[place] = i
    return drawn


def _stratified(
    hits: Sequence[Hit],
    left: Sequence[int],
    count: int,
    parameters: SampleParameters,
    chance: Random,
) -> list[int]:
    strata: dict[str, list[int]] = {}
    for i in left:
        strata.setdefault(identity(value_at(hits[i], parameters.stratify_by or "")), []).append(i)
    sizes = [len(members) for members in strata.values()]
    shares = _shares(sizes, count, parameters.min_per_stratum)
    return [
        i
        for members, share in zip(strata.values(), shares, strict=True)
        for i in chance.sample(members, share)
    ]


def _shares(sizes: Sequence[int], count: int, least: int) -> list[int]:
    """How many of each stratum: at least `least` while there are enough, then by its share."""
    total, shares = sum(sizes), [0] * len(sizes)
    for _ in range(min(least, count)):
        for i, size in enumerate(sizes):
            if sum(shares) < count and shares[i] < size:
                shares[i] += 1
    while sum(shares) < count:
        open_ = [i for i, size in enumerate(sizes) if shares[i] < size]
        # The stratum that lacks most of its share; the first of several.
        shares[max(open_, key=lambda i: (count * sizes[i] - total * shares[i], -i))] += 1
    return shares


STAGE = Stage(
    "sample",
    "Keep some of the documents, by chance: all alike, or from each value of a field.",
    SampleParameters,
    run,
    names={"size": "count"},
    fields=("stratify_by",),
    icon="dices",
)
