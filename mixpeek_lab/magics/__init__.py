"""The magics: parse the line, make one call on `Lab`, show the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load(shell: InteractiveShell) -> None:
    """Register the magics and let Ray start in the background."""
    from mixpeek_lab.magics import completion
    from mixpeek_lab.magics.buckets import BucketMagics
    from mixpeek_lab.magics.collections import CollectionMagics
    from mixpeek_lab.magics.evaluate import EvaluateMagics
    from mixpeek_lab.magics.extractors import ExtractorMagics
    from mixpeek_lab.magics.inspect import InspectMagics
    from mixpeek_lab.magics.retrievers import RetrieverMagics
    from mixpeek_lab.magics.secrets import SecretMagics
    from mixpeek_lab.magics.session import LabMagics, start_in_background

    for magics in (
        LabMagics, ExtractorMagics, BucketMagics, RetrieverMagics, InspectMagics, SecretMagics,
        EvaluateMagics, CollectionMagics,
    ):  # fmt: skip
        shell.register_magics(magics)
    completion.install(shell)
    start_in_background()


def unload(shell: InteractiveShell) -> None:
    """Stop the lab and take the magics away."""
    from mixpeek_lab.magics import completion, secrets
    from mixpeek_lab.magics.session import stop

    stop()
    completion.remove(shell)
    secrets.remove(shell)
    for kind in ("line", "cell"):
        table = shell.magics_manager.magics[kind]
        for name in [n for n, f in table.items() if _is_ours(f)]:
            del table[name]


def _is_ours(function: object) -> bool:
    owner = getattr(function, "__self__", None)
    return type(owner).__module__.startswith("mixpeek_lab.")
