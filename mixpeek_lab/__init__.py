"""Mixpeek Lab: write, test and search with feature extractors inside a notebook.

    %load_ext mixpeek_lab                  in a notebook
    from mixpeek_lab import current_lab    the notebook's lab, for Python beside the magics
    from mixpeek_lab import Lab            a lab of one's own, in plain Python

Importing this module loads nothing heavy; `Lab` and the magics load what they need when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mixpeek_lab.errors import LabError
    from mixpeek_lab.magics.session import current_lab
    from mixpeek_lab.version import __version__
    from mixpeek_lab.workbench import Lab

__all__ = [
    "Lab",
    "LabError",
    "__version__",
    "current_lab",
    "load_ipython_extension",
    "unload_ipython_extension",
]

_HOMES = {
    "Lab": "mixpeek_lab.workbench",
    "LabError": "mixpeek_lab.errors",
    "__version__": "mixpeek_lab.version",
    "current_lab": "mixpeek_lab.magics.session",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mixpeek_lab' has no attribute {name!r}")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext mixpeek_lab` calls: registers the magics and starts the lab."""
    from mixpeek_lab.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext mixpeek_lab` calls: stops the lab and removes the magics."""
    from mixpeek_lab.magics import unload

    unload(shell)
