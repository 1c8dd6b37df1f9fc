"""The providers: their names, models, addresses and API keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mixpeek_lab.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider, as `container.llm` knows it."""

    name: str
    key_name: str
    """The secret, or else the environment variable, that holds the API key."""
    url: str
    """Base URL; empty where the user must name one."""
    models: tuple[str, ...]
    """The models that Mixpeek names, the default first. Others are passed on as they are."""
    most_at_once: int
    """Calls that are under way at the same time in one process, at most."""
    needs_key: bool = True

    @property
    def url_variable(self) -> str:
        """The environment variable that replaces the base URL."""
        return f"MIXPEEK_LAB_LLM_{self.name.upper()}_URL"


PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            "google",
            "GOOGLE_API_KEY",
            "https://generativelanguage.googleapis.com",
            ("gemini-2.5-flash", "gemini-2.5-pro"),
            most_at_once=16,
        ),
        Provider(
            "openai",
            "OPENAI_API_KEY",
            "https://api.openai.com/v1",
            ("gpt-4o", "gpt-4o-mini"),
            most_at_once=16,
        ),
        Provider(
            "anthropic",
            "ANTHROPIC_API_KEY",
            "https://api.anthropic.com",
            ("claude-sonnet-4-20250514",),
            most_at_once=16,
        ),
        Provider("local", "LOCAL_LLM_API_KEY", "", (), most_at_once=4, needs_key=False),
    )
}
"""Name → provider. `local` is any server that speaks OpenAI's chat completions: Ollama, vLLM,
llama.cpp, LM Studio. Its base URL is in MIXPEEK_LAB_LLM_LOCAL_URL, with the `/v1`."""


def chosen_urls() -> tuple[tuple[str, str], ...]:
    """`(provider, base URL)` of each provider, as this process' environment has them now."""
    return tuple(
        (name, (os.environ.get(provider.url_variable) or provider.url).rstrip("/"))
        for name, provider in PROVIDERS.items()
    )


def provider_named(name: str) -> Provider:
    """The provider of that name. InvalidInputError for any other."""
    if name not in PROVIDERS:
        raise InvalidInputError(
            f"container.llm knows no provider {name!r}; it knows {', '.join(PROVIDERS)}."
        )
    return PROVIDERS[name]
