"""Which extractor is meant: by a feature's URI, or by a name with or without a version."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.models import JSON, Manifest
from mixpeek_lab.retrievers import ExtractorRef
from mixpeek_lab.uris import FeatureURI, normalise_version
from mixpeek_lab.workbench.refs import find_version, untagged_uri

_PLATFORM_NAME = re.compile(r"(?P<name>.+?)_(?P<version>v?\d+(?:_\d+){0,2})\Z")
"""Mixpeek's name of a deployed version, its dots as underscores: `my_embedder_1_0_0`."""


_UNVERSIONED = re.compile(r"mixpeek://(?P<name>[^@/]+)/(?P<feature>[^/]+)\Z")


def ref_of(text: str) -> ExtractorRef:
    """`mixpeek://name@version/feature`, with or without `@version`, or `name`, `name@version`,
    `name_1_0_0`."""
    return ExtractorRef(text, is_uri="://" in text)


def addressed(body: Mapping[str, JSON]) -> ExtractorRef:
    """The extractor in a request's `feature_uri`, else in its `inference_name`."""
    for key, is_uri in (("feature_uri", True), ("inference_name", False)):
        value = body.get(key)
        if isinstance(value, str) and value:
            return ExtractorRef(value, is_uri)
    if body.get("provider") or body.get("model"):
        raise InvalidInputError(
            "`provider` and `model` ask a platform's own model, and the lab has none. Give the "
            "`feature_uri` or the `inference_name` of an extractor."
        )
    raise InvalidInputError("Say which service: `feature_uri`, or `inference_name`.")


def find_extractor(catalog: Catalog, ref: ExtractorRef) -> tuple[ExtractorRecord, str | None]:
    """The extractor and the feature that is asked for, None where only the extractor is named.

    A version stands for what was committed as it, else for the newest code under it; a tag for its
    version; no version for the current code. NotFoundError, or InvalidInputError where the address
    is malformed.
    """
    return _found(catalog, ref, catalog.extractor)


def find_served(catalog: Catalog, ref: ExtractorRef) -> tuple[ExtractorRecord, str | None]:
    """The same, as the endpoint takes it: no version stands for the one that is served.

    That is the current one once it is deployed, and until then the newest that is: a new version
    takes over when it is up, and where it does not come up the one before goes on. Where none is
    deployed, the current code.
    """
    return _found(catalog, ref, partial(_served, catalog))


def _served(catalog: Catalog, name: str) -> ExtractorRecord:
    return catalog.extractor(name, digest=catalog.deployed_digest(name))


def _found(
    catalog: Catalog, ref: ExtractorRef, unversioned: Callable[[str], ExtractorRecord]
) -> tuple[ExtractorRecord, str | None]:
    if not ref.is_uri:
        return _named(catalog, ref.text, unversioned), None
    if (found := _UNVERSIONED.match(ref.text.strip())) is not None:
        record, feature = unversioned(found["name"]), found["feature"]
    else:
        uri = FeatureURI.parse(untagged_uri(catalog, ref.text))
        record, feature = catalog.extractor(uri.extractor, version=uri.version), uri.feature
    _check_feature(record.manifest, feature)
    return record, feature


def check_request(inputs: JSON, parameters: JSON) -> None:
    """Raise InvalidInputError where either is no object."""
    if not isinstance(inputs, Mapping) or not isinstance(parameters, Mapping):
        raise InvalidInputError('`inputs` and `parameters` are objects: {"text": "…"}.')


def with_index(
    manifest: Manifest, inputs: Mapping[str, JSON], feature: str | None
) -> Mapping[str, JSON]:
    """The inputs with the `vector_index` that is asked for, where an embedding's feature is."""
    names = [vector.feature_name for vector in manifest.vectors]
    return {"vector_index": feature, **inputs} if feature in names else inputs


def _named(
    catalog: Catalog, text: str, unversioned: Callable[[str], ExtractorRecord]
) -> ExtractorRecord:
    name, _, version = text.partition("@")
    if version:
        return find_version(catalog, name, version)
    try:
        return unversioned(name)
    except NotFoundError:
        found = _PLATFORM_NAME.match(name)
        if found is None:
            raise
        version = normalise_version(found["version"].replace("_", "."))
        return catalog.extractor(found["name"], version=version)


def _check_feature(manifest: Manifest, feature: str) -> None:
    """NotFoundError for a feature that the manifest lacks.

    One that declares no features at all has nothing else to be called by.
    """
    known = [declared.feature_name for declared in manifest.features]
    if manifest.feature_uri is not None:
        known.append(FeatureURI.parse(manifest.feature_uri).feature)
    if known and feature not in known:
        raise NotFoundError("feature", feature, known)
