"""What users write, checked key by key: errors name the path and the nearest key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mixpeek_lab.errors import RetrieverError, nearest
from mixpeek_lab.filters.values import MOST_PATH, path_problem
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.spellings import HARMLESS, NOT_YET, NULLED

MOST = 10_000
"""Candidates of a leg and hits of a page, at most."""

MOST_STAGES, MOST_SEARCHES = 64, 64
"""Stages of a retriever, and searches of its feature_search."""

MOST_NAMED = 64
"""Fields, features or facets that one parameter lists."""

MOST_COLLECTIONS = 100
"""Collections of a retriever."""

MOST_OFFSET = 1_000_000
"""Hits before a page: more than any search has."""

MOST_TEXT = 500_000
"""Characters of a query or a prompt: more than any model reads, less than a message between
processes."""

MOST_SEED = 2**53 - 1
"""The largest seed: JavaScript reads larger whole numbers with an error."""

SEARCH_NAMES = {"limit": "top_k", "pre_filters": "filters", "uri": "feature_uri"}
"""Other spellings of a search's keys."""


class Body(BaseModel):
    """What users write. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _path(path: str) -> str:
    problem = path_problem(path)
    if problem:
        raise ValueError(problem)
    return path


FieldPath = Annotated[str, Field(min_length=1, max_length=MOST_PATH), AfterValidator(_path)]
"""A field of documents; dots lead into objects."""


class SearchBody(Body):
    """One entry of `searches`."""

    name: str | None = Field(None, min_length=1)
    feature_uri: str | None = None
    feature: str | None = None
    lexical: bool | None = None
    query: Any = None
    top_k: int = Field(100, ge=1, le=MOST)
    min_score: float | None = None
    weight: float | None = None
    filters: Any = None


class FusionBody(Body):
    """A fusion as an object."""

    strategy: str = "rrf"
    k: float | None = None
    weights: list[float] | dict[str, float] | None = None


class GroupByBody(Body):
    """`group_by` of a feature_search."""

    field: FieldPath
    limit: int = Field(25, ge=1, le=MOST)
    group_size: int = Field(1, ge=1, le=MOST)
    output_mode: Literal["all", "first", "flatten"] = "all"


class FacetBody(Body):
    """One entry of `facets`. Counts are exact, whatever `exact` says."""

    key: FieldPath
    limit: int = Field(10, ge=1, le=1000)
    exact: bool = True
    scope: Literal["candidates", "collection"] = "candidates"
    """Count the documents that the searches found, or all that pass the filters of retriever and
    request."""


class QueryBody(Body):
    """`query` of a search, where it is an object."""

    input_mode: str | None = None
    value: Any = None
    text: str | None = None
    embedding_task: Literal["retrieval_query"] | None = None
    document_ref: Any = None
    exclude_self: bool = False


class ParametersBody(Body):
    """`parameters` of a feature_search."""

    searches: list[Any] = Field(min_length=1, max_length=MOST_SEARCHES)
    final_top_k: int = Field(25, ge=1, le=MOST)
    fusion: Any = None
    group_by: Any = None
    facets: Any = None
    min_score: float | None = None
    filters: Any = None


class RetrieverBody(Body):
    """A retriever, apart from its stages."""

    name: str | None = Field(None, min_length=1)
    description: str | None = None
    collections: Any = None
    fusion: Any = None
    filters: Any = None
    input_schema: dict[str, Any] | None = None


class RequestBody(Body):
    """A query."""

    inputs: dict[str, Any]
    limit: int | None = Field(None, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)
    filters: Any = None
    fusion: Any = None
    k: float | None = None
    weights: list[float] | dict[str, float] | None = None
    top_k: dict[str, Annotated[int, Field(ge=1, le=MOST)]] | None = None
    candidates: bool = False
    documents: int | None = Field(None, ge=0, le=MOST)
    seed: int | None = Field(None, ge=0, le=MOST_SEED)


_SHOWN = 200
"""Characters of a wrong value in an error."""

B = TypeVar("B", bound=Body)


def checked(
    model: type[B],
    body: Mapping[str, JSON],
    where: str,
    names: Mapping[str, str] = MappingProxyType({}),
    beside: Sequence[str] = (),
    later: Collection[str] = (),
) -> B:
    """`body` as a `model`, its keys brought from other spellings (`names`) first.

    `beside` are keys that the user may write next to these, read elsewhere. Values of the keys
    `later` are not final: they are kept as they are. Raises RetrieverError with the path as the
    user spelt it, the problem and the nearest key.
    """
    spelt = {names[key]: key for key in body if key in names}
    body = renamed(body, names, where)
    known = known_keys(model)
    kept = {key: value for key, value in body.items() if key not in HARMLESS or key in known}
    for key in [key for key in kept if key in NOT_YET and key not in known]:
        if kept.pop(key) not in (None, False, [], {}, "all", "flatten", "error"):
            raise RetrieverError(f"{joined(where, key)} is not part of this version yet.")
    try:
        return model.model_validate(kept)
    except ValidationError as error:
        errors = [
            each
            for each in error.errors(include_url=False)
            if each["type"] == "extra_forbidden" or each["loc"][:1] not in [(k,) for k in later]
        ]
        if errors:
            raise RetrieverError(_explained(errors, model, where, spelt, beside)) from error
        return model.model_construct(**kept)


def known_keys(model: type[BaseModel]) -> list[str]:
    """The keys that a body may have, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def renamed(body: Mapping[str, JSON], names: Mapping[str, str], where: str) -> dict[str, JSON]:
    """`body` with other spellings of its keys replaced. Null counts as absent."""
    found: dict[str, JSON] = {}
    for key, value in body.items():
        name = names.get(key, key)
        if value is None or (value == "null" and name in NULLED):
            continue
        if name in found and found[name] != value:
            raise RetrieverError(f"{joined(where, key)}: {name!r} is given twice, differently.")
        found[name] = value
    return found


