"""Files of weights, read without running anything that is in them.

A pickle is a program. safetensors holds numbers only, and torch's own files are read with
`weights_only=True`, which knows tensors and plain values and refuses every other name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import InvalidInputError

SAFETENSORS = ".safetensors"
TORCH = (".pt", ".pth", ".bin", ".ckpt")
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz", ".h5", ".keras", ".msgpack")
"""Formats that are programs, or that no reader here opens: refused when they are added."""

CONVERT = (
    "Leave it out, or convert it to safetensors where you trust the file: "
    "`from safetensors.torch import save_file; save_file(model.state_dict(), 'model.safetensors')`."
)
_NAME = re.compile(r"(?:GLOBAL|global:?) ([\w.]+)")


def is_weights(path: Path) -> bool:
    """Whether a file's name is that of weights: .safetensors, .pt, .pth, .bin or .ckpt."""
    return path.suffix.lower() in (SAFETENSORS, *TORCH)


def read_weights(path: Path) -> Any:
    """The weights in a file, on the CPU: mostly a dict from names to tensors.

    Raises InvalidInputError for a pickle that asks for code, a TorchScript archive, and a file
    that is neither safetensors nor torch's.
    """
    if path.suffix.lower() == SAFETENSORS:
        return _from_safetensors(path)
    return _from_torch(path)


def check_weights(path: Path) -> None:
    """Raise what `read_weights` would. Of safetensors only the header is read."""
    if path.suffix.lower() == SAFETENSORS:
        with _told(path):
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                file.keys()
    else:
        _from_torch(path)


def _from_safetensors(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    with _told(path):
        return dict(load_file(path))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidInputError(
            f"{path.name} is not a whole safetensors file ({error}). Save or copy it again."
        ) from error


def _from_torch(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a stranger's bytes, in a format of many layers
        raise InvalidInputError(_refusal(path, str(error))) from error


def _refusal(path: Path, said: str) -> str:
    if "TorchScript" in said:
        return (
            f"{path.name} is a TorchScript archive, which is code and not only weights. "
            "Save the model's state_dict(), as safetensors."
        )
    asked = _NAME.search(said)
    if asked:
        return (
            f"{path.name} is a pickle that asks for {asked.group(1)}: loading it would run code "
            f"that is in the file, so it was not loaded. {CONVERT}"
        )
    if "weights_only" in said.lower() or "unpickl" in said.lower():
        return f"{path.name} holds more than weights, so it was not loaded. {CONVERT}"
    short = " ".join(said.split())[:200]
    return f"{path.name} is not a file of torch's ({short}). Save the state_dict() again."
