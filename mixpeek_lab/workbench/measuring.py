"""What a lab learns about its retrievers: interactions, and evaluations against judgements."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mixpeek_lab.workbench.interactions import Interactions

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Catalog


class Measured:
    """The part of `Lab` that records and measures."""

    _catalog: Catalog

    @cached_property
    def interactions(self) -> Interactions:
        """What people did with hits: `lab.interactions.record(result, 1, "click")`, `list`,
        `arms`. `learned` fusion draws its weights from it.
        """
        return Interactions(self._catalog)
