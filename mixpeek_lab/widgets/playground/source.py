"""The playground's settings as code: a `%%retriever` cell, and plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pprint import pformat
from typing import Any

from mixpeek_lab.models import JSON

WIDTH = 88
_INNER = ("facets", "group_by", "min_score")


def definition_of(body: Mapping[str, JSON], config: Mapping[str, JSON]) -> dict[str, JSON]:
    """A stored retriever with the settings of a playground in it, in the short form.

    `body` is its public JSON, `config` what `Playground.config` gives.
    """
    first, *later = body["stages"]
    parameters = first["parameters"]
    played = {leg["name"]: leg for leg in config["legs"]}
    found: dict[str, JSON] = {
        "collections": list(body["collection_identifiers"]),
        "searches": [
            _search(leg, played.get(leg["name"], {}), config.get("like"))
            for leg in parameters["searches"]
        ],
        "fusion": _fusion(config["fusion"]),
    }
    filters = _both(parameters.get("filters"), config.get("filters"))
    if filters:
        found["filters"] = filters
    found |= {name: parameters[name] for name in _INNER if parameters.get(name) is not None}
    # What the fusion hands to later stages is the retriever's own; else it is what is shown.
    found["limit"] = parameters["final_top_k"] if later else config["limit"]
    if later:
        found["stages"] = [_stage(stage) for stage in later]
    if body.get("description"):
        found["description"] = body["description"]
    return found


def with_settings(config: Mapping[str, JSON], settings: Mapping[str, JSON]) -> dict[str, JSON]:
    """A configuration with another fusion in it: `{strategy, k, weights, top_k}`."""
    weights, top_k = settings["weights"], settings.get("top_k") or {}
    legs = [
        {**leg, "weight": weights.get(leg["name"], leg["weight"])}
        | ({"top_k": top_k[leg["name"]]} if leg["name"] in top_k else {})
        for leg in config["legs"]
    ]
    fusion = {"strategy": settings["strategy"], "k": settings["k"]}
    return {**config, "fusion": fusion, "legs": legs}


def retriever_cell(name: str, definition: Mapping[str, JSON]) -> str:
    """The cell that defines the retriever: `%%retriever NAME` and YAML."""
    import yaml

    text = yaml.safe_dump(dict(definition), sort_keys=False, allow_unicode=True, width=WIDTH)
    return f"%%retriever {_free_name(name)}\n{text.rstrip()}\n"


def python_code(retriever: str, config: Mapping[str, JSON]) -> str:
    """The search as a call on `Lab`."""
    head = "from mixpeek_lab import current_lab\n\nresult = current_lab()"
    if config.get("like"):
        asked = {name: config[name] for name in ("limit", "filters")}
        request = {"document_id": config["like"]["document_id"], **asked}
        return f"{head}.playing.like(\n    {retriever!r},\n    {_pretty(request)},\n)\nresult"
    weights = {leg["name"]: leg["weight"] for leg in config["legs"]}
    fusion = {**config["fusion"], "weights": weights}
    if not config["fusion"]["strategy"].startswith("rrf"):
        fusion.pop("k")
    lines = [
        f"    {retriever!r},",
        f"    {config['query']!r},",
        f"    limit={config['limit']},",
        f"    fusion={_pretty(fusion)},",
    ]
    top_k = {leg["name"]: leg["top_k"] for leg in config["legs"] if leg.get("top_k")}
    if top_k:
        lines.append(f"    top_k={_pretty(top_k)},")
    if config.get("filters"):
        lines.append(f"    filters={_pretty(config['filters'])},")
    return "\n".join([f"{head}.search(", *lines, ")", "result"])


def _pretty(value: JSON) -> str:
    return pformat(value, sort_dicts=False, width=WIDTH - 8).replace("\n", "\n    ")


def _search(leg: Mapping[str, JSON], played: Mapping[str, JSON], like: JSON) -> dict[str, JSON]:
    found = {key: value for key, value in leg.items() if key != "lexical" or value}
    found |= {key: played[key] for key in ("weight", "top_k") if played.get(key) is not None}
    if like and not leg.get("lexical"):
        reference = {"document_id": like["document_id"]}
        found["query"] = {
            "input_mode": "document", "document_ref": reference, "exclude_self": True,
        }  # fmt: skip
    return found


def _fusion(fusion: Mapping[str, JSON]) -> JSON:
    has_k = fusion["strategy"].startswith("rrf") or fusion["strategy"] == "learned"
    return dict(fusion) if has_k else fusion["strategy"]


def _both(own: JSON, asked: JSON) -> JSON:
    return {"AND": [own, asked]} if own and asked else own or asked


def _stage(stage: Mapping[str, Any]) -> dict[str, JSON]:
    kept = {key: stage[key] for key in ("stage_name", "on_error") if key in stage}
    return {**kept, "config": stage["config"]}


def _free_name(name: str) -> str:
    """`docs` as `docs_tuned`, that as `docs_tuned_2`: the retriever itself is not replaced."""
    match = re.fullmatch(r"(.+_tuned)(?:_(\d+))?", name)
    if match is None:
        return f"{name}_tuned"
    return f"{match[1]}_{int(match[2] or 1) + 1}"
