"""Names that were probably meant to be a field's: `feature` for `features`."""

from __future__ import annotations

from collections.abc import Iterator

from mixpeek_lab.manifests.feature_checks import KEYS
from mixpeek_lab.manifests.features import WRONG_KEYS
from mixpeek_lab.manifests.namespace import Namespace
from mixpeek_lab.manifests.report import nearest
from mixpeek_lab.manifests.values import Folded, Listing, Made, Named, Table

_FOR_FEATURES = ("vector_indexes", "vectors", "embeddings")


def field_meant(name: object, known: tuple[str, ...]) -> str | None:
    """The field of `known` that a name stands for; None where it is like none of them."""
    return "features" if str(name).lower() in _FOR_FEATURES else nearest(name, known)


def lookalikes(names: Namespace) -> Iterator[str]:
    """The module's own names that look like `features`."""
    for name, value in names.values.items():
        meant = field_meant(name, ("features",))
        if name != "features" and meant and not isinstance(value, Named):
            yield name


def holds_features(value: Folded) -> bool:
    """Whether a value is a list of what can only be features."""
    return isinstance(value, Listing) and any(_is_feature(item) for item in value.items)


def _is_feature(item: Folded) -> bool:
    if isinstance(item, Made):
        return "Feature" in item.callee.split(".")
    keys = [str(key.value) for key, _ in item.entries] if isinstance(item, Table) else []
    return sum(key in KEYS or key in WRONG_KEYS for key in keys) > 1
