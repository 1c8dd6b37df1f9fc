"""Reads the stages after feature_search, in each of the shapes that a stage is written in.

short, seed   {stage_type?, stage_id?: label, rerank: {…}}
public        {stage_name, stage_type, config: {stage_id: rerank, parameters: {…}}}
flat          {stage_type, stage_id: rerank, parameters: {…}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mixpeek_lab.errors import InvalidInputError, RetrieverError
from mixpeek_lab.filters import check_template, has_template
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import check_keys, checked, mapping, renamed
from mixpeek_lab.retrievers.stages import AVAILABLE
from mixpeek_lab.retrievers.stages.names import FIRST, all_stages, category_of, check_stage
from mixpeek_lab.retrievers.stages.stage import (
    ExtractorParameters,
    OnError,
    Stage,
    StageContext,
    StageParameters,
    StageSpec,
)
from mixpeek_lab.uris import FeatureURI

STAGE_KEYS = (
    "stage_name", "stage_type", "stage_id", "config", "parameters", "description", "on_error",
)  # fmt: skip
STAGE_FILTERS = ("filters", "pre_filters")
CONFIG_KEYS = ("stage_id", "parameters")
_ON_ERROR: Mapping[object, OnError] = {
    None: "error", "error": "error", "fail": "error", "raise": "error",
    "skip": "skip", "continue": "skip",
}  # fmt: skip
"""What may be written as a stage's on_error. Mixpeek has `error` and `skip`."""


class _Written(NamedTuple):
    """A stage as it was written: id, label if it has one, parameters and their place."""

    stage_id: str
    label: JSON
    parameters: JSON
    where: str


def stage_id_of(entry: Mapping[str, JSON], where: str) -> str:
    """Which stage an entry of `stages` is. RetrieverError where it does not say, or is unknown."""
    keyed = _keyed(entry)
    if keyed:
        check_stage(keyed[0], AVAILABLE, f"{where}.{keyed[0]}")
        return keyed[0]
    config = entry.get("config")
    inside = where
    if "config" in entry:
        config, inside = mapping(config, f"{where}.config"), f"{where}.config"
    found = (config or entry).get("stage_id") or entry.get("stage_id")
    if found is None:
        for key, value in entry.items():  # a misspelt `{rerank: {…}}`
            if key not in (*STAGE_KEYS, *STAGE_FILTERS) and isinstance(value, Mapping):
                check_stage(key, AVAILABLE, f"{where}.{key}")
        raise RetrieverError(f"{inside}.stage_id is missing, for example {FIRST}.")
    check_stage(found, AVAILABLE, f"{inside}.stage_id")
    return str(found)


def parse_stages(entries: Sequence[tuple[Mapping[str, JSON], str]]) -> tuple[StageSpec, ...]:
    """Read the later stages, given each with its place. Raises RetrieverError with the path."""
    found: list[StageSpec] = []
    for entry, where in entries:
        stage_id = stage_id_of(entry, where)
        if stage_id == FIRST:
            raise RetrieverError(
                f"{where}: {FIRST} comes before the other stages. List several `searches` in it."
            )
        written = _written(entry, stage_id, where)
        name = _name(written, {FIRST, *(spec.name for spec in found)}, where)
        parameters, given = _parameters(written)
        found.append(
            StageSpec(
                name,
                stage_id,
                parameters,
                _asked_at(written, parameters),
                _on_error(entry.get("on_error"), where),
                given,
            )
        )
    return tuple(found)


def parameters_of(entry: Mapping[str, JSON], where: str) -> tuple[JSON, str]:
    """A stage's parameters as they are written, and their place."""
    written = _written(entry, stage_id_of(entry, where), where)
    return written.parameters, written.where


def filled_in(spec: StageSpec, context: StageContext) -> StageParameters:
    """The stage's parameters for one request: those with templates filled in, and checked now.

    RetrieverError or InvalidInputError where what a request fills in does not fit.
    """
    if spec.given is None:
        return spec.parameters
    stage, where = AVAILABLE[spec.stage_id], f"stage {spec.name!r}"
    given = {
        key: context.render(value, key) if _waits(stage, key, value) else value
        for key, value in spec.given.items()
    }
    found = checked(stage.parameters, given, where)
    if isinstance(found, ExtractorParameters):
        return _with_extractor(found, stage, where)
    return found


