"""From vectors to positions: scikit-learn's PCA and t-SNE, umap-learn's UMAP.

UMAP and t-SNE are fitted on a part of large collections, drawn by the seed; every other point is
placed at the weighted middle of its nearest fitted ones, and the note says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.projections.placing import learned
from mixpeek_lab.projections.recipe import Projection, Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mixpeek_lab.projections.placing import Arrays

    Matrix = NDArray[np.float32]

OnProgress = Callable[[str, float | None], None]
"""Called with what is being done and the share of it that is done; None: not known."""

MOST_FITTED = {"pca": 100_000, "umap": 50_000, "tsne": 20_000}
"""Vectors that a method looks at while it learns; all are drawn."""
REDUCED = 50
"""Principal components that UMAP and t-SNE see of longer vectors: usual, and quicker."""
NEIGHBOURS = 5
FEW = 5_000
"""Fewer vectors are laid out in one thread: on a busy machine many wait for each other longer."""
BLOCK = 20_000
"""Vectors handled at once."""


def project(vectors: Matrix, recipe: Recipe, on_progress: OnProgress) -> Projection:
    """Positions for `vectors`, shape (n, dim). InvalidInputError for less than three of them."""
    if len(vectors) < 3:
        raise InvalidInputError(
            f"A map needs three vectors or more; there are {len(vectors)}. Process more rows."
        )
    if recipe.method == "pca":
        return _principal(vectors, recipe, on_progress)
    return _neighbourly(vectors, recipe, on_progress)


def _principal(vectors: Matrix, recipe: Recipe, on_progress: OnProgress) -> Projection:
    count = min(2, vectors.shape[1])
    model = _fitted_pca(vectors, count, recipe.seed, on_progress)
    axes = np.zeros((2, vectors.shape[1] + 1), np.float32)
    axes[:count, :-1] = model.components_
    axes[:count, -1] = -(model.components_ @ model.mean_)
    raw = np.concatenate(
        [
            block @ axes[:, :-1].T + axes[:, -1]
            for block in _blocks(vectors, "Placing the vectors", on_progress)
        ]
    )
    middle, reach = _frame(raw)
    axes[:, -1] -= middle
    explained = float(np.sum(model.explained_variance_ratio_))
    note = f"The two axes hold {explained:.0%} of the variance."
    return Projection(_scaled(raw, middle, reach), note, (axes / reach).astype(np.float32))


def _neighbourly(vectors: Matrix, recipe: Recipe, on_progress: OnProgress) -> Projection:
    reduced, axes = _reduced(vectors, recipe.seed, on_progress)
    fitted = _drawn(len(reduced), MOST_FITTED[recipe.method], recipe.seed)
    on_progress("Finding neighbours", None)
    kept: Arrays = {}
    if recipe.method == "umap":
        raw, kept = _umap(reduced[fitted], recipe, on_progress)
    else:
        raw = _tsne(reduced[fitted], recipe, on_progress)
    note = "Distances between far groups say little: trust neighbourhoods."
    if len(fitted) < len(reduced):
        note = (
            f"Fitted on {len(fitted):,} of {len(reduced):,} vectors; the others stand among "
            f"their {NEIGHBOURS} nearest of those. {note}"
        )
        raw = _placed(reduced, fitted, raw, on_progress)
    middle, reach = _frame(raw)
    if kept:
        kept |= {"middle": middle, "reach": np.array([reach], np.float32), **axes}
    return Projection(_scaled(raw, middle, reach), note, fitted=kept or None)


def _umap(vectors: Matrix, recipe: Recipe, on_progress: OnProgress) -> tuple[Matrix, Arrays]:
    """Where the vectors stand, and what `placing` needs for others."""
    on_progress("Loading UMAP (its first run compiles)", None)
    from umap import UMAP

    model = UMAP(
        n_neighbors=min(int(recipe.parameters["n_neighbors"]), len(vectors) - 1),
        min_dist=recipe.parameters["min_dist"],
        random_state=recipe.seed,
        n_jobs=1,
        init="random" if len(vectors) < 16 else "spectral",
        tqdm_kwds={"file": Ticks(on_progress, "Laying out"), "disable": False},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = np.asarray(model.fit_transform(vectors), np.float32)
    return raw, learned(model, vectors, raw)


def _tsne(vectors: Matrix, recipe: Recipe, on_progress: OnProgress) -> Matrix:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    on_progress("Laying out with t-SNE", None)
    is_spread = bool(np.ptp(vectors, axis=0).max() > 0)  # else its start would be 0 / 0
    model = TSNE(
        perplexity=min(recipe.parameters["perplexity"], (len(vectors) - 1) / 3),
        init="pca" if vectors.shape[1] > 1 and is_spread else "random",
        random_state=recipe.seed,
    )
    with threadpool_limits(1 if len(vectors) < FEW else None):
        return np.asarray(model.fit_transform(vectors), np.float32)


class Ticks:
    """A file that tqdm writes to: each bar becomes a call of `on_progress`."""

    def __init__(self, on_progress: OnProgress, what: str) -> None:
        self._on_progress, self._what = on_progress, what

    def write(self, text: str) -> int:
        """Read `12%|███` out of a bar."""
        head, percent, _ = text.rpartition("%|")
        digits = head.split()[-1].rpartition(":")[2] if head.split() else ""
        if percent and digits.isdigit():
            self._on_progress(self._what, int(digits) / 100)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


def _fitted_pca(vectors: Matrix, count: int, seed: int, on_progress: OnProgress) -> Any:
    from sklearn.decomposition import PCA

    on_progress("Finding the main axes", None)
    sample = vectors[_drawn(len(vectors), MOST_FITTED["pca"], seed)]
    with warnings.catch_warnings():  # vectors that are all alike have no variance to divide by
        warnings.simplefilter("ignore")
        model = PCA(n_components=count, random_state=seed).fit(sample)
    model.explained_variance_ratio_ = np.nan_to_num(model.explained_variance_ratio_)
    return model


def _reduced(vectors: Matrix, seed: int, on_progress: OnProgress) -> tuple[Matrix, Arrays]:
    """Shorter vectors, and the axes that make them so; none where they are short already."""
    if vectors.shape[1] <= REDUCED or len(vectors) <= REDUCED:
        return vectors, {}
    model = _fitted_pca(vectors, REDUCED, seed, on_progress)
    parts = [model.transform(b) for b in _blocks(vectors, "Shortening the vectors", on_progress)]
    axes = {"components": model.components_, "mean": model.mean_}
    return np.concatenate(parts).astype(np.float32), axes


def _placed(
    vectors: Matrix, fitted: NDArray[np.int64], raw: Matrix, on_progress: OnProgress
) -> Matrix:
    """All positions, from those of the fitted vectors."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(vectors[fitted])
    parts = []
    for block in _blocks(vectors, "Placing the other vectors", on_progress):
        distances, places = search.kneighbors(block)
        weights = 1.0 / (distances + 1e-6)
        weights /= weights.sum(axis=1, keepdims=True)
        parts.append(np.einsum("ij,ijk->ik", weights, raw[places]))
    positions = np.concatenate(parts).astype(np.float32)
    positions[fitted] = raw
    return positions


def _blocks(vectors: Matrix, what: str, on_progress: OnProgress) -> Iterator[Matrix]:
    for start in range(0, len(vectors), BLOCK):
        on_progress(what, start / len(vectors))
        yield vectors[start : start + BLOCK]


def _drawn(size: int, most: int, seed: int) -> NDArray[np.int64]:
    """Which of `size` are looked at: all, or `most` drawn by the seed, ascending."""
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, most, replace=False))


def _frame(raw: Matrix) -> tuple[Matrix, float]:
    """The middle of the points, and how far all but the farthest thousandth reach from it."""
    low, high = np.quantile(raw, [0.001, 0.999], axis=0)
    reach = float(np.max(high - low)) / 2
    return ((low + high) / 2).astype(np.float32), reach if reach > 1e-12 else 1.0


def _scaled(raw: Matrix, middle: Matrix, reach: float) -> Matrix:
    return np.ascontiguousarray((raw - middle) / reach, np.float32)
