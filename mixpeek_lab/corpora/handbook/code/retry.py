"""Ask a server again when it does not answer: waits that grow, with chance in them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def retry(
    ask: Callable[[], Answer],
    tries: int = 5,
    first_wait: float = 0.5,
    longest_wait: float = 30.0,
) -> Answer:
    """What `ask` returns, once it does; the last error where it never does.

    Waits 0.5, 1, 2, 4 … seconds between the tries, each made up to twice as long by chance, so that
    a hundred gauges that lost the server at the same moment do not all come back together.
    Only errors of the network are tried again. An answer that says no is an answer.
    """
    for attempt in range(tries):
        try:
            return ask()
        except (ConnectionError, TimeoutError):
            if attempt == tries - 1:
                raise
            wait = min(longest_wait, first_wait * 2**attempt)
            time.sleep(wait * random.uniform(1, 2))
    raise ValueError("tries must be 1 or more")
