"""The query's vector out of a service's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.loader.answers import listed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def query_vector(answer: Mapping[str, Any], feature_name: str) -> npt.NDArray[np.float64]:
    """The query's vector (dim,) for one vector index, out of a service's answer.

    The first of: the key named after the index, the same with `_embedding` behind it,
    `embedding`, the first of `embeddings`, `vector`. Raises ExtractorRunError with the keys that
    came back where there is none, or where it is not a list of finite numbers.
    """
    for key in (feature_name, f"{feature_name}_embedding", "embedding", "embeddings", "vector"):
        if answer.get(key) is None:
            continue
        value = listed(answer[key])
        if key == "embeddings":
            value = listed(value[0]) if isinstance(value, list) and value else None
        return _vector(key, value)
    raise ExtractorRunError(
        f"The realtime service gave no vector for {feature_name!r}. It answered with the keys: "
        f"{', '.join(map(str, answer)) or '(none)'}. "
        f'Return {{"embedding": [float, …]}}, or name the key {feature_name!r}.'
    )


def _vector(key: str, value: Any) -> npt.NDArray[np.float64]:
    if isinstance(value, list) and value and isinstance(value[0], list | tuple):
        raise ExtractorRunError(
            f"The realtime service's {key!r} is a list of {len(value)} vectors, not one vector. "
            "Write model.encode([text])[0].tolist()."
        )
    import numpy as np

    try:
        vector = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.empty(0)
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise ExtractorRunError(
            f"The realtime service's {key!r} is not a list of finite numbers: {value!r:.80}."
        )
    return vector