def as_public(spec: StageSpec) -> dict[str, JSON]:
    """The stage in the public shape, its parameters echoed beside its config."""
    parameters = spec.given
    if parameters is None:
        parameters = spec.parameters.model_dump(mode="json", exclude_none=True, by_alias=True)
    return {
        "stage_name": spec.name,
        "stage_type": category_of(spec.stage_id),
        "config": {"stage_id": spec.stage_id, "parameters": parameters},
        "parameters": parameters,
        **({} if spec.on_error == "error" else {"on_error": spec.on_error}),
    }


def _keyed(entry: Mapping[str, JSON]) -> list[str]:
    """The stages that the entry has as a key: `{rerank: {…}}`."""
    return [key for key in all_stages() if key in entry]


def _written(entry: Mapping[str, JSON], stage_id: str, where: str) -> _Written:
    keyed = _keyed(entry)
    check_keys(entry, (*STAGE_KEYS, *keyed[:1]), where)
    if keyed:
        label = entry.get("stage_name") or entry.get("stage_id")
        return _Written(stage_id, label, entry[stage_id], f"{where}.{stage_id}")
    config, inside = entry, where
    if "config" in entry:
        config, inside = entry["config"], f"{where}.config"
        check_keys(config, CONFIG_KEYS, inside)
    parameters = config.get("parameters", entry.get("parameters"))
    return _Written(stage_id, entry.get("stage_name"), parameters, f"{inside}.parameters")


def _name(written: _Written, taken: set[str], where: str) -> str:
    if written.label not in (None, written.stage_id):
        if not isinstance(written.label, str) or written.label in taken:
            raise RetrieverError(f"{where}: a stage cannot be called {written.label!r} here.")
        return written.label
    number, name = 1, written.stage_id
    while name in taken:
        number += 1
        name = f"{written.stage_id}_{number}"
    return name


def _parameters(written: _Written) -> tuple[StageParameters, Mapping[str, JSON] | None]:
    """The parameters, and as written where some wait for a request to fill them in."""
    stage, where = AVAILABLE[written.stage_id], written.where
    given = mapping({} if written.parameters is None else written.parameters, where)
    given = renamed(given, stage.names, where)
    for key, value in given.items():
        for text in _texts(value):
            _check_template(text, f"{where}.{key}")
    waiting = [key for key, value in given.items() if _waits(stage, key, value)]
    found = checked(stage.parameters, written.parameters or {}, where, stage.names, later=waiting)
    if isinstance(found, ExtractorParameters):
        found = _with_extractor(found, stage, where)
    return found, given if waiting else None


def _on_error(written: JSON, where: str) -> OnError:
    try:
        return _ON_ERROR[written]
    except (KeyError, TypeError):
        raise RetrieverError(
            f"{where}.on_error: expected 'error' (the search fails) or 'skip' (it goes on without "
            f"the stage), got {written!r}."
        ) from None


def _texts(value: JSON) -> Iterator[str]:
    """The texts in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _texts(entry)


def _waits(stage: Stage, key: str, value: JSON) -> bool:
    """Whether each request fills the parameter in. Which extractor is asked is known before."""
    own = ("feature_uri", "inference_name", *stage.templates)
    return key not in own and has_template(value)


def _with_extractor(
    parameters: ExtractorParameters, stage: Stage, where: str
) -> ExtractorParameters:
    """The parameters with the feature's URI normalised."""
    if parameters.needs_extractor and not parameters.has_extractor:
        raise RetrieverError(
            f"{where}: stage {stage.stage_id} needs an extractor with inference_type "
            f"{stage.needs!r}: give its feature_uri, or its name as inference_name."
        )
    if parameters.feature_uri is None:
        return parameters
    try:
        uri = str(FeatureURI.parse(parameters.feature_uri))
    except InvalidInputError as error:
        raise RetrieverError(f"{where}.feature_uri: {error}") from error
    return parameters.model_copy(update={"feature_uri": uri})


def _asked_at(written: _Written, parameters: StageParameters) -> str:
    """The path of the key that names the extractor, as the user spelt it."""
    if not isinstance(parameters, ExtractorParameters) or not parameters.has_extractor:
        return written.where
    key = "feature_uri" if parameters.extractor.is_uri else "inference_name"
    names = AVAILABLE[written.stage_id].names
    spelt = next((given for given in written.parameters if names.get(given, given) == key), key)
    return f"{written.where}.{spelt}"


def _check_template(text: str, where: str) -> None:
    try:
        check_template(text, where)
    except InvalidInputError as error:
        raise RetrieverError(str(error)) from error
