"""Calls that fail: which are tried again, and what the user is told."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from mixpeek_lab.errors import (
    LLMAuthenticationError,
    LLMError,
    LLMRateLimitError,
    LLMSettingsError,
    LLMTimeoutError,
    LLMUnavailableError,
)
from mixpeek_lab.llm.providers import Provider

ATTEMPTS = 4
"""Times a call is made, at most."""
FIRST_WAIT_S = 0.5
"""Seconds before the second attempt; doubled for each further one, plus up to a quarter."""
LONGEST_WAIT_S = 60.0
"""A provider that asks for more seconds than this is not waited for."""

_PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_TIMEOUTS = (408, 504)

Result = TypeVar("Result")


class CallError(Exception):
    """One call that a provider did not answer, as its adapter understood it.

    `status` is HTTP's, None where there was no reply; `wait_s` what the provider asks to wait.
    `is_final` says that trying again is of no use, whatever the status.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        wait_s: float | None = None,
        is_timeout: bool = False,
        is_final: bool = False,
        is_authentication: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.wait_s = status, wait_s
        self.is_timeout = is_timeout or status in _TIMEOUTS
        self.is_authentication = is_authentication or status in (401, 403)
        passes = status in _PASSING or (status is None and not is_timeout)
        self.is_final, self.is_passing = is_final, passes and not is_final


def with_retries(call: Callable[[], Result]) -> Result:
    """The call's result; tried again, after a pause, where the failure may pass by itself.

    Raises the last CallError. A call that timed out has been waited for long enough, and may have
    been paid for: it is not repeated.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call()
        except CallError as error:
            pause = FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(1, 1.25)
            pause = pause if error.wait_s is None else error.wait_s
            if attempt == ATTEMPTS or not error.is_passing or pause > LONGEST_WAIT_S:
                raise
            time.sleep(pause)
    raise AssertionError("unreachable")


def explained(error: CallError, provider: Provider, model: str, url: str) -> LLMError:
    """The error that the user sees."""
    said = f"{error.status}: {error}" if error.status else str(error)
    where = f"{provider.name} {model} at {url}"
    if error.is_authentication:
        return LLMAuthenticationError(
            f"{where} refuses the API key {provider.key_name} ({said}). "
            f"{how_to_set(provider.key_name)} sets another."
        )
    if error.status == 429:
        return _limited(error, where, said)
    if error.is_timeout:
        return LLMTimeoutError(
            f"{where} did not answer in time ({said}). Give it longer (timeout_s=…), or less text."
        )
    if error.status is None:
        return LLMUnavailableError(
            f"{where} cannot be reached ({said}). Look at the connection, and at "
            f"{provider.url_variable} if it is set."
        )
    return _kind(error)(f"{where} gave no answer ({said}). {_advice(error.status)}")


def _kind(error: CallError) -> type[LLMError]:
    status = error.status or 0
    if status >= 500 or error.is_passing:
        return LLMUnavailableError
    return LLMSettingsError if status >= 400 else LLMError  # something else answers there


def how_to_set(name: str) -> str:
    """The ways to keep a secret: in a notebook, and beside a server."""
    return f"`%secret set {name}` (`mixpeek-lab secret set {name}` in a shell)"


def _limited(error: CallError, where: str, said: str) -> LLMError:
    asked = f" It asks to wait {error.wait_s:.0f} s." if error.wait_s else ""
    told = LLMRateLimitError(
        f"{where} takes no more requests for now ({said}).{asked} Ask less at once "
        "(max_concurrent), or raise the limits of the account."
    )
    told.retryable = not error.is_final  # an empty account stays empty
    return told


def _advice(status: int) -> str:
    if status == 404:
        return "Look at the model's name; the provider may have retired it."
    if status >= 500:
        return "The fault is on its side: try again later."
    return "Change the request as the provider says."
