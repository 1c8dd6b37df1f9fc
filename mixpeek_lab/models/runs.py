"""How far a batch run is, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mixpeek_lab.models.spending import Spent


@dataclass(frozen=True, slots=True)
class Failure:
    """One row that an extractor could not process, and why."""

    object_id: str
    document_id: str
    step: str
    kind: str
    """The exception's type name."""
    message: str
    where: str = ""
    """The extractor's own line: `processors/core.py:14 in __call__`."""
    name: str = ""
    """What people call its object: the path of its file; empty where it has none."""

    @property
    def called(self) -> str:
        """Its object's name, or else its id."""
        return self.name or self.object_id


RunState = Literal["running", "completed", "completed_with_errors", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class StepProgress:
    """What one step of a pipeline is doing. Rows that fail travel on, marked, to the end."""

    name: str
    kind: str = "cpu"
    """What its actors run on: `cpu`, `gpu` or `api`; `kernel`: this process, without actors."""
    rows_in: int = 0
    """Rows handed to it so far."""
    rows_out: int = 0
    """Rows that it has given back, failed ones and chunks included."""
    waiting: int = 0
    """Blocks that stand before it in the queue."""
    working: int = 0
    """Blocks that it works on."""
    actors: int = 0
    starting: int = 0
    """Actors that are loading, or are started again after a crash."""
    rate: float = 0.0
    """Rows out per second since its first row went in."""
    cpu: float | None = None
    """Of its processes, in CPUs (1.5: one and a half busy); None where it is not known."""
    memory: int | None = None
    """Bytes that its processes hold; None where it is not known."""
    gpu: float | None = None
    """How busy the machine's GPUs are, 0 to 1, whoever it is that uses them."""
    gpu_memory: int | None = None
    """Bytes of GPU memory that its processes hold; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What an extractor has printed in a run: the newest lines, without secrets."""

    lines: tuple[tuple[str, str], ...] = ()
    """(step, line)."""
    count: int = 0
    """All lines, as far as they were seen."""
    is_cut: bool = False
    """Whether there were more of them than could be counted."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` counts the input rows that need work."""

    total: int
    done: int = 0
    failed: int = 0
    documents: int = 0
    seconds: float = 0.0
    """Of work on rows: the start of actors and models does not count."""
    phase: str = "starting"
    steps: tuple[StepProgress, ...] = ()
    """The pipeline's steps in their order; empty until it is laid out."""
    failures: tuple[Failure, ...] = ()
    """Some of the rows that failed, a few of each kind."""
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Exception type → how many rows failed with it."""
    collection: str = ""
    """What is being made: what follows a collection is told of beside it."""
    printed: Printed = field(default_factory=Printed)

    @property
    def rate(self) -> float:
        """Rows per second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end; None while nothing is done."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Unusable:
    """How many documents have no vector that an index can hold, by reason."""

    missing: int = 0
    """Null: the processor gave none, or the document never came to its step."""
    not_finite: int = 0
    """With NaN or infinity in them, or a number too large for float32."""
    zero: int = 0
    """All zeros where the metric is cosine: they have no direction to compare."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.missing + self.not_finite + self.zero

    def __str__(self) -> str:
        parts = [
            (self.missing, "missing"),
            (self.not_finite, "NaN or infinite"),
            (self.zero, "all zeros"),
        ]
        return ", ".join(f"{count:,} {words}" for count, words in parts if count)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a batch run did."""

    run_id: str
    """As in the table `runs`."""
    collection: str
    """The name of what it made."""
    state: RunState
    """How it ended: `completed`, `completed_with_errors`, `failed`."""
    rows_in: int
    """Blobs that the extractor accepts."""
    reused: int
    """Rows whose documents were kept from the snapshot before."""
    processed: int
    """Rows that went through the extractor in this run."""
    documents: int
    """Documents in the new snapshot; 0 where the run failed and the earlier snapshot stays."""
    failures: tuple[Failure, ...] = ()
    """Rows that failed, each with its error and the extractor's own line."""
    failed: int = 0
    """Rows that failed, all of them."""
    removed: int = 0
    """Documents dropped because their object is gone or changed."""
    vectors: Mapping[str, int] = field(default_factory=dict)
    """Vector index → vectors in it."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Vector index → documents without a usable vector."""
    unusable: Mapping[str, Unusable] = field(default_factory=dict)
    """Vector index → the same documents by reason."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Step → rows that it got, did not fail on, and gave nothing back for."""
    llm: Spent = field(default_factory=dict)
    """`provider/model` → the extractor's calls of `container.llm` in this run, and their cost."""
    seconds: float = 0.0
    """Of the whole run."""
    rows_per_second: float = 0.0
    """Processed rows over the time from the first batch in to the last block out."""
    setup_seconds: float = 0.0
    """The longest `setup()` of any actor (model load)."""
    engine: str = "ray"
    """Where its steps ran: `ray` or `kernel`."""
    notes: tuple[str, ...] = ()
    """Sentences for people: why 0 documents, what ran on the CPU instead, …"""
