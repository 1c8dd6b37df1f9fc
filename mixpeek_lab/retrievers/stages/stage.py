"""What a later stage is: parameters, the inference type it needs, and one function over hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.filters import render
from mixpeek_lab.models import JSON, Hit, InferenceType
from mixpeek_lab.retrievers.bodies import MOST_TEXT, Body


@dataclass(frozen=True, slots=True)
class ExtractorRef:
    """How a stage names its extractor: a feature's URI, or a name with or without a version."""

    text: str
    is_uri: bool


class StageParameters(Body):
    """The parameters of a stage. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ExtractorParameters(StageParameters):
    """The parameters of a stage that asks an extractor's realtime service."""

    feature_uri: str | None = None
    inference_name: str | None = None
    document_field: str = "content"
    """The field with the document's text; `content` is the text column `data` where there is no
    text of that name."""

    @property
    def extractor(self) -> ExtractorRef:
        """Whom to ask. `feature_uri` counts where both are given, as it does for Mixpeek."""
        if self.feature_uri is not None:
            return ExtractorRef(self.feature_uri, is_uri=True)
        return ExtractorRef(self.inference_name or "", is_uri=False)


Infer = Callable[[ExtractorRef, Sequence[Mapping[str, JSON]]], Sequence[Mapping[str, JSON]]]
"""(extractor, several inputs) → its service's answers, in the same order, checked against the
contract of its inference_type. Raises ExtractorError, or EngineError where it is not deployed."""


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

    def query(self, template: str | None) -> str:
        """The query in `template`, or the request's own text. RetrieverError for none."""
        where = f"stage {self.stage!r}, query"
        found = self.text if template is None else render(template, self.inputs, where)
        if not isinstance(found, str) or not found.strip():
            raise RetrieverError(
                f"{where}: there is no text. Send one with the request, or write it in `query`."
            )
        return self.short_enough(found, "query")

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


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage of a retriever, after its feature_search."""

    name: str
    """Unique in its retriever."""
    stage_id: str
    parameters: StageParameters
    where: str = field(default="", compare=False)
    """Where the user wrote which extractor it asks, for errors."""
