"""Fusion: the candidates of several legs become one ranking, and each hit explains itself."""

from mixpeek_lab.fusion.strategies import (
    DEFAULT_K,
    STRATEGIES,
    Fused,
    Ranking,
    check_strategy,
    fuse,
)
from mixpeek_lab.fusion.weights import (
    Arms,
    Weights,
    check_weight,
    effective_weights,
    learned_weights,
)

__all__ = [
    "DEFAULT_K",
    "STRATEGIES",
    "Arms",
    "Fused",
    "Ranking",
    "Weights",
    "check_strategy",
    "check_weight",
    "effective_weights",
    "fuse",
    "learned_weights",
]
