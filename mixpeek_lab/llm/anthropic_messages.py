"""Anthropic's messages. A structured answer is the input of a tool that the model calls."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from mixpeek_lab.llm.failures import CallError
from mixpeek_lab.llm.libraries import library
from mixpeek_lab.llm.replies import Endpoint, Reply, as_fields, not_understood, seconds
from mixpeek_lab.llm.requests import LLMRequest, LLMUsage
from mixpeek_lab.llm.structure import Structure

_TOOL = "answer"
_CALL_IT = f"Give your answer by calling the tool `{_TOOL}`, once."
_FORCED = ("claude-3", "claude-haiku-4", "claude-opus-4", "claude-sonnet-4")
"""Models that take an order to call the tool. Later ones refuse the order, and are asked to."""
_WITH_TEMPERATURE = "2023-06-01"
"""The last version of the protocol that has a temperature; the client speaks a later one."""
_COMPLETE = ("end_turn", "tool_use", "stop_sequence")


def ask(endpoint: Endpoint, request: LLMRequest, wanted: Structure | None) -> Reply:
    """One call of `POST {url}/v1/messages`. CallError where it is not answered."""
    anthropic = library("anthropic")
    try:
        made = _client(endpoint).messages.create(
            timeout=request.timeout_s, **_body(request, wanted)
        )
    except anthropic.APITimeoutError as error:
        raise CallError(f"nothing came for {request.timeout_s:g} s", is_timeout=True) from error
    except anthropic.APIConnectionError as error:
        raise CallError(str(error.__cause__ or error)) from error
    except anthropic.APIStatusError as error:
        raise CallError(
            str(error.api_message or error.message)[:500],
            status=error.status_code,
            wait_s=seconds(error.response.headers),
        ) from error
    except (anthropic.APIError, ValueError) as error:
        raise not_understood(str(error)) from error
    return _reply(as_fields(made), is_structured=wanted is not None)


@lru_cache(maxsize=8)
def _client(endpoint: Endpoint) -> Any:
    return library("anthropic").Anthropic(
        base_url=endpoint.url, api_key=endpoint.key, max_retries=0
    )


def _body(request: LLMRequest, wanted: Structure | None) -> dict[str, Any]:
    instruction, text = request.instruction, request.text
    pictures = [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": i.mime_type, "data": i.base64},
        }
        for i in request.images
    ]
    content = [*pictures, {"type": "text", "text": text or instruction}]
    system = [instruction] if text and instruction else []
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": [{"role": "user", "content": content}],
    }
    if request.temperature is not None:
        body["extra_body"] = {"temperature": request.temperature}
        body["extra_headers"] = {"anthropic-version": _WITH_TEMPERATURE}
    if wanted is not None:
        system.append(_CALL_IT)
        tool = {"name": _TOOL, "description": "Takes the answer.", "input_schema": wanted.schema}
        body["tools"] = [tool]
        is_forced = request.model.startswith(_FORCED)
        body["tool_choice"] = {"type": "tool", "name": _TOOL} if is_forced else {"type": "auto"}
    if system:
        body["system"] = "\n\n".join(system)
    return body


def _reply(fields: dict[str, Any], *, is_structured: bool) -> Reply:
    try:
        blocks = fields["content"]
        calls = [block["input"] for block in blocks if block["type"] == "tool_use"]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        usage = fields["usage"]
        read = usage.get("cache_read_input_tokens") or 0
        written = usage.get("cache_creation_input_tokens") or 0
        counted = LLMUsage(usage["input_tokens"] + read + written, usage["output_tokens"], read)
        ended = fields.get("stop_reason") or "end_turn"
    except (KeyError, TypeError, AttributeError) as error:
        raise not_understood(f"it has no `content` and `usage` ({fields!s:.120})") from error
    text = json.dumps(calls[0]) if is_structured and calls else "".join(texts)
    return Reply(text, fields.get("model") or "", counted, "" if ended in _COMPLETE else ended)
