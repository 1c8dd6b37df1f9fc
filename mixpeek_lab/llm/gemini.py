"""Google's generateContent, as Gemini answers it with an API key."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import httpx

from mixpeek_lab.llm.failures import CallError
from mixpeek_lab.llm.libraries import library
from mixpeek_lab.llm.replies import Endpoint, Reply, as_fields, not_understood, seconds
from mixpeek_lab.llm.requests import LLMRequest, LLMUsage
from mixpeek_lab.llm.structure import Structure

_DELAY = re.compile(r"(\d+(?:\.\d+)?)s\Z")


def ask(endpoint: Endpoint, request: LLMRequest, wanted: Structure | None) -> Reply:
    """One call of `POST {url}/v1beta/models/{model}:generateContent`.

    CallError where it is not answered.
    """
    errors = library("google.genai").errors
    try:
        made = _client(endpoint).models.generate_content(**_body(request, wanted))
    except errors.APIError as error:
        raise _refused(error) from error
    except httpx.TimeoutException as error:
        raise CallError(f"nothing came for {request.timeout_s:g} s", is_timeout=True) from error
    except httpx.TransportError as error:
        raise CallError(str(error)) from error
    except ValueError as error:
        raise not_understood(str(error)) from error
    return _reply(as_fields(made))


@lru_cache(maxsize=8)
def _client(endpoint: Endpoint) -> Any:
    genai = library("google.genai")
    # With a client of ours it is known whose errors come; the library takes either of two.
    options = {
        "base_url": endpoint.url,
        "api_version": "v1beta",  # the one whose reference has response schemas
        "httpx_client": httpx.Client(follow_redirects=True),
        "retry_options": {"attempts": 1},
    }
    return genai.Client(vertexai=False, api_key=endpoint.key, http_options=options)


def _body(request: LLMRequest, wanted: Structure | None) -> dict[str, Any]:
    instruction, text = request.instruction, request.text
    part = library("google.genai").types.Part
    pictures = [part.from_bytes(data=i.data, mime_type=i.mime_type) for i in request.images]
    config: dict[str, Any] = {
        "max_output_tokens": request.max_tokens,
        "http_options": {"timeout": int(request.timeout_s * 1000)},
    }
    if text and instruction:
        config["system_instruction"] = instruction
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if wanted is not None:
        config["response_mime_type"] = "application/json"
        config["response_json_schema"] = wanted.schema
    contents = [{"role": "user", "parts": [*pictures, part.from_text(text=text or instruction)]}]
    return {"model": request.model, "contents": contents, "config": config}


def _reply(fields: dict[str, Any]) -> Reply:
    usage = fields.get("usage_metadata") or {}
    blocked = (fields.get("prompt_feedback") or {}).get("block_reason")
    candidates = fields.get("candidates") or []
    if not (usage or blocked or candidates):
        raise not_understood("it has neither `candidates` nor `usageMetadata`")
    first = candidates[0] if candidates else {}
    parts = (first.get("content") or {}).get("parts") or []
    text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    thoughts = usage.get("thoughts_token_count") or 0
    counted = LLMUsage(
        usage.get("prompt_token_count") or 0,
        (usage.get("candidates_token_count") or 0) + thoughts,
        usage.get("cached_content_token_count") or 0,
    )
    ended = blocked or first.get("finish_reason") or "no candidate"
    return Reply(text, fields.get("model_version") or "", counted, "" if ended == "STOP" else ended)


def _refused(error: Any) -> CallError:
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    details = inner.get("details") if isinstance(inner, dict) else None
    notes = [note for note in details or () if isinstance(note, dict)]
    asked = [_DELAY.match(str(note["retryDelay"])) for note in notes if "retryDelay" in note]
    waits = [float(found[1]) for found in asked if found]
    headers = getattr(error.response, "headers", None)
    return CallError(
        str(error.message or error)[:500],
        status=error.code,
        wait_s=waits[0] if waits else seconds(headers),
        # A wrong key is a 400 here.
        is_authentication=any(note.get("reason") == "API_KEY_INVALID" for note in notes),
    )
