"""Whether model hubs can be reached: asked once, in the background, before anything loads a model.

Without a network Hugging Face's libraries retry each file for many seconds; told to use their
cache alone they answer at once.
"""

from __future__ import annotations

import os
import threading

from mixpeek_lab.hub import is_hub_reachable, use_hub_cache_only


class HubCheck:
    """Looks for the hub when it is made; `settle` waits for the answer and acts on it.

    Asks nothing where the user has set `HF_HUB_OFFLINE`.
    """

    def __init__(self) -> None:
        self.is_offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
        self._thread: threading.Thread | None = None
        if "HF_HUB_OFFLINE" not in os.environ:
            self._thread = threading.Thread(target=self._look, name="hub-check", daemon=True)
            self._thread.start()

    def settle(self) -> None:
        """Return once it is known, with the libraries told where the hub is out of reach."""
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        if not is_hub_reachable():
            use_hub_cache_only()
            self.is_offline = True
