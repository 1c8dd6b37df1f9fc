"""Memory that a compute profile asks for, fitted to the machine: fewer actors, smaller claims."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Sequence

from mixpeek_lab.models import ComputeProfile

GB = 2**30
"""Bytes of one of the profile's GB."""
_TOOL = "nvidia-smi"
_PATIENCE = 10
"""Seconds for nvidia-smi."""


def fit_memory(
    counts: Sequence[int], profile: ComputeProfile, memory_gb: float
) -> tuple[list[int], float, list[str]]:
    """Actors per step, what each of them claims in GB (0: nothing), and notes.

    Steps with the most actors give up actors first; each keeps one. Where even those do not fit,
    they claim less than was asked for: Ray would wait for ever for what the machine lacks.
    """
    asked = profile.actor_memory_gb
    if asked is None or not math.isfinite(memory_gb):
        return list(counts), 0.0, []
    fitted = list(counts)
    while sum(fitted) * asked > memory_gb and max(fitted) > 1:
        fitted[fitted.index(max(fitted))] -= 1
    total = sum(fitted)
    asks = f"compute_profile asks for {asked:g} GB an actor, and Ray has {memory_gb:.3g} GB"
    if total * asked > memory_gb:
        share = math.floor(memory_gb / total * 100) / 100
        each = "it runs alone" if total == 1 else f"{total} actors run, the fewest there can be"
        return fitted, share, [f"{asks}: {each}, and may use up the machine's memory."]
    if total < sum(counts):
        return fitted, asked, [f"{asks}: {total} actors ran instead of {sum(counts)}."]
    return fitted, asked, []


def fit_gpu(
    counts: Sequence[int], profile: ComputeProfile, gpus: float, gpu_memory_gb: float | None
) -> tuple[list[int], float, list[str]]:
    """Actors per step on the GPU, the part of a GPU that each gets, and notes.

    Without `gpu_memory_gb` in the profile they share equally; with it each gets as much of one
    GPU as it asks for.
    """
    asked = profile.gpu_memory_gb
    if not sum(counts):
        return list(counts), 0.0, []
    if asked is None or gpu_memory_gb is None:
        unknown = [] if asked is None else [_UNKNOWN.format(asked=asked)]
        return list(counts), min(1.0, _floor(gpus / sum(counts))), unknown
    asks = f"compute_profile asks for {asked:g} GB of GPU memory"
    has = f"{asks}, and the GPU has {gpu_memory_gb:.3g} GB"
    notes = [f"{has}: an actor got all of it."] if asked > gpu_memory_gb else []
    part = min(1.0, max(0.001, _floor(asked / gpu_memory_gb)))
    slots = max(1, int(gpus)) * max(1, int(gpu_memory_gb / asked + 1e-9))
    fitted = list(counts)
    while sum(fitted) > slots and max(fitted) > 1:
        fitted[fitted.index(max(fitted))] -= 1
    total = sum(fitted)
    if total > slots:
        part = min(1.0, _floor(gpus / total))
        each = f"{part * gpu_memory_gb:.3g} GB each"
        notes = [f"{has}: {total} steps share it, with {each}."]
    elif total < sum(counts):
        notes.append(f"{has}: {total} actors ran instead of {sum(counts)}.")
    return fitted, part, notes


_UNKNOWN = (
    "compute_profile asks for {asked:g} GB of GPU memory, and nvidia-smi does not tell how much "
    "the GPU has: its actors shared it equally."
)


def gpu_memory_gb() -> float | None:
    """Memory of this machine's smallest GPU in GB; None where nvidia-smi does not tell."""
    if shutil.which(_TOOL) is None:
        return None
    try:
        done = subprocess.run(
            [_TOOL, "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, check=True, timeout=_PATIENCE,
        )  # fmt: skip
        return min(float(line) for line in done.stdout.split()) / 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _floor(value: float) -> float:
    return math.floor(value * 1000) / 1000
