"""The client: kept answers first, then the provider, a bounded number of calls at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

from mixpeek_lab.errors import LLMAuthenticationError, LLMError, LLMSettingsError
from mixpeek_lab.llm import anthropic_messages, gemini, openai_chat
from mixpeek_lab.llm.cache import AnswerCache
from mixpeek_lab.llm.failures import CallError, explained, how_to_set, with_retries
from mixpeek_lab.llm.prices import cost_of
from mixpeek_lab.llm.providers import PROVIDERS, Provider
from mixpeek_lab.llm.replies import Endpoint, Reply
from mixpeek_lab.llm.requests import LLMAnswer, LLMRequest
from mixpeek_lab.llm.spending import Meter, bill, count, payer
from mixpeek_lab.llm.structure import Structure, check_schema, read_data, structure
from mixpeek_lab.models import Spending

Ask = Callable[[Endpoint, LLMRequest, Structure | None], Reply]

_PROTOCOLS: Mapping[str, Ask] = {
    "google": gemini.ask,
    "openai": openai_chat.ask,
    "anthropic": anthropic_messages.ask,
    "local": openai_chat.ask,
}
_opening = Lock()


class LLMClient:
    """Asks models. `key_of` gives a secret by name, or None; `urls` the base URL per provider."""

    def __init__(
        self,
        key_of: Callable[[str], str | None],
        answers: AnswerCache,
        urls: Mapping[str, str],
    ) -> None:
        self._key_of, self._answers, self._urls = key_of, answers, dict(urls)

    async def ask(self, request: LLMRequest) -> LLMAnswer:
        """The answer to a request, an earlier one if it may.

        Failures that may pass by themselves (a rate limit, a fault of the server, no connection)
        are tried again, after the pause that the provider asks for. At most
        `Provider.most_at_once` calls are under way in this process, however many are awaited.

        LLMSettingsError (LLMAuthenticationError) for what the caller has to change;
        LLMUnavailableError (LLMRateLimitError, LLMTimeoutError) for what may pass; LLMSchemaError;
        LLMError for every other failure; InvalidInputError for a schema that is none;
        MissingDependencyError without the extra `llm`.
        """
        if request.schema is not None:
            check_schema(request.schema)
        url, meter = self._url(PROVIDERS[request.provider]), payer()
        if request.use_cache:
            kept = await asyncio.to_thread(self._answers.get, request, url)
            if kept is not None:
                count(request.provider, request.model, Spending(cached=1), meter)
                return kept
        work = _pool(request.provider).submit(self._call, request, url, meter)
        return await asyncio.wrap_future(work)

    def _call(self, request: LLMRequest, url: str, meter: Meter | None) -> LLMAnswer:
        try:
            answer = self._answer(request, url, meter)
        except LLMError:
            count(request.provider, request.model, Spending(failed=1), meter)
            raise
        if request.use_cache:
            self._answers.put(request, url, answer)
        return answer

    def _answer(self, request: LLMRequest, url: str, meter: Meter | None) -> LLMAnswer:
        provider = PROVIDERS[request.provider]
        endpoint = Endpoint(url, self._key(provider))
        wanted = structure(request.schema) if request.schema is not None else None
        ask = _PROTOCOLS[provider.name]
        try:
            reply = with_retries(lambda: ask(endpoint, request, wanted))
        except CallError as error:
            raise explained(_without(endpoint.key, error), provider, request.model, url) from None
        billed = bill(provider.name, request.model, reply.usage)
        count(provider.name, request.model, billed, meter)
        if reply.ended:
            raise _incomplete(request, reply)
        return LLMAnswer(
            data=read_data(request, reply.text, wrapped=wanted),
            text=reply.text,
            provider=provider.name,
            model=reply.model or request.model,
            usage=reply.usage,
            cost=cost_of(provider.name, request.model, reply.usage),
        )

    def _url(self, provider: Provider) -> str:
        url = self._urls.get(provider.name)
        if not url:
            raise LLMSettingsError(
                f"Provider {provider.name!r} is any server that speaks OpenAI's protocol: set "
                f"{provider.url_variable} to its base URL, like http://localhost:11434/v1."
            )
        return url

    def _key(self, provider: Provider) -> str:
        key = self._key_of(provider.key_name)
        if key is None and provider.needs_key:
            raise LLMAuthenticationError(
                f"There is no API key for {provider.name}: {how_to_set(provider.key_name)} keeps "
                "one in this lab, for Ray's workers too; or set the environment variable "
                f"{provider.key_name} before Ray starts."
            )
        return key or ""


def _pool(provider: str) -> ThreadPoolExecutor:
    with _opening:
        return _open_pool(provider)


@cache
def _open_pool(provider: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        PROVIDERS[provider].most_at_once, thread_name_prefix=f"llm-{provider}"
    )


def _incomplete(request: LLMRequest, reply: Reply) -> LLMError:
    is_cut = reply.ended.lower() in ("length", "max_tokens")
    advice = (
        f"Raise max_tokens (now {request.max_tokens}), or ask for less."
        if is_cut
        else "Change the instruction or the text."
    )
    return LLMError(
        f"{request.provider} {request.model} did not finish its answer ({reply.ended}). {advice}"
    )


def _without(key: str, error: CallError) -> CallError:
    """The same error; a provider may quote the key it refuses."""
    if key:
        error.args = (str(error).replace(key, "[API key]"),)
    return error
