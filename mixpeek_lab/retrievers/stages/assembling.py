"""Documents written one after the other, within a budget of tokens: what models are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.documents import CONTENT, seen_by_templates
from mixpeek_lab.retrievers.stages.generation import filled
from mixpeek_lab.retrievers.stages.stage import StageContext
from mixpeek_lab.retrievers.stages.tokens import count, cut

Strategy = Literal["in_order", "by_score", "evenly", "whole"]
"""Which documents are cut where there are too many: `in_order` and `by_score` write one after the
other and cut the last one that fits in part, `evenly` gives each an equal share, `whole` takes
complete ones until one does not fit."""


@dataclass(frozen=True, slots=True)
class Written:
    """One document as it is written."""

    hit: Hit
    index: int
    """From 1, in the order they are written in."""
    text: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Assembled:
    """The documents that found a place, and how many did not."""

    documents: tuple[Written, ...]
    dropped: int
    separator: str

    @property
    def text(self) -> str:
        """All of them."""
        return self.separator.join(each.text for each in self.documents)

    @property
    def cut(self) -> int:
        """How many are not whole."""
        return sum(each.is_cut for each in self.documents)


def assembled(
    hits: Sequence[Hit],
    template: str,
    field: str,
    most: int | None,
    strategy: Strategy,
    context: StageContext,
    separator: str = "",
    marks: Mapping[str, str] | None = None,
) -> Assembled:
    """Write the documents by a template, in at most `most` tokens, separators included.

    `marks` is document id → `{{CITATION}}`; without it, `[index]`.
    """
    if strategy == "by_score":
        hits = sorted(hits, key=lambda hit: -hit.score)
    texts = [
        _written(hit, index, template, field, context, marks)
        for index, hit in enumerate(hits, start=1)
    ]
    if most is None:
        return Assembled(tuple(texts), 0, separator)
    between = count(separator)
    kept = _evenly(texts, most, between) if strategy == "evenly" else []
    if strategy != "evenly":
        kept = _one_by_one(texts, most, between, whole=strategy == "whole")
    return Assembled(tuple(kept), len(texts) - len(kept), separator)


def _written(
    hit: Hit,
    index: int,
    template: str,
    field: str,
    context: StageContext,
    marks: Mapping[str, str] | None,
) -> Written:
    document = seen_by_templates(hit, field)
    if document[CONTENT] is None:
        document = {**document, CONTENT: ""}
    mark = f"[{index}]" if marks is None else marks.get(hit.document_id, "")
    names: dict[str, JSON] = {"INDEX": index, "CITATION": mark}
    text = filled(template, names, context, f"document_template for {hit.document_id}", document)
    return Written(hit, index, text)


def _one_by_one(texts: Sequence[Written], most: int, between: int, *, whole: bool) -> list[Written]:
    kept: list[Written] = []
    left = most
    for each in texts:
        left -= between if kept else 0
        fitting = _fitted(each, left)
        if fitting is None or (whole and fitting.is_cut):
            break
        kept.append(fitting)
        if fitting.is_cut:
            break
        left -= count(fitting.text)
    return kept


def _evenly(texts: Sequence[Written], most: int, between: int) -> list[Written]:
    if not texts:
        return []
    share = (most - between * (len(texts) - 1)) // len(texts)
    fitted = (_fitted(each, share) for each in texts)
    return [each for each in fitted if each is not None]


def _fitted(each: Written, most: int) -> Written | None:
    """The document in at most so many tokens; None where not a word of it has a place."""
    text = cut(each.text, most)
    if text == each.text:
        return each
    if not text.strip():
        return None
    return Written(each.hit, each.index, text, is_cut=True)
