"""Stand-ins for the tests of your own extractors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mixpeek_lab.llm import LLMAnswer, LLMRequest, LLMUsage, check_schema, read_data

__all__ = ["FakeLLM"]


class FakeLLM:
    """Answers like `container.llm`, without a provider: hand it to a processor under test.

    `answer` is the data that every call gets, or a function of the request that gives it, or
    raises what the processor should cope with:

        llm = FakeLLM(lambda request: {"entities": request.text.split()})
        out = MyProcessor({"llm_service": llm})(pd.DataFrame({"data": ["Ada met Bob"]}))
        assert llm.requests[0].provider == "google"

    `requests` holds every request so far. A request that the real one would refuse (an unknown
    provider, a schema that is none) is refused here, and data that does not meet the request's
    schema is an LLMSchemaError, as it would be from a model. Answers cost nothing, and none is
    kept from one call to the next.
    """

    def __init__(self, answer: Any | Callable[[LLMRequest], Any] = "") -> None:
        self._answer = answer
        self.requests: list[LLMRequest] = []

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
        """As `container.llm.generate`."""
        return await self.process(
            LLMRequest(instruction, text, images, provider, model, schema, **options)
        )

    async def process(self, request: LLMRequest) -> LLMAnswer:
        """As `container.llm.process`."""
        if request.schema is not None:
            check_schema(request.schema)
        self.requests.append(request)
        data = self._answer(request) if callable(self._answer) else self._answer
        is_plain = isinstance(data, str) and request.schema is None
        text = data if is_plain else json.dumps(data)
        return LLMAnswer(
            data=read_data(request, text),
            text=text,
            provider=request.provider,
            model=request.model,
            usage=LLMUsage(),
            cost=0.0,
        )
