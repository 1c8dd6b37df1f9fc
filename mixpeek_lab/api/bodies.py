"""Reading the bodies of requests: JSON objects, whole, in bounded size, depth and time."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from mixpeek_lab.errors import InvalidInputError, TooLargeError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.values import plain

MOST_DEPTH = 64
MOST_BODY = 64 * 1024 * 1024
"""Bytes of a JSON body. Archives are not among these: they are streamed to the disk."""
MOST_SECONDS = 60.0
"""How long a JSON body may take to arrive."""

_MAY_BE_INFINITE = re.compile(rb"[eE]\+?\d{3}|\d{300}")
"""A number that may be too large for a float has one of these in it."""


async def read_body(request: Request) -> bytes:
    """The bytes of the body. TooLargeError, or 408 where they do not come."""
    found = bytearray()
    try:
        async with asyncio.timeout(MOST_SECONDS):
            async for chunk in request.stream():
                found += chunk
                if len(found) > MOST_BODY:
                    raise TooLargeError(f"A body has at most {MOST_BODY // 1024**2} MB.")
    except TimeoutError:
        raise _too_slow(f"did not arrive within {MOST_SECONDS:.0f} s") from None
    return bytes(found)


async def arriving(request: Request) -> AsyncIterator[bytes]:
    """The pieces of a body of any size. 408 where none comes for a while."""
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(MOST_SECONDS):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _too_slow(f"stopped for {MOST_SECONDS:.0f} s") from None
        yield piece


def _too_slow(what: str) -> HTTPException:
    return HTTPException(408, f"the body {what}. Send it again.", {"Connection": "close"})


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that the bytes are; InvalidInputError with what is wrong.

    Strict where readers of JSON disagree: names that are given twice, NaN, infinity, numbers
    beyond a float, and what is not UTF-8 are refused.
    """
    is_wide = _MAY_BE_INFINITE.search(body) is not None
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_finite if is_wide else None,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidInputError('The body must be a JSON object, such as {"query": "…"}.')
    if _is_deeper(value, MOST_DEPTH):
        raise InvalidInputError(f"The body nests more than {MOST_DEPTH} levels deep.")
    # Halves of surrogate pairs, which JSON can write, and no database or file can hold.
    return plain(value) if b"\\ud" in body.lower() else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        raise ValueError(f"{twice!r:.80} is given twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"it has no {name}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text:.40} is too large")
    return value


def _is_deeper(value: JSON, most: int) -> bool:
    """Whether lists and objects lie in each other more than `most` levels deep."""
    level: list[Any] = [value]
    for _ in range(most):
        inner = [v.values() if isinstance(v, dict) else v for v in level]
        level = [v for each in inner for v in each if isinstance(v, dict | list)]
    return bool(level)


async def _json_object(request: Request) -> dict[str, Any]:
    """The body, whatever the Content-Type says: `curl -d` says it is a form."""
    return parse_object(await read_body(request))


async def _optional_json_object(request: Request) -> dict[str, Any]:
    body = await read_body(request)
    return parse_object(body) if body.strip() else {}


JSONBody = Annotated[dict[str, Any], Depends(_json_object)]
"""A route's parameter type: a body that is a JSON object."""
OptionalJSONBody = Annotated[dict[str, Any], Depends(_optional_json_object)]
"""The same, where no body at all counts as `{}`."""
