"""The typed manifest: what an extractor accepts, produces and needs, checked when it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from mixpeek_lab.errors import InvalidInputError, ManifestError
from mixpeek_lab.manifests.feature_checks import KEYS, OPTIONAL_KEYS
from mixpeek_lab.manifests.features import WRONG_KEYS
from mixpeek_lab.manifests.profile import value_wanted
from mixpeek_lab.models import JSON, METRICS, ComputeProfile, Feature, InferenceType
from mixpeek_lab.uris import NAME, FeatureURI, normalise_version

__all__ = ["ExtractorDefinition", "ExtractorManifest"]


class ExtractorDefinition(BaseModel):
    """A package's entry in the hosted engine's registry. The lab reads nothing of it."""

    model_config = ConfigDict(extra="allow", frozen=True, arbitrary_types_allowed=True)

    name: str = Field(validation_alias=AliasChoices("name", "feature_extractor_name"))
    version: str = "1.0.0"
    extractor_function_path: Any = None
    requires_file_resolution: bool = False


class ExtractorManifest(BaseModel):
    """What an extractor declares. Raises ManifestError for anything Mixpeek would not take.

    `name` may be written for `feature_extractor_name`. `version` stays as it is written (`v1`);
    `feature_uri` has it normalised (`1.0.0`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    feature_extractor_name: str = Field(
        validation_alias=AliasChoices("feature_extractor_name", "name")
    )
    version: str = "1.0.0"
    description: str = ""
    category: str = ""
    features: list[Feature] = Field(default_factory=list)
    inference_type: InferenceType | None = None
    dependencies: list[str] = Field(default_factory=list)
    system_packages: list[str] = Field(default_factory=list)
    supported_input_types: list[str] = Field(default_factory=list)
    compute_profile: ComputeProfile = Field(default_factory=ComputeProfile)
    container_image: str | None = None
    feature_uri: str | None = None
    """The address of the first embedding feature, unless given; None where there is none."""
    icon: str | None = None
    author: str | None = None
    tier: int | str | None = None
    tier_label: str | None = None
    input_schema: Any = None
    output_schema: Any = None
    parameter_schema: Any = None
    input_mappings: Any = None
    example_input: Any = None
    example_output: Any = None
    serve_config: Any = None
    cost_rates: Any = None

    @model_validator(mode="wrap")
    @classmethod
    def _as_manifest_error(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        if isinstance(data, Mapping):
            _refuse_unknown(data)
        try:
            return handler(data)
        except ValidationError as error:
            raise ManifestError(f"ExtractorManifest: {_told(error)}") from error
        except InvalidInputError as error:
            raise ManifestError(f"ExtractorManifest: {error}") from error

    @field_validator("feature_extractor_name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not NAME.match(name):
            raise ManifestError(
                f"feature_extractor_name is {name!r}. "
                "Use letters, digits and underscores, a letter first: my_extractor."
            )
        return name

    @field_validator("version")
    @classmethod
    def _check_version(cls, version: str) -> str:
        normalise_version(version)
        return version

    @field_validator("features", mode="before")
    @classmethod
    def _check_features(cls, features: Any) -> list[Feature]:
        if not isinstance(features, list | tuple):
            raise ManifestError(f"features is {features!r}, not a list of features.")
        found = [_feature(position, item) for position, item in enumerate(features)]
        names = [feature.feature_name for feature in found]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise ManifestError(f"features[{position}]: there are two features {name!r}.")
        return found

    @field_validator("feature_uri")
    @classmethod
    def _check_uri(cls, uri: str | None) -> str | None:
        if uri is not None:
            FeatureURI.parse(uri)
        return uri

    @field_validator("compute_profile", mode="before")
    @classmethod
    def _check_profile(cls, profile: Any) -> Any:
        known = [field.name for field in fields(ComputeProfile)]
        for key in profile if isinstance(profile, Mapping) else ():
            if key not in known:
                raise ManifestError(
                    f"compute_profile has no key {key!r}.{_meant(str(key), known)} "
                    f"It takes: {', '.join(known)}."
                )
        return profile

    @field_validator("compute_profile")
    @classmethod
    def _check_profile_values(cls, profile: ComputeProfile) -> ComputeProfile:
        for field in fields(profile):
            value = getattr(profile, field.name)
            wanted = value_wanted(field.name, value)
            if wanted:
                raise ManifestError(f"compute_profile[{field.name!r}] is {value!r}, not {wanted}.")
        return profile

    @model_validator(mode="after")
    def _fill_uri(self) -> Self:
        if self.feature_uri is None:
            # Frozen for its users; this is still construction.
            object.__setattr__(self, "feature_uri", self._own_uri())
        return self

    def _own_uri(self) -> str | None:
        first = next((f for f in self.features if f.feature_type == "embedding"), None)
        if first is None:
            return None
        version = normalise_version(self.version)
        return str(FeatureURI(self.feature_extractor_name, version, first.feature_name))

    @property
    def metadata(self) -> dict[str, JSON]:
        """The `metadata` dict of the plain dialect; keys without a value are left out."""
        found = {
            "feature_extractor_name": self.feature_extractor_name,
            "version": self.version,
            "description": self.description,
            "category": self.category,
            "inference_type": self.inference_type,
            "icon": self.icon,
            "author": self.author,
        }
        return {key: value for key, value in found.items() if value is not None}

    def features_as_dicts(self) -> list[dict[str, JSON]]:
        """The features with exactly the keys that Mixpeek reads."""
        return [feature.as_dict() for feature in self.features]


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    known = [*ExtractorManifest.model_fields, "name"]
    for key in data:
        if key not in known:
            raise ManifestError(
                f"ExtractorManifest has no keyword {key!r}.{_meant(key, known)} "
                f"It takes: {', '.join(ExtractorManifest.model_fields)}."
            )


def _feature(position: int, item: Any) -> Feature:
    if isinstance(item, Mapping):
        item = _feature_of_dict(position, item)
    if not isinstance(item, Feature):
        raise ManifestError(
            f'features[{position}] is {item!r}. Write Feature.embedding("name", dim=384).'
        )
    problem = _problem(item)
    if problem:
        raise ManifestError(f"features[{position}]: {problem}")
    return item


def _feature_of_dict(position: int, item: Mapping[str, Any]) -> Feature:
    known = (*KEYS, *OPTIONAL_KEYS)
    for key in item:
        if key not in known:
            right = WRONG_KEYS.get(str(key).lower())
            hint = f" Write {right!r}." if right else _meant(str(key), known)
            raise ManifestError(
                f"features[{position}] has a key {key!r} that Mixpeek does not read, and would "
                f"make no vector index: 0 documents.{hint}"
            )
    if "feature_name" not in item:
        raise ManifestError(f"features[{position}] has no 'feature_name'.")
    values = dict(item, labels=tuple(item.get("labels") or ()))
    return Feature(**{f.name: values[f.name] for f in fields(Feature) if f.name in values})


def _problem(feature: Feature) -> str:
    """What is wrong with a feature; empty where nothing is."""
    if not feature.feature_name:
        return f"feature_name is {feature.feature_name!r}, not a name."
    if feature.feature_type == "classification":
        return ""
    if feature.feature_type != "embedding":
        return f"feature_type is {feature.feature_type!r}, not 'embedding' or 'classification'."
    dim = feature.embedding_dim
    if not isinstance(dim, int) or isinstance(dim, bool) or dim < 1:
        return f"embedding_dim is {dim!r}, not a positive whole number such as 384."
    if feature.distance_metric not in METRICS:
        close = _meant(str(feature.distance_metric), METRICS)
        return f"distance_metric is {feature.distance_metric!r}, not cosine, euclid or dot.{close}"
    return ""


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    given = "" if first["type"] == "missing" else f" (you wrote {first['input']!r})"
    return f"{place}: {first['msg']}{given}."


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word.lower(), list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
