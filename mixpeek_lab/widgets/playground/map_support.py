"""What the playground's map asks for: plain callables, and a map's points as they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from mixpeek_lab.models import JSON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mixpeek_lab.projections import Projection


class VectorMap(Protocol):
    """One feature's vectors: what `lab.maps.open` gives."""

    @property
    def state(self) -> object:
        """The very same object for two maps of one state of the collection."""

    @property
    def ids(self) -> Sequence[str]:
        """The document of each point."""

    @property
    def fields(self) -> Sequence[str]:
        """The fields that points can be coloured by."""

    def values(self, field: str) -> Any:
        """A field's value at each point."""

    def documents(self, document_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Document id → `{fields, lineage}`, of those there are."""

    def project(
        self,
        method: str,
        parameters: Mapping[str, JSON],
        on_progress: Callable[[str, float | None], None],
        stop: Event | None = None,
    ) -> Projection:
        """Positions of all points."""

    def is_kept(self, method: str, parameters: Mapping[str, JSON]) -> bool:
        """Whether `project` would only have to read."""

    def place(self, vector: Any, projection: Projection) -> tuple[float, float]:
        """Where a query's vector stands, at once."""

    def place_finely(self, vector: Any, projection: Projection) -> tuple[float, float] | None:
        """Where the method itself puts it, which may take seconds; None where it cannot."""


@dataclass(frozen=True, slots=True)
class MapSupport:
    """The vectors behind a retriever's legs."""

    offers: Callable[[], Sequence[Mapping[str, str]]]
    """The maps there can be: `{id, leg, collection, feature}` each."""
    open: Callable[[str], VectorMap]
    """One of them by its id, over the collection as it is now."""
    vector: Callable[[str, Mapping[str, JSON]], Any]
    """(leg, `{query, filters}`) → what the leg searches with."""
    passing: Callable[[Any, JSON], NDArray[np.bool_] | None]
    """(map, filter) → for each point, whether its document passes; None where all do."""
