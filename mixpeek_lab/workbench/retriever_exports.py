"""Retrievers as the JSON that Mixpeek's `POST /v1/retrievers` takes, and back.

Mixpeek's form is stricter than ours: each search has a feature_uri and a query, inputs are
declared, collections are names. What that hides of ours (names of searches, a search of words that
has no feature) goes along in the retriever's own `metadata`, where nobody else looks.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mixpeek_lab.catalog import Catalog, RetrieverRecord
from mixpeek_lab.catalog.commits import with_texts
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.missing import expanded, no_path
from mixpeek_lab.models import JSON, Manifest

OURS = "mixpeek_lab"
"""The key of our own in a retriever's metadata."""
SEARCH = "feature_search"
QUERY = {"input_mode": "text", "value": "{{INPUT.query}}"}
INPUTS = {"query": {"type": "text", "description": "What to look for.", "required": True}}
TYPES = ("filter", "sort", "reduce", "apply", "enrich")
"""Mixpeek's categories of stages. It knows a stage's own by its id."""
MOST_SEARCHES, MOST_HITS = 10, 5_000
OPTIONAL = ("name", "query", "feature_uri")
"""Keys of a search that we do without."""


def exported(catalog: Catalog, record: RetrieverRecord) -> dict[str, JSON]:
    """The retriever's JSON. NotFoundError where a collection of it is gone.

    Ids of collections are this lab's own: their names stand in their place.
    """
    collections = [catalog.collection(key) for key in record.body.get("collection_identifiers", ())]
    names = {found.collection_id: found.name for found in catalog.collections()}
    body: dict[str, Any] = with_texts(dict(record.body), lambda text: names.get(text, text))
    ours: dict[str, JSON] = {"searches": [], "input_schema": body.get("input_schema", {})}
    stages = [_stage(stage) for stage in body.get("stages", ())]
    for stage in stages:
        if stage["config"].get("stage_id") == SEARCH:
            made = [catalog.extractor(c.extractor, digest=c.extractor_digest) for c in collections]
            manifests = [found.manifest for found in made]
            ours["searches"] = _complete(stage["config"]["parameters"], manifests)
    return {
        "retriever_name": record.name,
        "description": body.get("description") or None,
        "collection_identifiers": [collection.name for collection in collections],
        "input_schema": body.get("input_schema") or INPUTS,
        "stages": stages,
        "metadata": {OURS: ours},
    }


def imported(body: Mapping[str, JSON], name: str | None = None) -> tuple[str, dict[str, JSON]]:
    """A retriever's name, and its JSON as it was before it was exported; any other as it is."""
    if not isinstance(body, Mapping):
        raise InvalidInputError("A retriever's JSON is an object: {retriever_name, stages, …}.")
    told: dict[str, Any] = copy.deepcopy(dict(body))
    called = name or told.get("retriever_name") or told.get("name")
    if not isinstance(called, str) or not called:
        raise InvalidInputError("The JSON has no retriever_name: give the retriever a name.")
    metadata = told.pop("metadata", None)
    ours = metadata.get(OURS) if isinstance(metadata, Mapping) else None
    if isinstance(ours, Mapping):
        told["input_schema"] = ours.get("input_schema", told.get("input_schema"))
        _restore(told.get("stages"), ours.get("searches"))
    told["retriever_name"] = called
    return called, {key: value for key, value in told.items() if value is not None}


def hosted_problems(body: Mapping[str, JSON]) -> list[str]:
    """What Mixpeek would not take of exported JSON, in sentences; none as a rule."""
    problems = []
    for stage in body["stages"]:
        if stage["config"].get("stage_id") != SEARCH:
            continue
        parameters = stage["config"]["parameters"]
        searches = parameters.get("searches", [])
        if len(searches) > MOST_SEARCHES:
            problems.append(f"{len(searches)} searches: Mixpeek takes {MOST_SEARCHES}.")
        if parameters.get("final_top_k", 1) > MOST_HITS:
            problems.append(f"final_top_k is over Mixpeek's {MOST_HITS:,}.")
        for number, search in enumerate(searches):
            where = f"searches[{number}]"
            if not 0 <= search.get("weight", 1) <= 1:
                problems.append(f"{where}.weight is {search['weight']:g}: Mixpeek's are 0 to 1.")
            if not 0 <= search.get("min_score", 0) <= 1:
                problems.append(f"{where}.min_score is not within Mixpeek's 0 to 1.")
            if search.get("top_k", 1) > MOST_HITS:
                problems.append(f"{where}.top_k is over Mixpeek's {MOST_HITS:,}.")
            if "feature_uri" not in search:
                problems.append(f"{where} has no feature_uri: Mixpeek wants one.")
    return problems


def to_text(body: Mapping[str, JSON]) -> str:
    """Exported JSON as the text of a file."""
    return f"{json.dumps(body, indent=2, ensure_ascii=False)}\n"


def write_export(body: Mapping[str, JSON], file: str | Path) -> Path:
    """Write exported JSON; InvalidInputError where the file cannot be written."""
    path = expanded(file)
    try:
        path.write_text(to_text(body), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def read_export(file: str | Path) -> Mapping[str, JSON]:
    """Exported JSON from a file; InvalidInputError where it is none."""
    path = expanded(file)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInputError(no_path(file, "file")) from error
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{path} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"{path}: a retriever's JSON is an object, {{retriever_name, …}}.")
    return found


def _stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The stage without the echo of its parameters, and without a category of our own."""
    kept = {key: value for key, value in stage.items() if key != "parameters"}
    if kept.get("stage_type") not in TYPES:
        kept.pop("stage_type", None)
    return kept


def _complete(parameters: dict[str, Any], manifests: Sequence[Manifest]) -> list[JSON]:
    """Give each search what Mixpeek wants of it. What they were without, one entry each."""
    searches = parameters.get("searches", [])
    uris = [s["feature_uri"] for s in searches if s.get("feature_uri")]
    uris += [m.uri(vector.feature_name) for m in manifests for vector in m.vectors]
    before = []
    for search in searches:
        before.append({key: search.pop(key, None) for key in OPTIONAL})
        search["query"] = QUERY if before[-1]["query"] is None else before[-1]["query"]
        uri = before[-1]["feature_uri"] or next(iter(uris), None)
        search |= {"feature_uri": uri} if uri else {}
    group = parameters.get("group_by")
    if isinstance(group, dict) and "group_size" in group:
        group["max_per_group"] = group.pop("group_size")
    return before


def _restore(stages: JSON, before: JSON) -> None:
    """Put back what `_complete` noted, where the searches are still those."""
    for stage in stages if isinstance(stages, list) else ():
        config = stage.get("config") if isinstance(stage, dict) else None
        if not isinstance(config, dict) or config.get("stage_id") != SEARCH:
            continue
        searches = (config.get("parameters") or {}).get("searches")
        if not isinstance(searches, list) or not isinstance(before, list):
            continue
        if len(searches) != len(before):
            raise InvalidInputError(
                f"The exported JSON has {len(searches)} searches, and its metadata.{OURS} tells of "
                f"{len(before)}. Remove metadata.{OURS}, and import it again."
            )
        for search, told in zip(searches, before, strict=True):
            _undo(search, told)


def _undo(search: JSON, told: JSON) -> None:
    """One search as it was; what was changed since it was exported stays."""
    if not isinstance(search, dict) or not isinstance(told, dict):
        return
    if told.get("name"):
        search.setdefault("name", told["name"])
    if told.get("query") is None and search.get("query") == QUERY:
        search.pop("query")
    if told.get("feature_uri") is None and search.get("lexical"):
        search.pop("feature_uri", None)
