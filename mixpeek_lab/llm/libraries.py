"""The libraries of the extra `llm`, imported when a call needs one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mixpeek_lab.errors import MissingDependencyError

_PACKAGES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google.genai": "google-genai",
    "jsonschema": "jsonschema",
}


def library(name: str) -> Any:
    """The module of that name. MissingDependencyError, with the install line, without it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            _PACKAGES[name], "container.llm", "pip install 'mixpeek-lab[llm]'"
        ) from error
