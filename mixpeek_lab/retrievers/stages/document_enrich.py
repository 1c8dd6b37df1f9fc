"""`document_enrich`: each document gets what another collection says of the same thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import Condition
from mixpeek_lab.filters.values import resolve, scalars
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.conditions import chosen, replaced
from mixpeek_lab.retrievers.stages.documents import seen_by_templates, with_field
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

MOST_JOINED = 100_000
"""Documents of the other collection that one search may look at."""
MOST_MERGED = 1000
"""Fields that are named to be taken over."""
_OWN = ("document_id", "collection_id", "score")


class DocumentEnrichParameters(StageParameters):
    """The parameters of `document_enrich`, with Mixpeek's defaults."""

    target_collection_id: str | None = Field(None, min_length=1)
    """The other collection, by name or id. With a retriever, what it searches."""
    source_field: FieldPath | None = None
    """The field here, or of the lineage (`root_object_id`). A list looks up each of its values."""
    target_field: FieldPath = "document_id"
    """The field there that has to be equal, type and case included."""
    retriever_id: str | None = None
    """A retriever to ask in place of comparing fields."""
    retriever_config: dict[str, Any] | None = None
    """The same, defined here."""
    retriever_inputs: dict[str, Any] = Field(default_factory=dict)
    """Its inputs, with templates: `{"query": "{{DOC.title}}"}`."""
    fields_to_merge: list[FieldPath] | None = Field(None, max_length=MOST_MERGED)
    """Fields to take over; all where left out."""
    output_field: FieldPath | None = None
    """Where they go; the document itself where left out."""
    strategy: Literal["enrich", "replace", "append"] = "enrich"
    """Add the fields, put them in place of the document's own, or append them to a list in
    output_field."""
    multiple: bool = False
    """A list of all that match in output_field, in place of the first."""
    limit: int = Field(10, ge=1, le=1000)
    """How many, with `multiple`."""
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged."""
    allow_missing: bool = True
    """Whether documents without a match stay."""


Matches = Mapping[str, Sequence[Hit]]
"""Document id → what was found for it, best or first stored first."""


def run(
    hits: Sequence[Hit], parameters: DocumentEnrichParameters, context: StageContext
) -> Outcome:
    """Join. Order and scores stay."""
    _check(parameters, context)
    about = chosen(hits, parameters.when, context)
    matches = _asked(about, parameters, context) if _asks(parameters) else _joined(
        about, parameters, context
    )  # fmt: skip
    changed: dict[str, Hit | None] = {}
    for hit in about:
        found = matches.get(hit.document_id, ())
        if found:
            changed[hit.document_id] = _merged(hit, found, parameters, context)
        elif not parameters.allow_missing:
            changed[hit.document_id] = None
        elif parameters.output_field and parameters.strategy == "enrich":
            nothing: JSON = [] if parameters.multiple else None
            changed[hit.document_id] = with_field(hit, parameters.output_field, nothing, context)
    told = {key: {"matched": [m.document_id for m in found]} for key, found in matches.items()}
    lacking = sum(not matches.get(hit.document_id) for hit in about)
    warning = f"Stage {context.stage!r}: {lacking} of {len(about)} documents have no match."
    return Outcome(replaced(hits, changed), told, (warning,) if lacking else ())


def _check(parameters: DocumentEnrichParameters, context: StageContext) -> None:
    where = f"stage {context.stage!r}"
    if _asks(parameters):
        return
    if parameters.target_collection_id is None or parameters.source_field is None:
        raise RetrieverError(
            f"{where}: give target_collection_id, source_field and target_field, or a retriever_id "
            "with retriever_inputs."
        )
    if (parameters.multiple or parameters.strategy == "append") and not parameters.output_field:
        raise RetrieverError(f"{where}: a list needs an output_field.")


def _asks(parameters: DocumentEnrichParameters) -> bool:
    return parameters.retriever_id is not None or parameters.retriever_config is not None


def _joined(
    hits: Sequence[Hit], parameters: DocumentEnrichParameters, context: StageContext
) -> Matches:
    """Equal values, looked up in one go."""
    keys = {
        hit.document_id: _keys({**hit.lineage, **seen_by_templates(hit)}, parameters.source_field)
        for hit in hits
    }
    wanted = list({key: None for own in keys.values() for key in own})
    if not wanted:
        return {}
    among = tuple(value for _, value in wanted)
    there = context.reach.documents(
        parameters.target_collection_id or "",
        Condition(parameters.target_field, "in", among, case_sensitive=True),
        MOST_JOINED,
    )
    by_key: dict[Any, list[Hit]] = {}
    for other in there:
        for key in _keys(seen_by_templates(other), parameters.target_field):
            by_key.setdefault(key, []).append(other)
    found = {}
    for document_id, own in keys.items():
        matching = {m.document_id: m for key in own for m in by_key.get(key, ())}
        found[document_id] = list(matching.values())
    return found


def _keys(document: Mapping[str, JSON], field: str | None) -> dict[tuple[str, Any], None]:
    """A field's values with their kinds: 1 is 1.0, and neither "1" nor true."""
    found: dict[tuple[str, Any], None] = {}
    for value in scalars(plain(resolve(document, field or ""))):
        if isinstance(value, str | bool | int | float):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            found["number" if is_number else type(value).__name__, value] = None
    return found


