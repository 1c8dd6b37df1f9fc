"""How vectors become points: the method, its parameters, a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from mixpeek_lab.errors import InvalidInputError, MissingDependencyError
from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal["pca", "umap", "tsne"]
METHODS: tuple[Method, ...] = get_args(Method)

PARAMETERS: dict[str, dict[str, tuple[type, float, float, float]]] = {
    "pca": {},
    "umap": {"n_neighbors": (int, 15, 2, 500), "min_dist": (float, 0.1, 0.0, 0.99)},
    "tsne": {"perplexity": (float, 30.0, 2.0, 500.0)},
}
"""Method → parameter → type, default, least and largest value."""

_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to draw vectors. Made by `recipe`, which checks it."""

    method: Method
    parameters: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    @property
    def key(self) -> str:
        """A short name: equal for equal recipes, and a legal name of a file."""
        basis = json.dumps([_FORMAT, self.method, dict(self.parameters), self.seed], sort_keys=True)
        return f"{self.method}-{hashlib.sha256(basis.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Where each vector stands in the plane."""

    positions: NDArray[np.float32]
    """(n, 2): in the order of the vectors; the middle is at 0 and most points within -1 to 1."""
    note: str = ""
    """What a reader of the picture should know: variance explained, points placed by others."""
    axes: NDArray[np.float32] | None = None
    """(2, dim + 1): `axes @ [vector, 1]` is a vector's position. PCA alone has them."""
    fitted: Mapping[str, NDArray[Any]] | None = None
    """What UMAP needs to place vectors that it has not seen; on the disk once it is kept."""
    placing: Path | None = None
    """The file with it."""


def recipe(method: str, parameters: Mapping[str, JSON] | None = None, seed: int = 0) -> Recipe:
    """The checked recipe. InvalidInputError for a method, parameter or value there is not.

    MissingDependencyError where umap-learn is needed and absent.
    """
    if method not in METHODS:
        close = get_close_matches(str(method), METHODS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidInputError(f"method: {method!r} is none of {', '.join(METHODS)}.{hint}")
    if not 0 <= seed < 2**32:
        raise InvalidInputError(f"seed: {seed!r} is no whole number from 0 to 4294967295.")
    known = PARAMETERS[method]
    unknown = sorted(set(parameters or {}) - set(known))
    if unknown:
        takes = ", ".join(known) or "none"
        raise InvalidInputError(f"{method}: no parameter {unknown[0]!r}; it takes {takes}.")
    if method == "umap" and find_spec("umap") is None:
        raise MissingDependencyError(
            "umap-learn", "UMAP", "pip install 'mixpeek-lab[maps]'. PCA and t-SNE do without it."
        )
    given = {name: _checked(method, name, (parameters or {}).get(name)) for name in known}
    return Recipe(method, given, seed)


def _checked(method: str, name: str, value: JSON) -> float:
    kind, default, least, most = PARAMETERS[method][name]
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (kind is int and value != int(value)) or not least <= value <= most:
        what = "whole number" if kind is int else "number"
        raise InvalidInputError(
            f"{method}: {name} must be a {what} from {least:g} to {most:g}; it is {value!r}."
        )
    return float(value) if kind is float else int(value)
