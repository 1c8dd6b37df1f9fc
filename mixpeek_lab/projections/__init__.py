"""Vectors drawn in the plane: PCA at once, UMAP and t-SNE with patience, each made once.

The same vectors, recipe and libraries give the same positions. `made` keeps them in a folder, and
works out what takes long in a process of its own, which reports how far it is and can be ended.
"""

from mixpeek_lab.projections.apart import placer
from mixpeek_lab.projections.computing import project
from mixpeek_lab.projections.kept import made, read_kept
from mixpeek_lab.projections.recipe import METHODS, Method, Projection, Recipe, recipe

__all__ = [
    "METHODS",
    "Method",
    "Projection",
    "Recipe",
    "made",
    "placer",
    "project",
    "read_kept",
    "recipe",
]
