"""Keeping secrets out of texts: however it is usually spelled, each one becomes its name."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

from mixpeek_lab.secrets.store import SecretStore

_lock = Lock()
_watched: dict[SecretStore, tuple[tuple[int, int], list[tuple[str, str]]]] = {}


def watch(store: SecretStore) -> None:
    """From now on `redact` knows this lab's secrets, those set later included."""
    with _lock:
        _watched.setdefault(store, ((-1, -1), []))


def redact(text: str) -> str:
    """`text` with `[secret NAME]` in place of every secret of the watched labs."""
    if not _watched:
        return text
    for spelling, shown in _spellings():
        if spelling in text:
            text = text.replace(spelling, shown)
    return text


def redacted(value: Any) -> Any:
    """A JSON-like value with every text in it redacted; other things as they are."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redacted(key): redacted(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redacted(entry) for entry in value) if value else value
    return value


def _spellings() -> list[tuple[str, str]]:
    """Every way a secret may be written, longest first, with what stands for it."""
    with _lock:
        for store, (stamp, _) in list(_watched.items()):
            now = store.stamp
            if now != stamp:
                _watched[store] = now, _of(store)
        found = [pair for _, pairs in _watched.values() for pair in pairs]
    return sorted(found, key=lambda pair: -len(pair[0]))


def _of(store: SecretStore) -> list[tuple[str, str]]:
    found = []
    for name, value in store.values().items():
        spellings = {
            value,
            value.strip(),
            json.dumps(value)[1:-1],
            repr(value)[1:-1],
            quote(value, safe=""),
            quote_plus(value),
            base64.b64encode(value.encode()).decode(),
            base64.urlsafe_b64encode(value.encode()).decode(),
        }
        found += [(spelling, f"[secret {name}]") for spelling in spellings]
    return found
