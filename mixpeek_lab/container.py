"""The platform services that an extractor gets as `container`, as handles that travel by pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mixpeek_lab.builtin_models import ModelHandle
from mixpeek_lab.llm import AnswerCache, LLMAnswer, LLMClient, LLMRequest, chosen_urls
from mixpeek_lab.secrets import SecretStore, guard_process, watch


@dataclass(frozen=True, slots=True)
class LLMHandle:
    """`container.llm`: calls to language models.

    API keys are the lab's secrets GOOGLE_API_KEY, OPENAI_API_KEY and ANTHROPIC_API_KEY, or else the
    environment variables of these names. MIXPEEK_LAB_LLM_GOOGLE_URL, …_OPENAI_URL, …_ANTHROPIC_URL
    and …_LOCAL_URL replace the providers' base URLs; they are read where the handle is made, and
    travel with it.
    """

    store: SecretStore
    urls: tuple[tuple[str, str], ...] = field(default_factory=chosen_urls)

    async def generate(
        self,
        instruction: str,
        text: str = "",
        images: Sequence[Any] = (),
        provider: str = "google",
        model: str = "",
        schema: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> LLMAnswer:
        """Ask a model; the answer's `.data` meets `schema`, a JSON Schema, or is text without one.

        `provider` is google, openai, anthropic or local; `model` its first one unless named.
        `images` are paths, bytes or PIL images. Options: `temperature`, `max_tokens`, `timeout_s`
        (seconds), `use_cache`. Raises what `LLMClient.ask` does, and InvalidInputError for a
        request that cannot be asked.
        """
        return await self.process(
            LLMRequest(instruction, text, images, provider, model, schema, **options)
        )

    async def process(self, request: LLMRequest) -> LLMAnswer:
        """Ask a model with a request object, as `generate` does."""
        return await _client(self).ask(request)


@dataclass(frozen=True, slots=True)
class SecretsHandle:
    """`container.secrets`: the lab's secrets, read where they are used."""

    store: SecretStore

    async def get(self, name: str) -> str:
        """One secret. What this process prints, logs and reports from then on is redacted.

        NotFoundError where there is none: `%secret set NAME` sets it.
        """
        watch(self.store)
        guard_process()
        return self.store.get(name)

    async def list(self) -> list[str]:
        """The secrets' names, sorted."""
        return self.store.names()


@dataclass(frozen=True, slots=True)
class InferenceHandle:
    """`container.inference`: the platform's own models."""

    def get(self, model: str, config: Any = None) -> ModelHandle:
        """A built-in model by its id, to `await model.infer({"text": …})`, or to use as a step.

        `config` is the model's InferenceConfigs or a dict. Nothing is loaded until it is asked.
        Raises NotFoundError with the ids there are, InvalidInputError for a config that is none.
        """
        return ModelHandle.of(model, config)


@dataclass(frozen=True, slots=True)
class Container:
    """What `build_steps(…, container=…)` gets. Nothing is opened until a handle is used."""

    secrets: SecretsHandle
    inference: InferenceHandle = field(default_factory=InferenceHandle)

    @property
    def llm(self) -> LLMHandle:
        """Language models, with this lab's keys and kept answers."""
        return LLMHandle(self.secrets.store)


@lru_cache(maxsize=8)
def _client(handle: LLMHandle) -> LLMClient:
    def key_of(name: str) -> str | None:
        if name in handle.store.names():
            watch(handle.store)
            guard_process()
            return handle.store.get(name)
        return os.environ.get(name) or None

    return LLMClient(key_of, AnswerCache(handle.store.home), dict(handle.urls))
