"""Loggers for extractors."""

from __future__ import annotations

import logging

__all__ = ["get_logger"]


def get_logger(name: str = "extractor") -> logging.Logger:
    """A logger below `mixpeek_lab.extractors`: `get_logger(__name__)`."""
    return logging.getLogger(f"mixpeek_lab.extractors.{name}")
