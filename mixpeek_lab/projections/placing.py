"""Vectors that a UMAP was not fitted on, by UMAP's own `transform`.

Only arrays are kept of a fitted UMAP, no pickle: a file of a home is data, and must run nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Arrays = dict[str, NDArray[Any]]


def learned(model: Any, vectors: Matrix, raw: Matrix) -> Arrays:
    """What of a fitted UMAP is needed: its vectors (n, d), their places (n, 2), three numbers."""
    numbers = np.array([model._a, model._b, model._n_neighbors], np.float64)
    return {"vectors": vectors, "raw": raw, "numbers": numbers}


class Placing:
    """A UMAP, made again from arrays. Loading umap-learn takes seconds."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """`arrays`: what `Projection.fitted` holds."""
        self._arrays, self._model = arrays, _rebuilt(arrays)

    def place(self, vector: Matrix) -> tuple[float, float]:
        """Where a vector (dim,) stands in the projection, as its points do."""
        given = np.asarray(vector, np.float32)[None, :]
        if "components" in self._arrays:
            given = (given - self._arrays["mean"]) @ self._arrays["components"].T
        raw = self._model.transform(np.asarray(given, np.float32))[0]
        x, y = (raw - self._arrays["middle"]) / self._arrays["reach"]
        return float(x), float(y)


def _rebuilt(arrays: Mapping[str, NDArray[Any]]) -> Any:
    """A UMAP whose `transform` finds neighbours among all fitted vectors, exactly."""
    from umap import UMAP

    a, b, neighbours = arrays["numbers"].tolist()
    model = UMAP(n_neighbors=int(neighbours), random_state=0, n_jobs=1)
    model.embedding_, model._raw_data = arrays["raw"], arrays["vectors"]
    model._a, model._b, model._n_neighbors = a, b, int(neighbours)
    model._small_data, model._sparse_data, model._input_hash = True, False, ""
    model._input_distance_func, model._metric_kwds = "euclidean", {}
    model._initial_alpha, model._disconnection_distance = model.learning_rate, np.inf
    return model
