"""A document as a stage reads and changes it: its text, its fields by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters.values import as_number, resolve
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.stage import StageContext

CONTENT, TEXT_COLUMN = "content", "data"
"""Mixpeek's name for a document's text, and the column that holds it here."""
MOST_NUMBER = 1e150
"""Numbers as large as this, and larger, count as none where stages compute with them."""
_COLUMNS = {
    "object_id": "root_object_id", "_bucket_id": "root_bucket_id", "_extractor": "extractor",
    "_run_id": "run_id", "_source_collection_id": "source_collection_id",
    "_source_document_id": "source_document_id",
}  # fmt: skip
"""Columns of stored documents, which filters know, by what they are called in a hit's lineage."""
NOT_STORED = frozenset((
    "score", "collection_id", "path", "chain", "source_object_id", "_row_key", *_COLUMNS.values(),
))  # fmt: skip
"""Names of a hit that no stored document's column has."""


def seen(hit: Hit) -> dict[str, JSON]:
    """A hit as filters and field paths see it: lineage, fields, ids and score by their names."""
    columns = {column: hit.lineage.get(name) for column, name in _COLUMNS.items()}
    ids = {"document_id": hit.document_id, "collection_id": hit.collection_id}
    return {**hit.lineage, **columns, **hit.fields, **ids, "score": hit.score}


def value_at(hit: Hit, path: str) -> JSON:
    """The value at a dotted path of what `seen` gives, None where there is none.

    `content` is the text column where the document has no field of that name.
    """
    found = resolve(seen(hit), path)
    return hit.fields.get(TEXT_COLUMN) if found is None and path == CONTENT else found


def number_at(hit: Hit, path: str) -> float | None:
    """The value at a path where it is a number, see `as_finite`."""
    number = as_finite(hit.score if path == "score" else value_at(hit, path))
    return None if number is None else float(number)


def as_finite(value: JSON) -> int | float | None:
    """`value` where it is a number that can be squared and summed, else None."""
    number = as_number(value)
    if number is None or not -MOST_NUMBER < number < MOST_NUMBER:
        return None
    return number if isinstance(number, int) else float(number)


def texts_of(
    hits: Sequence[Hit], field: str, most: int, context: StageContext
) -> tuple[list[str | None], tuple[str, ...]]:
    """The text of each document, cut to `most` characters, None where it has none; and a warning.

    RetrieverError where no document has the field.
    """
    texts = [_text(hit, field) for hit in hits]
    missing = texts.count(None)
    if hits and missing == len(hits):
        known = ", ".join(dict.fromkeys(name for hit in hits for name in hit.fields))
        raise RetrieverError(
            f"stage {context.stage!r}: no document has a text in the field {field!r}. "
            f"Give another document_field. Fields: {known or 'none'}."
        )
    warning = f"Stage {context.stage!r}: {missing} of {len(hits)} documents have no text in "
    warnings = (f"{warning}the field {field!r}.",) if missing else ()
    return [None if text is None else text[:most] for text in texts], warnings


def seen_by_templates(hit: Hit, field: str = CONTENT) -> dict[str, JSON]:
    """A document as `{{DOC.…}}` and a generating service see it: fields, ids, score, `content`.

    `content` is the text of `field`.
    """
    ids = {"document_id": hit.document_id, "collection_id": hit.collection_id}
    found: dict[str, JSON] = plain({"score": hit.score, **hit.fields, **ids})
    return {**found, CONTENT: plain(_text(hit, field))}


def with_field(hit: Hit, path: str, value: JSON, context: StageContext) -> Hit:
    """The hit with a field set; dots in the path are objects in objects. The rest is untouched.

    RetrieverError where something on the way is no object.
    """
    head, _, rest = path.partition(".")
    return replace(
        hit, fields={**hit.fields, head: _nested(hit.fields, head, rest, value, context)}
    )


def _nested(
    fields: Mapping[str, JSON], head: str, rest: str, value: JSON, context: StageContext
) -> JSON:
    if not rest:
        return value
    inner = fields.get(head)
    if inner is not None and not isinstance(inner, Mapping):
        raise RetrieverError(
            f"stage {context.stage!r}: a document has the field {head!r}, and it is no object: "
            f"{head}.{rest} cannot be set in it. Choose another field."
        )
    key, _, deeper = rest.partition(".")
    inner = inner or {}
    return {**inner, key: _nested(inner, key, deeper, value, context)}


def _text(hit: Hit, field: str) -> str | None:
    value = resolve(hit.fields, field)
    if field == CONTENT and not isinstance(value, str):
        value = hit.fields.get(TEXT_COLUMN, value)
    if value is None:
        return None
    return value if isinstance(value, str) else str(plain(value))
