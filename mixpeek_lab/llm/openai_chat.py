"""OpenAI's chat completions, which local servers speak too."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mixpeek_lab.llm.failures import CallError
from mixpeek_lab.llm.libraries import library
from mixpeek_lab.llm.replies import Endpoint, Reply, as_fields, not_understood, seconds
from mixpeek_lab.llm.requests import LLMRequest, LLMUsage
from mixpeek_lab.llm.structure import Structure, is_closed


def ask(endpoint: Endpoint, request: LLMRequest, wanted: Structure | None) -> Reply:
    """One call of `POST {url}/chat/completions`. CallError where it is not answered."""
    openai = library("openai")
    try:
        made = _client(endpoint).chat.completions.create(
            timeout=request.timeout_s, **_body(request, wanted)
        )
    except openai.APITimeoutError as error:
        raise CallError(f"nothing came for {request.timeout_s:g} s", is_timeout=True) from error
    except openai.APIConnectionError as error:
        raise CallError(str(error.__cause__ or error)) from error
    except openai.APIStatusError as error:
        raise CallError(
            _said(error),
            status=error.status_code,
            wait_s=seconds(error.response.headers),
            is_final=error.code == "insufficient_quota",
        ) from error
    except (openai.APIError, ValueError) as error:
        raise not_understood(str(error)) from error
    return _reply(as_fields(made))


@lru_cache(maxsize=8)
def _client(endpoint: Endpoint) -> Any:
    return library("openai").OpenAI(
        base_url=endpoint.url, api_key=endpoint.key or "none", max_retries=0
    )


def _body(request: LLMRequest, wanted: Structure | None) -> dict[str, Any]:
    instruction, text = request.instruction, request.text
    content: Any = text or instruction
    if request.images:
        parts = [{"type": "text", "text": content}]
        content = parts + [
            {"type": "image_url", "image_url": {"url": f"data:{i.mime_type};base64,{i.base64}"}}
            for i in request.images
        ]
    system = [{"role": "system", "content": instruction}] if text and instruction else []
    # Servers other than OpenAI's know the older name of the limit, its newest models do not.
    limit = "max_tokens" if request.provider == "local" else "max_completion_tokens"
    body = {
        "model": request.model,
        "messages": [*system, {"role": "user", "content": content}],
        limit: request.max_tokens,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if wanted is not None:
        described = {
            "name": "answer",
            "schema": wanted.schema,
            "strict": is_closed(wanted.schema),
        }
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    return body


def _reply(fields: dict[str, Any]) -> Reply:
    try:
        (choice, *_) = fields["choices"]
        message = choice["message"]
        text = message.get("content") or ""
        usage = fields.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        counted = LLMUsage(
            usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0, cached
        )
        ended = choice.get("finish_reason") or "stop"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise not_understood(f"it has no `choices` with a message ({fields!s:.120})") from error
    refusal = message.get("refusal")
    why = f"refusal: {refusal}" if refusal else "" if ended == "stop" else ended
    return Reply(text, fields.get("model") or "", counted, why)


def _said(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or error.message)[:500]
