"""The part of a playground that knows how many candidates each leg keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from mixpeek_lab.widgets.playground.asking import Asking
from mixpeek_lab.widgets.playground.depths import Depths, OwnDepths, is_short
from mixpeek_lab.widgets.playground.traits import FusionTraits

MOVED = ("weights", "strategy", "k", "top_k", "limit")


class Deepening(FusionTraits):
    """A smaller `top_k` cuts what was found; a larger one is searched for."""

    _own_depths: OwnDepths
    _asking: Asking
    _is_from_view = _is_answering = False

    @abstractmethod
    def run(self) -> None:
        """Search again, and show the answer."""

    @property
    def raised(self) -> dict[str, int]:
        """The legs that keep more than the retriever says: leg name → top_k."""
        return self.raised_of(self.top_k)

    def raised_of(self, top_k: Depths) -> dict[str, int]:
        """The same of other settings."""
        return self._own_depths.raised(top_k)

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """What the view has changed. It asks by itself for what it then needs."""
        self._is_from_view = True
        try:
            super().set_state(sync_data)
        finally:
            self._is_from_view = False

    def notify_change(self, change: Any) -> None:
        """What Python sets goes to the view together with `_moves`."""
        if change["name"] not in MOVED or not self._is_from_python:
            super().notify_change(change)
            return
        with self.hold_sync():
            self._moves += 1
            super().notify_change(change)

    @property
    def _is_from_python(self) -> bool:
        """Whether what changes now was set by a cell, and by neither a view nor an answer."""
        return not (self._is_from_view or self._is_answering)

    def _on_top_k(self, _change: Any) -> None:
        """`top_k` was set: where that is more than there is, from Python it searches."""
        if self._is_from_python and is_short(self._asking.payload, self.top_k):
            self.run()

    def _kept(self, leg: Mapping[str, Any]) -> dict[str, int]:
        """The leg's top_k, where it is known."""
        return {"top_k": self.top_k[leg["name"]]} if leg["name"] in self.top_k else {}
