"""The older name of `download_asset`, which extractors know from `shared.utilities.files`."""

from __future__ import annotations

import os

from mixpeek_lab.sdk.assets import download_asset

__all__ = ["resolve_url_to_local_path"]


def resolve_url_to_local_path(
    url: str | os.PathLike[str], suffix: str | None = None
) -> tuple[str, bool]:
    """What `download_asset(url, suffix)` gives: a local path, and whether it is yours to remove."""
    return download_asset(url, suffix)