def check_keys(body: Mapping[str, JSON], known: Sequence[str], where: str) -> None:
    """Raise RetrieverError for a key that is neither known nor harmless."""
    for key, value in body.items():
        if key in known or key in HARMLESS or (key in NOT_YET and not value):
            continue
        if key in NOT_YET:
            raise RetrieverError(f"{joined(where, key)} is not part of this version yet.")
        raise RetrieverError(f"{joined(where, key)}: unknown key. {_hint(str(key), known)}")


def mapping(value: JSON, where: str, example: str = "{...}") -> Mapping[str, JSON]:
    """`value` where it is an object, else RetrieverError."""
    if not isinstance(value, Mapping):
        raise RetrieverError(
            f"{where}: expected an object like {example}, got {type(value).__name__}."
        )
    return value


def _explained(
    errors: Sequence[Mapping[str, Any]],
    model: type[BaseModel],
    where: str,
    spelt: Mapping[str, str],
    beside: Sequence[str],
) -> str:
    # A misspelt key is also a missing one: the spelling is what helps.
    first = min(errors, key=lambda found: found["type"] != "extra_forbidden")
    if not first["loc"]:  # of several keys together
        return f"{where}: {str(first['msg']).removeprefix('Value error, ')}"
    key, *rest = first["loc"]
    path = joined(where, spelt.get(str(key), key), *rest)
    if first["type"] == "extra_forbidden":
        known = _known_at(model, first["loc"][:-1]) if rest else [*known_keys(model), *beside]
        return f"{path}: unknown key. {_hint(str(first['loc'][-1]), known)}"
    if first["type"] == "value_error":
        return f"{path}: {str(first['msg']).removeprefix('Value error, ')}"
    if first["type"] == "missing":
        return f"{path} is missing."
    if key == "weights":
        return (
            f"{path}: expected a number for each search, in order ([1, 0.5]) or by name "
            f"({{bm25: 0.5}}), got {first['input']!r}."
        )
    said = str(first["msg"])
    for word, plainer in _PLAINER.items():
        said = said.replace(word, plainer)
    return f"{path}: {said}, got {shown(first['input'])}."


_PLAINER = {"a valid tuple": "a list", "a valid dictionary": "an object"}
"""Python's words in pydantic's messages, and JSON's."""


def shown(value: Any) -> str:
    """A wrong value as an error tells it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _known_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys of the object at `loc` inside a `model`: of every kind that it may be."""
    models = [model]
    for part in _without_branches(loc):
        if isinstance(part, str):
            fields = [_fields(each).get(part) for each in models]
            models = [inner for kind in fields for inner in _models_in(kind)] or models
    return list(dict.fromkeys(key for each in models for key in known_keys(each)))


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation such as `tuple[Model, ...] | None`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from _models_in(inner)


def _hint(key: str, known: Sequence[str]) -> str:
    if "fusion" in known and key in FusionBody.model_fields:
        return "It is part of the fusion: `fusion: {strategy: rrf, k: 60, weights: [1, 0.5]}`."
    close = nearest(key, known)
    return f"Did you mean {close!r}?" if close else f"It takes {', '.join(known)}."


def joined(where: str, *loc: str | int) -> str:
    """A path: `joined("stages[0]", "searches", 1)` is `stages[0].searches[1]`."""
    path = where
    for part in _without_branches(loc):
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _without_branches(loc: Sequence[str | int]) -> Sequence[str | int]:
    """Without pydantic's names for the members of a union: `weights.list[float].0`."""
    return [part for part in loc if isinstance(part, int) or "[" not in part]
