"""The shapes in which a retriever's stages are written, all brought to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON
from mixpeek_lab.retrievers.bodies import (
    MOST_STAGES,
    SEARCH_NAMES,
    ParametersBody,
    check_keys,
    checked,
    joined,
    mapping,
    renamed,
)
from mixpeek_lab.retrievers.stages import FIRST, StageSpec
from mixpeek_lab.retrievers.stages.parsing import parameters_of, parse_stages, stage_id_of

_NAMES = {
    "limit": "final_top_k",
    "pre_filters": "filters",
    "fusion_strategy": "fusion",
    "score_threshold": "min_score",
}
SHORT_KEYS = (
    "searches", "limit", "final_top_k", "group_by", "facets", "min_score", "stages",
)  # fmt: skip
"""Parameters that the short form has among the retriever's own keys."""

_STAGE_KEYS = (
    "stage_name", "stage_type", "stage_id", "config", "parameters", "feature_search",
    "description", "pre_filters", "filters",
)  # fmt: skip
_CONFIG_KEYS = ("stage_id", "parameters", "pre_filters", "filters")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of the feature_search, and where the user wrote them."""

    body: ParametersBody
    where: str = ""
    are_stages: bool = False
    """Whether each search is a stage of its own."""

    @property
    def is_short(self) -> bool:
        """Whether they were written without stages."""
        return not self.where and not self.are_stages

    def place(self, index: int) -> str:
        """Where search number `index` was written."""
        if self.are_stages:
            return f"stages[{index}].feature_search"
        return joined(self.where, "searches", index)


def read_stages(top: dict[str, JSON]) -> tuple[Parameters, tuple[StageSpec, ...]]:
    """Take the feature_search and the later stages out of a retriever.

    In the short form the searches stand in the retriever itself, and `stages` holds later ones.
    """
    stages = top.pop("stages", None)
    if stages is None or (stages == [] and "searches" in top):
        return _short_parameters(top), ()
    if not isinstance(stages, Sequence) or isinstance(stages, str) or not stages:
        raise RetrieverError("stages: expected a list with at least one stage.")
    if len(stages) > MOST_STAGES:
        raise RetrieverError(
            f"stages: there are {len(stages):,}; {MOST_STAGES} are the most that a retriever has."
        )
    entries = [mapping(stage, f"stages[{i}]") for i, stage in enumerate(stages)]
    is_short = "searches" in top
    first = 0 if is_short else _leading(entries)
    expanded = None if first or is_short else _expanded(entries[0])
    if expanded is not None:
        return expanded, parse_stages([(e, f"stages[{i}]") for i, e in enumerate(entries)])
    if not first and not is_short:
        raise RetrieverError(
            f"stages[0]: a retriever begins with {FIRST}. Put it first, or write `searches` "
            "beside `stages`."
        )
    parameters = _short_parameters(top) if is_short else _stage_parameters(entries[:first])
    later = [(entry, f"stages[{i}]") for i, entry in enumerate(entries) if i >= first]
    return parameters, parse_stages(later)


def _expanded(stage: Mapping[str, JSON]) -> Parameters | None:
    """What a query_expand searches with, where a retriever begins with one: a feature_search."""
    if stage_id_of(stage, "stages[0]") != "query_expand":
        return None
    parameters, where = parameters_of(stage, "stages[0]")
    config = parameters.get("feature_search_config") if isinstance(parameters, Mapping) else None
    if config is None:
        return None
    where = f"{where}.feature_search_config"
    given = mapping(config, where, "{searches}")
    given = given if "searches" in given else {"searches": [given]}
    return Parameters(checked(ParametersBody, given, where, _NAMES), where)


def _leading(entries: Sequence[Mapping[str, JSON]]) -> int:
    """How many of the stages are the feature_search that they begin with."""
    for i, entry in enumerate(entries):
        if stage_id_of(entry, f"stages[{i}]") != FIRST:
            return i
    return len(entries)


def _short_parameters(top: dict[str, JSON]) -> Parameters:
    """Take the parameters out of a retriever in the short form."""
    if "searches" not in top:
        close = get_close_matches("searches", [key for key in top if key != "stages"], n=1)
        wrong = f" You wrote {close[0]!r}." if close else ""
        raise RetrieverError(
            f"searches is missing.{wrong} A retriever needs `searches` (a list of "
            "{feature: my_embedding} or {lexical: true}) or `stages`."
        )
    given = {key: top.pop(key) for key in SHORT_KEYS if key in top}  # `stages` is out already
    return Parameters(checked(ParametersBody, given, "", _NAMES))


def _stage_parameters(entries: Sequence[Mapping[str, JSON]]) -> Parameters:
    """Read the feature_search: the seed's, the public or the flat form."""
    if all("feature_search" in stage for stage in entries):
        return _seed_parameters(entries)
    found = [_one_parameters(stage, f"stages[{i}]") for i, stage in enumerate(entries)]
    if len(found) > 1:
        raise RetrieverError(
            "stages[1]: one feature_search runs per retriever. List several `searches` in it."
        )
    return found[0]


def _seed_parameters(stages: Sequence[Mapping[str, JSON]]) -> Parameters:
    """Each stage is a search of its own, called by its stage_id."""
    searches: list[dict[str, JSON]] = []
    for i, stage in enumerate(stages):
        where = f"stages[{i}]"
        check_keys(stage, _STAGE_KEYS, where)
        search = mapping(stage["feature_search"], f"{where}.feature_search", "{feature_uri, limit}")
        if "searches" in search:
            return _only_stage(stages, search, f"{where}.feature_search")
        label = stage.get("stage_name") or stage.get("stage_id")
        named = {} if label in (None, "feature_search") else {"name": label}
        given = _with_filters(search, stage, where)
        searches.append({**named, **renamed(given, SEARCH_NAMES, f"{where}.feature_search")})
    limits = [search["top_k"] for search in searches if isinstance(search.get("top_k"), int)]
    body = {"searches": searches} | ({"final_top_k": max(limits)} if limits else {})
    return Parameters(checked(ParametersBody, body, "stages"), are_stages=True)


def _only_stage(
    stages: Sequence[Mapping[str, JSON]], search: Mapping[str, JSON], where: str
) -> Parameters:
    if len(stages) > 1:
        raise RetrieverError(f"{where}.searches: a stage with `searches` must be the only one.")
    return Parameters(checked(ParametersBody, search, where, _NAMES), where)


def _one_parameters(stage: Mapping[str, JSON], where: str) -> Parameters:
    check_keys(stage, _STAGE_KEYS, where)
    if "config" in stage:
        config, inside = mapping(stage["config"], f"{where}.config"), f"{where}.config"
        check_keys(config, _CONFIG_KEYS, inside)
    else:
        config, inside = stage, where
    inside = f"{inside}.parameters"
    given = mapping(config.get("parameters", stage.get("parameters")), inside, "{searches}")
    for beside in (config, stage) if config is not stage else (stage,):
        given = _with_filters(given, beside, where)
    return Parameters(checked(ParametersBody, given, inside, _NAMES), inside)


def _with_filters(
    given: Mapping[str, JSON], beside: Mapping[str, JSON], where: str
) -> Mapping[str, JSON]:
    """The parameters with the filters that stand beside them in the stage."""
    filters = beside.get("pre_filters") or beside.get("filters")
    if not filters:
        return given
    if given.get("pre_filters") or given.get("filters"):
        raise RetrieverError(f"{where}: filters stand beside the parameters and in them.")
    return {**given, "filters": filters}
