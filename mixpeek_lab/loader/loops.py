"""An event loop of its own for each realtime service that the kernel asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class ServiceLoop:
    """An event loop in a daemon thread. A call that is interrupted leaves it for good."""

    def __init__(self) -> None:
        self.is_free = True
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, name="extractor-service", daemon=True).start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start `work` in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Start `work` in the loop and wait for it."""
        future = self.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            # The user's code may be stuck where no cancellation reaches it.
            self.is_free = False
            future.cancel()
            self.close()
            raise

    def close(self) -> None:
        """Stop the loop once what runs in it has given way."""
        with suppress(RuntimeError):  # closed already
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()
