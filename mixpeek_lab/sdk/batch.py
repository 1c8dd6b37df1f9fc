"""The typed batch processor: `setup()` once, `process(batch)` per batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixpeek_lab.sdk.once import Once

if TYPE_CHECKING:
    import pandas as pd


class BatchProcessor:
    """Base of processors. Override `process`, and `setup` to load what it needs.

    `config` is the step's config; by default the collection's parameters. `options` holds what
    else the platform passes (`progress_actor`, `secrets`).
    """

    config: Any
    options: Mapping[str, Any]

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        self.config = dict(config) if isinstance(config, Mapping) else (config or {})
        self.options = kwargs

    def setup(self) -> None:
        """Load models. Called once per worker, before its first batch."""

    def process(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Return `batch` with new columns; fewer or more rows are fine.

        Text, or the URL of a binary, is in `batch["data"]`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no process(batch) method. Write "
            "`def process(self, batch):` and return the batch with your new columns."
        )

    def ensure_setup(self) -> None:
        """Run `setup()` if it has not run yet. Threads that come at once wait for the one run."""
        # Not in __init__: subclasses need not call super().__init__(). setdefault is atomic.
        once: Once = self.__dict__.setdefault("_setup_once", Once())
        once(self.setup)

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Set up on the first batch, then process it."""
        self.ensure_setup()
        return self.process(batch)