def _asked(
    hits: Sequence[Hit], parameters: DocumentEnrichParameters, context: StageContext
) -> Matches:
    """What a retriever finds for each document."""
    config = parameters.retriever_config
    asked: Any = parameters.retriever_id
    if config is not None:
        own = parameters.target_collection_id
        asked = {"name": f"{context.stage} join", **({"collection": own} if own else {}), **config}
    most = parameters.limit if parameters.multiple else 1
    context.few_enough(len(hits), "searches")
    found = {}
    for hit in hits:
        document = seen_by_templates(hit)
        inputs = context.render(parameters.retriever_inputs, "retriever_inputs", document)
        request = {"inputs": inputs, "limit": most}
        found[hit.document_id] = context.reach.search(asked, request).hits
    return found


def _merged(
    hit: Hit, found: Sequence[Hit], parameters: DocumentEnrichParameters, context: StageContext
) -> Hit:
    values = [_taken(other, parameters) for other in found[: parameters.limit]]
    where = parameters.output_field
    if where is None:
        own = {} if parameters.strategy == "replace" else dict(hit.fields)
        kept = {key: value for key, value in values[0].items() if key not in _OWN}
        return replace(hit, fields={**own, **kept})
    value: JSON = values if parameters.multiple else values[0]
    if parameters.strategy == "append":
        before = resolve(hit.fields, where)
        listed = before if isinstance(before, list) else [] if before is None else [before]
        value = [*listed, *(values if parameters.multiple else values[:1])]
    bare = replace(hit, fields={}) if parameters.strategy == "replace" else hit
    return with_field(bare, where, value, context)


def _taken(other: Hit, parameters: DocumentEnrichParameters) -> dict[str, JSON]:
    """The fields of the other document, those that are wanted."""
    ids: dict[str, JSON] = {"document_id": other.document_id, "collection_id": other.collection_id}
    if _asks(parameters):
        ids["score"] = other.score
    document: dict[str, JSON] = {**plain(other.fields), **ids}
    if parameters.fields_to_merge is None:
        return document
    return {path: resolve(document, path) for path in parameters.fields_to_merge}


STAGE = Stage(
    "document_enrich",
    "Join documents of another collection, by equal fields or through a retriever.",
    DocumentEnrichParameters,
    run,
    names={
        "collection_id": "target_collection_id",
        "lookup_field": "target_field",
        "result_field": "output_field",
        "select_fields": "fields_to_merge",
    },
    templates=("retriever_inputs", "retriever_config"),
    fields=("source_field", "when"),
    icon="combine",
)
