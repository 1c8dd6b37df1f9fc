"""A step whose processor is watched: what it gets and gives, and with which index it gets it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.loader import ProcessorStep
from mixpeek_lab.loader.places import place_of
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
    wanted: str = ""
    """The column that it asked a DataFrame for in vain."""
    where: str = ""
    """The line that asked."""


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

    @property
    def home(self) -> Path:
        """The step's."""
        return self.step.home

    def create(self) -> Watched:
        """What a runner asks of a step: the processor. It is loaded already."""
        return self

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Call the processor."""
        columns = tuple(map(str, frame.columns))
        if self.has_gaps:
            frame.index = _with_gaps(len(frame))
        try:
            given = self.processor(frame)
        except (Exception, SystemExit) as error:
            if self.keeps_calls:
                where = place_of(self.step.source, error)
                self.calls.append(Call(columns, None, _wanted(error), where))
            raise
        if self.keeps_calls:
            self.calls.append(Call(columns, given))
        return _without_gaps(given, len(frame)) if self.has_gaps else given


def set_watch(
    steps: Sequence[Watched], *, keeps_calls: bool = False, has_gaps: bool = False
) -> None:
    """Say what is watched from now on."""
    for step in steps:
        step.keeps_calls, step.has_gaps = keeps_calls, has_gaps


def _wanted(error: BaseException) -> str:
    """The column that pandas was asked for and has not; empty for any other error."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or "/pandas/" not in frames[-1].filename.replace("\\", "/"):
        return ""
    if isinstance(error, KeyError):
        return error.args[0] if error.args and isinstance(error.args[0], str) else ""
    return str(error.name or "") if isinstance(error, AttributeError) else ""


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
