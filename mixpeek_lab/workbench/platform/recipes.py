"""What a collection is made with: the extractor that `feature_extractor` names, in any spelling."""

from __future__ import annotations

from collections.abc import Mapping

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.errors import BodyError, NotFoundError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown
from mixpeek_lab.workbench.platform.ids import extractor_id, find_extractor
from mixpeek_lab.workbench.refs import version_of

WHERE = "feature_extractor."
NAME, IDS = "feature_extractor_name", ("feature_extractor_id", "plugin_id", "extractor_id")
"""`sec_filing_embedder` with a `version` beside it; `sec_filing_embedder_1_0_0`."""
KIND = "extractor_type"
FIELDS = (NAME, *IDS, "version", "input_mappings", "parameters", "params",
          "include_all_source_fields", "field_passthrough")  # fmt: skip


def wanted_config(body: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The one extractor of a request: `feature_extractor`, or a list of one."""
    several = optional(body, "feature_extractors", list)
    config: Mapping[str, JSON]
    if several is None or body.get("feature_extractor") is not None:
        config = required(body, ("feature_extractor",), dict)
    elif len(several) != 1 or not isinstance(several[0], Mapping):
        raise BodyError.at(
            "feature_extractors",
            f"holds {len(several)}: a collection has one. Make a collection for each: a retriever "
            "searches several.",
        )
    else:
        config = several[0]
    demand_known(config, FIELDS, WHERE)
    _check_passthrough(optional(config, "field_passthrough", list, WHERE) or [])
    return config


def wanted_extractor(catalog: Catalog, config: Mapping[str, JSON]) -> ExtractorRecord:
    """The extractor, by name and version or by id. BodyError where the two do not agree."""
    version = optional(config, "version", str, WHERE)
    records = {}
    for field in (NAME, *IDS):
        key = optional(config, field, str, WHERE)
        if key is not None:
            records[field] = _found(catalog, key, version)
    if not records:
        required(config, (NAME,), str, WHERE)
    first, *others = records.items()
    for field, record in others:
        if record.source.digest != first[1].source.digest:
            manifest = first[1].manifest
            raise BodyError.at(
                f"{WHERE}{field}",
                f"is {shown(config[field])}, and {first[0]} says "
                f"{extractor_id(manifest.name, manifest.version)}.",
            )
    return first[1]


def wanted_parameters(config: Mapping[str, JSON], record: ExtractorRecord) -> dict[str, JSON]:
    """`parameters`, which older clients call `params`; without the `extractor_type` beside them.

    BodyError where that names another extractor. Mixpeek's generated client makes any plain
    dictionary into parameters of its audio extractor, and what was in it is lost.
    """
    found = optional(config, "parameters", dict, WHERE)
    found = dict((optional(config, "params", dict, WHERE) if found is None else found) or {})
    kind, manifest = found.get(KIND), record.manifest
    if kind in (manifest.name, extractor_id(manifest.name, manifest.version), "custom_plugin"):
        del found[KIND]
    elif isinstance(kind, str) and kind.endswith("_extractor"):
        raise BodyError.at(
            f"{WHERE}parameters.{KIND}",
            f"is {kind!r}, and the extractor is {manifest.name!r}. Mixpeek's generated client "
            "turns a plain dict into another extractor's parameters: send "
            f'CustomPluginParams(extractor_type="{manifest.name}", …), or none.',
        )
    return found


def _found(catalog: Catalog, key: str, version: str | None) -> ExtractorRecord:
    if version is None:
        return find_extractor(catalog, key)
    wanted = version_of(catalog, key, version)
    try:
        return catalog.extractor(key, version=wanted)
    except NotFoundError as missing:  # the id of a version, or no version of that name
        try:
            record = find_extractor(catalog, key)
        except NotFoundError:
            raise missing from None
        if record.manifest.name == key:
            raise
    if record.manifest.version != wanted:
        raise BodyError.at(
            f"{WHERE}version", f"is {version!r}, and {key!r} is {record.manifest.version}."
        )
    return record


def _check_passthrough(entries: list[JSON]) -> None:
    """Documents carry every field of their object, under its name: only that can be asked for."""
    for number, entry in enumerate(entries):
        where = f"{WHERE}field_passthrough[{number}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("source_path"), str):
            raise BodyError.at(where, 'must be {"source_path": "FIELD"}.')
        source, target = entry["source_path"], entry.get("target_path")
        if target not in (None, source, source.rpartition(".")[2]) or entry.get("default"):
            raise BodyError.at(
                where, "renames or replaces a field: documents have their object's fields as they "
                "are."
            )  # fmt: skip
