"""A step whose processor is watched: what it gets and gives, and with which index it gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mixpeek_lab.loader import ProcessorStep
from mixpeek_lab.sdk import RowCondition

if TYPE_CHECKING:
    import pandas as pd

GAPS = 3, 7
"""A frame of which rows were taken has labels with gaps: 7, 10, 13, …"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a processor."""

    columns: tuple[str, ...]
    """What the frame had before the call."""
    given: Any
    """What the processor returned; None where it raised."""


@dataclass
class Watched:
    """Stands for a step, and for its processor too. One model serves every run of the test."""

    step: ProcessorStep
    processor: Any
    calls: list[Call] = field(default_factory=list)
    keeps_calls: bool = False
    has_gaps: bool = False

    @property
    def name(self) -> str:
        """The step's."""
        return self.step.name

    @property
    def condition(self) -> RowCondition:
        """The step's."""
        return self.step.condition

    def create(self) -> Watched:
        """What a runner asks of a step: the processor. It is loaded already."""
        return self

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Call the processor."""
        columns = tuple(map(str, frame.columns))
        if self.has_gaps:
            frame.index = _with_gaps(len(frame))
        given = None
        try:
            given = self.processor(frame)
        finally:
            if self.keeps_calls:
                self.calls.append(Call(columns, given))
        return _without_gaps(given, len(frame)) if self.has_gaps else given


def set_watch(
    steps: Sequence[Watched], *, keeps_calls: bool = False, has_gaps: bool = False
) -> None:
    """Say what is watched from now on."""
    for step in steps:
        step.keeps_calls, step.has_gaps = keeps_calls, has_gaps


def is_frame(given: Any) -> bool:
    """Whether a processor returned what it must: a DataFrame."""
    import pandas as pd

    return isinstance(given, pd.DataFrame)


def _with_gaps(count: int) -> pd.Index[int]:
    import pandas as pd

    step, first = GAPS
    return pd.Index(range(first, first + step * count, step))


def _without_gaps(given: Any, count: int) -> Any:
    """The result with our labels as positions again, for what reads lineage off the index."""
    if is_frame(given) and given.index.isin(_with_gaps(count)).all():
        step, first = GAPS
        return given.set_axis((given.index - first) // step)
    return given
