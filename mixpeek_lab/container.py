"""The platform services that an extractor gets as `container`, as handles that travel by pickle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from mixpeek_lab.errors import LabError
from mixpeek_lab.secrets import SecretStore, guard_process, watch


@dataclass(frozen=True, slots=True)
class LLMHandle:
    """`container.llm`: calls to language models."""

    async def generate(self, instruction: str, text: str = "", **options: Any) -> Any:  # noqa: ARG002
        """Ask a model. Raises LabError: the lab has no model client yet."""
        _later("container.llm.generate", "call the provider's own client in your processor")

    async def process(self, request: Any) -> Any:  # noqa: ARG002
        """Ask a model with a request object. Raises LabError, as `generate` does."""
        _later("container.llm.process", "call the provider's own client in your processor")


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

    def get(self, model: str) -> Any:
        """A model's client. Raises LabError: the lab serves no built-in models yet."""
        _later(f"container.inference.get({model!r})", "load the model in your processor's setup()")


@dataclass(frozen=True, slots=True)
class Container:
    """What `build_steps(…, container=…)` gets. Nothing is opened until a handle is used."""

    secrets: SecretsHandle
    llm: LLMHandle = field(default_factory=LLMHandle)
    inference: InferenceHandle = field(default_factory=InferenceHandle)


def _later(what: str, instead: str) -> NoReturn:
    raise LabError(f"{what} comes in a later version of Mixpeek Lab. Until then, {instead}.")
