"""Which field of the documents carries the ids that the judgements name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from mixpeek_lab.errors import InvalidInputError

PREFERRED = ("document_id", "object_id", "_id", "id", "doc_id", "docid", "corpus_id", "key")
"""Where several fields match as many ids, the first of these wins."""

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Match:
    """The field that carries the judged ids."""

    field: str
    ids: Mapping[str, str]
    """Document id → judged id."""
    found: int
    """How many of the judged documents are in the collections."""


def match_field(
    columns: Mapping[str, Sequence[str | None]],
    judged: Collection[str],
    field: str | None = None,
) -> Match:
    """The column that holds most of the judged ids, or the one called `field`.

    `columns` are the documents' ids and fields as texts, `document_id` among them, all of one
    length. InvalidInputError where no judged document is there: with the ids that are asked for,
    and what the fields hold.
    """
    if field is not None and field not in columns:
        raise InvalidInputError(
            f"id_field: no document has a field {field!r}. There is: {', '.join(columns)}."
        )
    named = {field: columns[field]} if field else columns
    counts = {name: len({v for v in values if v in judged}) for name, values in named.items()}
    best = max(counts, key=lambda name: (counts[name], -_place(name)), default="")
    if not best or not counts[best]:
        raise InvalidInputError(_nothing(named, judged, field))
    pairs = zip(columns["document_id"], columns[best], strict=True)
    ids = {str(key): value for key, value in pairs if value is not None}
    return Match(best, ids, counts[best])


def judged_order(hits: Iterable[tuple[str, float]]) -> list[str]:
    """What is measured of hits, (what judgements call it, score) each, the best first: each name
    once, where it stands first.

    Hits that tie stand in the order of their names: the ids of documents differ from lab to lab,
    and would move the numbers.
    """
    found: list[str] = []
    for _, tied in groupby(hits, key=itemgetter(1)):
        found += sorted(name for name, _ in tied)
    return list(dict.fromkeys(found))


def _place(name: str) -> int:
    return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED)


def _nothing(
    columns: Mapping[str, Sequence[str | None]], judged: Collection[str], field: str | None
) -> str:
    asked = ", ".join(sorted(judged)[:SHOWN])
    held = "; ".join(
        f"{name}: {', '.join(_short(value) for value in values[:SHOWN])}"
        for name, values in sorted(columns.items(), key=lambda pair: _place(pair[0]))
        if any(value is not None for value in values)
    )
    remedy = (
        "Name another field, or leave id_field out to have it found."
        if field
        else "Keep the corpus's ids in a field when the bucket is filled (a column `_id`)."
    )
    return (
        f"None of the {len(judged)} judged documents is in the retriever's collections. Judged are "
        f"{asked}, …; the documents have {held or 'nothing'}. {remedy}"
    )


def _short(value: str | None) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 24 else f"{text[:24]}…"
