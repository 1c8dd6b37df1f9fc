"""Notices that loading a model prints into a cell and that say nothing to its reader."""

from __future__ import annotations

import logging
import os


def quiet_model_loading() -> None:
    """From now on: no bars for what takes less than a second, no notice of offline mode.

    Bars of what takes longer, a download say, are shown. The user's own TQDM_DELAY wins; where
    tqdm is imported already, its bars stay as they are.
    """
    os.environ.setdefault("TQDM_DELAY", "1")
    logging.getLogger("huggingface_hub.hf_api").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record is not the one that every cached model brings in offline mode."""
    message = record.getMessage()
    return not ("offline mode is enabled" in message and "Using cached commit hash" in message)
