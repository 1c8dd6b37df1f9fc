"""What a collection is to be made of: the `source` of a request, in any spelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import BodyError, FilterError, InvalidInputError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import JSON, CollectionSource, SourceKind
from mixpeek_lab.workbench.cycles import demand_sound
from mixpeek_lab.workbench.origins import demand_alike, demand_once
from mixpeek_lab.workbench.platform.bodies import demand_known, optional, required, shown, texts

COMMON = ("type", "source_filters")
FIELDS: dict[SourceKind, tuple[str, ...]] = {
    "bucket": (*COMMON, "bucket_id", "bucket_ids"),
    "collection": (*COMMON, "collection_id", "collection_ids", "inherited_bucket_ids"),
}
"""`inherited_bucket_ids` is what answers say: it follows from the collections, and is not read."""
ELSEWHERE = {
    "source_namespace_id": "buckets of another namespace are not read here: leave it out.",
    "field_map": "fields are not chosen or renamed here: documents have those of their source as "
    "they are.",
}


def wanted_source(catalog: Catalog, body: Mapping[str, JSON]) -> CollectionSource:
    """{type: bucket, bucket_id | bucket_ids} or {type: collection, collection_id | …_ids}.

    BodyError for what does not fit, NotFoundError.
    """
    source = required(body, ("source",), dict)
    kind = _kind(source)
    for name, why in ELSEWHERE.items():
        if source.get(name):
            raise BodyError.at(f"source.{name}", why)
    demand_known(source, FIELDS[kind], "source.")
    names = _names(source, kind)
    find: Callable[[str], str] = (
        (lambda name: catalog.bucket(name).bucket_id)
        if kind == "bucket"
        else (lambda name: catalog.collection(name).collection_id)
    )
    ids = [find(name) for name in names]
    try:
        demand_once(names, ids)
        if kind == "bucket":
            demand_alike([catalog.bucket(key) for key in ids])
    except InvalidInputError as error:
        raise BodyError.at(f"source.{kind}_ids", str(error)) from error
    wanted = CollectionSource(kind, tuple(ids))
    demand_sound(catalog, wanted)
    return wanted


def wanted_filters(body: Mapping[str, JSON], where: str) -> JSON:
    """`source_filters`, as it is or within `filters`, checked; None where there is none."""
    given = optional(body, "source_filters", dict, where)
    if not given:
        return None
    inner = given.get("filters", given)
    try:
        parse_filter(inner)
    except FilterError as error:
        raise BodyError.at(f"{where}source_filters", f"is no filter: {error}") from error
    return inner or None


def _kind(source: Mapping[str, JSON]) -> SourceKind:
    given = source.get("type")
    if given is None:
        return "collection" if {"collection_id", "collection_ids"} & source.keys() else "bucket"
    if given == "bucket":
        return "bucket"
    if given == "collection":
        return "collection"
    raise BodyError.at("source.type", f"is {shown(given)}: it is bucket or collection.")


def _names(source: Mapping[str, JSON], kind: SourceKind) -> list[str]:
    """One or several, in either spelling; both where they say the same."""
    one = optional(source, f"{kind}_id", str, "source.")
    several = texts(source, f"{kind}_ids", "source.")
    if several is None:
        return [required(source, (f"{kind}_id",), str, "source.")]
    if not several:
        raise BodyError.at(f"source.{kind}_ids", f"is empty: name the {kind} that it is made of.")
    if one is not None and one not in several:
        raise BodyError.at(
            f"source.{kind}_id",
            f"is {shown(one)}, which {kind}_ids does not hold. Send one of both.",
        )
    return several
