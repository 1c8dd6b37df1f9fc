"""Notices that loading a model prints into a cell and that say nothing to its reader."""

from __future__ import annotations

import os

from mixpeek_lab.hub import hide_offline_news


def quiet_model_loading() -> None:
    """From now on: no bars for what takes less than a second, no notice of offline mode.

    Bars of what takes longer, a download say, are shown. The user's own TQDM_DELAY wins; where
    tqdm is imported already, its bars stay as they are.
    """
    os.environ.setdefault("TQDM_DELAY", "1")
    hide_offline_news()
