"""What a later stage is: parameters, the inference type it needs, and one function over hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, field_validator

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import render
from mixpeek_lab.models import JSON, Hit, InferenceType
from mixpeek_lab.retrievers.bodies import MOST_TEXT, Body, FieldPath
from mixpeek_lab.retrievers.stages.names import category_of
from mixpeek_lab.retrievers.stages.reach import NO_REACH, ExtractorRef, Infer, Reach

OnError = Literal["error", "skip"]

MOST_CALLS = 1000
"""Calls, prompts, queries or searches that one stage makes for one search: one for each document,
as a rule."""
OWN_NAMES = frozenset(("document_id", "collection_id", "score", "_internal", "explain"))
"""What an answer says of each document itself: a stage's output of that name would be lost."""


class StageParameters(Body):
    """The parameters of a stage. Unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
    not_written: ClassVar[frozenset[str]] = OWN_NAMES
    """Names that the stage's output cannot have."""

    @field_validator(
        "output_field", "context_field", "citations_field", "formatted_content_field",
        "include_array_index", "mmr_score_field", check_fields=False,
    )  # fmt: skip
    @classmethod
    def _is_shown(cls, name: str | None) -> str | None:
        """`name`, unless the answer would show something else there."""
        if name is not None and name.partition(".")[0] in cls.not_written:
            raise ValueError(
                f"{name!r} cannot be written by a stage: an answer says it of each document "
                "itself. Choose another name."
            )
        return name


class ExtractorParameters(StageParameters):
    """The parameters of a stage that asks an extractor's realtime service."""

    feature_uri: str | None = None
    inference_name: str | None = None
    document_field: FieldPath = "content"
    """The field with the document's text; `content` is the text column `data` where there is no
    text of that name."""

    @property
    def has_extractor(self) -> bool:
        """Whether one is named."""
        return self.feature_uri is not None or bool(self.inference_name)

    @property
    def needs_extractor(self) -> bool:
        """Whether one has to be."""
        return True

    @property
    def extractor(self) -> ExtractorRef:
        """Whom to ask. `feature_uri` counts where both are given, as it does for Mixpeek."""
        if self.feature_uri is not None:
            return ExtractorRef(self.feature_uri, is_uri=True)
        return ExtractorRef(self.inference_name or "", is_uri=False)


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a stage may know and call."""

    stage: str
    """The stage's name in its retriever, for errors."""
    inputs: Mapping[str, JSON]
    """Of the request, for templates."""
    text: str | None
    """The request's own text."""
    infer: Infer
    values: Mapping[str, JSON] = field(default_factory=dict)
    """`{{CONTEXT.…}}` of templates: see `running.context_values`."""
    reach: Reach = NO_REACH
    """What else may be called: search, embed, vectors, documents, llm, http, sql, secret."""

    def render(self, value: JSON, what: str, document: Mapping[str, JSON] | None = None) -> JSON:
        """`value` with its templates filled in; `what` names the parameter in errors.

        InvalidInputError, see `filters.render`.
        """
        where = f"stage {self.stage!r}, {what}"
        return render(value, self.inputs, where, document, self.values)

    def query(self, template: str | None) -> str:
        """The query in `template`, or the request's own text. RetrieverError for none."""
        where = f"stage {self.stage!r}, query"
        found = self.text if template is None else self.render(template, "query")
        if not isinstance(found, str) or not found.strip():
            raise RetrieverError(
                f"{where}: there is no text. Send one with the request, or write it in `query`."
            )
        return self.short_enough(found, "query")

    def few_enough(self, count: int, what: str) -> None:
        """RetrieverError where one search would make more calls of a kind than it may."""
        if count > MOST_CALLS:
            raise RetrieverError(
                f"stage {self.stage!r}: {count:,} {what} for one search; {MOST_CALLS:,} are the "
                "most. Put a limit before it."
            )

    def short_enough(self, text: str, what: str) -> str:
        """`text`, unless it is longer than anything reads: RetrieverError."""
        if len(text) > MOST_TEXT:
            raise RetrieverError(
                f"stage {self.stage!r}: the {what} has {len(text):,} characters; "
                f"{MOST_TEXT:,} are the most."
            )
        return text


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage made of its hits, best first. Their ranks are set by the caller."""

    hits: Sequence[Hit]
    found: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    """document id → what the stage found out, for the hit's explanation."""
    warnings: tuple[str, ...] = ()
    output: Mapping[str, JSON] = field(default_factory=dict)
    """What it says of the answer as a whole: `facets` and `groups` (lists), `summary`,
    `aggregations`. It stands at the answer's root, and in the stage's statistics."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of stage: an entry of the table in `stages/__init__.py`."""

    stage_id: str
    description: str
    parameters: type[StageParameters]
    run: Callable[[Sequence[Hit], Any, StageContext], Outcome]
    """(hits, parameters, context) → outcome."""
    needs: InferenceType | None = None
    """The inference_type of the extractor that it asks."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Other spellings of its parameters."""
    templates: tuple[str, ...] = ()
    """Parameters whose templates the stage fills in itself, for each document perhaps. Any other
    parameter with a template is filled in and checked once for each request."""
    fields: tuple[str, ...] = ()
    """Parameters that name fields of documents, or hold a filter over them: one that no document
    has is told, see `absent`."""
    icon: str = "layers"
    """A name of lucide.dev, for pictures of a pipeline."""

    @property
    def category(self) -> str:
        """filter, sort, reduce, apply or enrich."""
        return category_of(self.stage_id)


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage of a retriever, after its feature_search."""

    name: str
    """Unique in its retriever."""
    stage_id: str
    parameters: StageParameters
    where: str = field(default="", compare=False)
    """Where the user wrote which extractor it asks, for errors."""
    on_error: OnError = "error"
    """Whether a failure ends the search, or the stage is skipped with a warning."""
    given: Mapping[str, JSON] | None = field(default=None, hash=False)
    """The parameters as written, where some hold templates that each request fills in."""
