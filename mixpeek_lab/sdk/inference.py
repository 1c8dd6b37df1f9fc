"""The realtime services: what answers a query while a retriever runs."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from mixpeek_lab.sdk.logs import get_logger
from mixpeek_lab.sdk.once import Once

__all__ = [
    "BaseBatchInferenceService",
    "BaseInferenceService",
    "InferenceService",
    "ServeDeploymentConfig",
]


class ServeDeploymentConfig(BaseModel):
    """How many replicas of a service to run. Other keys are kept as they are.

    The lab runs one replica per extractor version, whatever is said here.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    enabled: bool = True
    num_replicas: int = 1


class _Service:
    """What both kinds of service share."""

    config: Any
    options: Mapping[str, Any]

    def __init__(self, config: Any = None, *_: Any, **kwargs: Any) -> None:
        """`config`; a second argument (the platform's progress actor) is taken and left."""
        self.config = dict(config) if isinstance(config, Mapping) else (config or {})
        self.options = kwargs

    @property
    def logger(self) -> logging.Logger:
        """A logger with the class's name."""
        return get_logger(type(self).__name__)


class InferenceService(_Service):
    """The typed service: `setup()` once, `infer(inputs, parameters)` per request."""

    def setup(self) -> None:
        """Load models. Called once, before the first request."""

    def infer(self, inputs: dict[str, Any], parameters: dict[str, Any]) -> Any:
        """Answer one request with a dict such as `{"embedding": [float, …]}`. May be async."""
        raise NotImplementedError(_missing(self, "async def infer(self, inputs, parameters)"))

    def ensure_setup(self) -> None:
        """Run `setup()` if it has not run yet."""
        once: Once = self.__dict__.setdefault("_setup_once", Once())
        once(self.setup)

    async def __call__(
        self, inputs: dict[str, Any], parameters: dict[str, Any] | None = None
    ) -> Any:
        """Set up on the first request, then infer."""
        self.ensure_setup()
        return await _settled(self.infer(inputs, parameters or {}))


class BaseInferenceService(_Service):
    """The plain service: override `run_inference`, or `_process_single`, or `__call__`."""

    async def run_inference(self, inputs: dict[str, Any], parameters: dict[str, Any]) -> Any:
        """Answer one request with a dict such as `{"embedding": [float, …]}`."""
        return await _settled(self._process_single(inputs, parameters))

    def _process_single(self, inputs: dict[str, Any], parameters: dict[str, Any]) -> Any:
        """The same for one input; sync or async."""
        raise NotImplementedError(
            _missing(self, "async def run_inference(self, inputs, parameters)")
        )

    async def __call__(
        self, inputs: dict[str, Any], parameters: dict[str, Any] | None = None
    ) -> Any:
        """Answer one request."""
        return await _settled(self.run_inference(inputs, parameters or {}))


class BaseBatchInferenceService(_Service):
    """A processor in the style of the services: override `process_batch` or `__call__`."""

    def process_batch(self, batch: Any) -> Any:
        """Return the pandas DataFrame with new columns. `_process_batch` is another name for it."""
        theirs = getattr(self, "_process_batch", None)
        if callable(theirs):
            return theirs(batch)
        raise NotImplementedError(_missing(self, "def __call__(self, batch)"))

    def __call__(self, batch: Any) -> Any:
        """Process one batch."""
        return self.process_batch(batch)


async def _settled(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


def _missing(service: object, signature: str) -> str:
    return f"{type(service).__name__} does not say what it does. Write `{signature}:` in it."
