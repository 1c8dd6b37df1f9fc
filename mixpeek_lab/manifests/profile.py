"""Reading `compute_profile`: how an extractor's steps are to be run."""

from __future__ import annotations

import math
from typing import Any

from mixpeek_lab.manifests.fields import Fields
from mixpeek_lab.manifests.report import Report, nearest
from mixpeek_lab.manifests.values import Folded, Made, Scalar, Table, is_none, plain, shown
from mixpeek_lab.models import JSON, ComputeProfile

RESOURCE_TYPES = ("cpu", "gpu", "api")
PROFILE_KEYS = (
    "resource_type",
    "batch_size",
    "max_concurrency",
    "actor_memory_gb",
    "gpu_memory_gb",
)
_PROFILE_SYNONYMS = {
    "resource": "resource_type",
    "type": "resource_type",
    "device": "resource_type",
    "concurrency": "max_concurrency",
    "max_workers": "max_concurrency",
    "memory_gb": "actor_memory_gb",
    "memory": "actor_memory_gb",
    "gpu_memory": "gpu_memory_gb",
    "batch": "batch_size",
}


def read_profile(fields: Fields) -> ComputeProfile:
    """The compute profile; the defaults hold for what is not declared."""
    found = fields.one("compute_profile")
    if found is None or is_none(found.value):
        return ComputeProfile()
    entries = _profile_entries(found.value)
    if entries is None:
        fields.report.add(
            "MAN014", found.value.node, f"`compute_profile` is {shown(found.value)}, not a dict.",
            'Write compute_profile = {"resource_type": "cpu", "batch_size": 64}.',
        )  # fmt: skip
        return ComputeProfile()
    good: dict[str, Any] = {}
    for key, value in entries:
        if str(key.value) not in PROFILE_KEYS:
            _refuse_profile_key(key, fields.report)
        elif _profile_value_is_good(str(key.value), value, fields.report):
            good[str(key.value)] = plain(value)
    return ComputeProfile(**good)


def _profile_entries(value: Folded) -> list[tuple[Scalar, Folded]] | None:
    if isinstance(value, Table):
        return list(value.entries)
    if isinstance(value, Made) and value.callee.split(".")[-1] == "ComputeProfile":
        pairs = zip(value.keywords, value.places, strict=True)
        return [(Scalar(place, name), inner) for (name, inner), place in pairs]
    return None


def _refuse_profile_key(key: Scalar, report: Report) -> None:
    meant = _PROFILE_SYNONYMS.get(str(key.value)) or nearest(key.value, PROFILE_KEYS)
    report.add(
        "MAN013", key.node,
        f"compute_profile has no `{key.value}`: it is ignored, and the default holds.",
        f'Did you mean "{meant}"?' if meant else f"Its keys are {', '.join(PROFILE_KEYS)}.",
        severity="error" if meant else "warning",
    )  # fmt: skip


def _profile_value_is_good(key: str, value: Folded, report: Report) -> bool:
    found: JSON = plain(value)
    wanted = value_wanted(key, found)
    if wanted:
        meant = nearest(str(found).split(".")[-1], RESOURCE_TYPES) if key == "resource_type" else ""
        report.add(
            "MAN014", value.node, f'compute_profile["{key}"] is {shown(value)}, not {wanted}.',
            f'Did you mean "{meant}"?' if meant else "",
        )  # fmt: skip
    return not wanted


def value_wanted(key: str, value: object) -> str:
    """What the value of a profile's key should be instead; empty where it is good."""
    if key == "resource_type":
        return "" if value in RESOURCE_TYPES else 'one of "cpu", "gpu", "api"'
    if key in ("batch_size", "max_concurrency"):
        return "" if _is_positive(value, int) else "a positive whole number"
    good = value is None or _is_positive(value, int | float)
    return "" if good else "a positive number of GB"


def _is_positive(value: Any, kind: Any) -> bool:
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    return bool(0 < value < math.inf)
