"""What an adapter gets and gives: the endpoint, and the provider's reply in common terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mixpeek_lab.llm.failures import CallError
from mixpeek_lab.llm.requests import LLMUsage


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is reached, and with which key."""

    url: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's reply: the answer's text (JSON where a schema was given) and its bill."""

    text: str
    model: str
    usage: LLMUsage
    ended: str = ""
    """Why the answer is not complete, in the provider's words; empty where it is."""


def as_fields(value: Any) -> dict[str, Any]:
    """A client library's reply as plain JSON. CallError where the server sent something else."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise not_understood(f"it begins {str(value)[:80]!r}")
    fields: dict[str, Any] = dump(mode="json", warnings=False)
    return fields


def not_understood(what: str) -> CallError:
    """The server's reply is not one of its protocol: something else listens at that address."""
    return CallError(f"its reply is not of the provider's protocol: {what}", status=200)


def seconds(headers: Mapping[str, str] | None) -> float | None:
    """What `Retry-After` asks to wait, in seconds; None without it or with a date in it."""
    try:
        return max(0.0, float((headers or {})["retry-after"]))
    except (KeyError, ValueError):
        return None
