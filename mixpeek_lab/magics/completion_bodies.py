"""What completes in the bodies of cells: manifest keys, feature URIs, parameters of a stage."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mixpeek_lab.magics.session import current_lab

_ADDRESS = re.compile(r"mixpeek:[^\s'\"]*$")
_STAGE = re.compile(r"^\s*(?:-\s*)?(?:stage_id:\s*)?(\w+):?\s*$")


def manifest_keys() -> list[str]:
    """Keys of a manifest, of its features, and of its compute_profile."""
    from mixpeek_lab.manifests import KEYWORDS
    from mixpeek_lab.manifests.feature_checks import KEYS
    from mixpeek_lab.manifests.profile import PROFILE_KEYS

    return [*KEYWORDS, *KEYS, *PROFILE_KEYS]


def feature_uris() -> list[str]:
    """Addresses of the features of the current extractors."""
    return [
        f"mixpeek://{record.manifest.name}@{record.manifest.version}/{feature.feature_name}"
        for record in current_lab().extractors()
        for feature in record.manifest.features
    ]


def stage_parameters(lines_above: Iterable[str]) -> list[str]:
    """The parameters of the stage that the cursor is in: the nearest one above it."""
    from mixpeek_lab.retrievers import stage_definitions

    stages = {each["stage_id"]: each for each in stage_definitions()}
    for line in reversed(list(lines_above)):
        found = _STAGE.match(line)
        if found and found[1] in stages:
            return [f"{name}:" for name in _names(stages[found[1]])]
    return []


def _names(stage: dict[str, object]) -> list[str]:
    schema = stage.get("parameter_schema")
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return list(properties)


def is_address(text_until_cursor: str) -> bool:
    """Whether the cursor is in a feature's URI."""
    return bool(_ADDRESS.search(text_until_cursor))


def addresses(text_until_cursor: str, token: str) -> list[str]:
    """Feature URIs that go on from what is typed, as they go on from `token`.

    A token ends at a `:` or `@`, and an address does not.
    """
    found = _ADDRESS.search(text_until_cursor)
    typed = found[0] if found else token
    keep = len(typed) - len(token)
    return [uri[keep:] for uri in feature_uris() if uri.startswith(typed)] if keep >= 0 else []


def is_json(cell: str) -> bool:
    """Whether the body of a cell is JSON rather than YAML."""
    return cell.partition("\n")[2].lstrip()[:1] in ("{", "[")


def json_words(words: Iterable[str]) -> list[str]:
    """Words of YAML as they stand within the quotes of JSON: keys without what follows them."""
    return [word if "://" in word else word.partition(":")[0] for word in words]
