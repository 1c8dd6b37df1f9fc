"""Fusion: the candidates of several legs become one ranking, and each hit explains itself."""

from mixpeek_lab.fusion.methods import DEFAULT_K, DIALECTS, METHODS, STRATEGIES, default_k
from mixpeek_lab.fusion.strategies import Fused, Ranking, check_strategy, fuse
from mixpeek_lab.fusion.weights import (
    Arms,
    Weights,
    check_weight,
    effective_weights,
    learned_weights,
    thompson_samples,
)

__all__ = [
    "DEFAULT_K",
    "DIALECTS",
    "METHODS",
    "STRATEGIES",
    "Arms",
    "Fused",
    "Ranking",
    "Weights",
    "check_strategy",
    "check_weight",
    "default_k",
    "effective_weights",
    "fuse",
    "learned_weights",
    "thompson_samples",
]
