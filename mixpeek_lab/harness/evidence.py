"""What checks look at: runs of the extractor, each made when a check first asks for it, and once.

All runs in this process share the processors, which are loaded once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pyarrow as pa

from mixpeek_lab.errors import LabError, NoStepsError
from mixpeek_lab.harness.agreement import compare_vectors
from mixpeek_lab.harness.answers import Answer, Vectors, answer_of, run_here
from mixpeek_lab.harness.samples import Samples, table_of, text_row
from mixpeek_lab.harness.subject import Ask, Subject
from mixpeek_lab.harness.verdicts import NoEvidenceError
from mixpeek_lab.harness.watching import Call, Watched, is_frame, set_watch
from mixpeek_lab.pipeline import ROW

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

FULL_BATCH = 64
"""Rows of the batch that is compared with batches of one row."""

SHORT = 4
"""How many texts are repeated to fill it: the shortest, which cost little."""


class kept(Generic[T]):  # noqa: N801 - used like functools.cached_property
    """A property that is worked out once, even where it raises."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = f"_kept_{name}"

    def __get__(self, owner: Any, _: type | None = None) -> T:
        found = vars(owner).get(self._name)
        if found is None:
            try:
                found = (self._make(owner), None)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - told to all who ask
                found = (None, error)
            vars(owner)[self._name] = found
        value, problem = found
        if problem is not None:
            raise problem
        return value  # type: ignore[no-any-return]


class Evidence:
    """The runs of one test. Asking for one may raise NoEvidenceError, which skips the check."""

    def __init__(self, subject: Subject, samples: Samples) -> None:
        self.subject, self.samples = subject, samples
        self.features = [feature.feature_name for feature in subject.manifest.vectors]
        self._answers: dict[tuple[str, str], Mapping[str, Any]] = {}

    # ------------------------------------------------------------ the code

    @kept
    def loaded(self) -> tuple[Watched, ...]:
        """The steps, watched. Raises what keeps the code from loading."""
        self.has_prepare = False
        loaded = self.subject.load()
        self.has_prepare = loaded.has_prepare
        return tuple(Watched(step, processor) for step, processor in loaded.steps)

    @kept
    def is_realtime_only(self) -> bool:
        """Whether there is a service and no step: no processor, or an empty pipeline."""
        if not self.subject.has_batch:
            return True
        try:
            _ = self.loaded
        except NoStepsError:
            return "realtime.py" in self.subject.source.paths
        except (Exception, SystemExit):  # noqa: BLE001 - TST001 says so
            return False
        return False

    def demand_batch(self) -> None:
        """No evidence where nothing is there that a batch could run."""
        if self.is_realtime_only:
            what = "its pipeline has no step" if self.subject.has_batch else "it has no processor"
            raise NoEvidenceError(f"The extractor is realtime only: {what}.")

    @property
    def steps(self) -> tuple[Watched, ...]:
        """The steps, or no evidence where there are none or the code does not load."""
        self.demand_batch()
        try:
            return self.loaded
        except (Exception, SystemExit) as error:
            raise NoEvidenceError("The code does not load: see TST001.") from error

    @property
    def table(self) -> pa.Table:
        """The sample rows as a run's input."""
        if not self.samples.rows:
            raise NoEvidenceError(" ".join(self.samples.notes) or "There are no sample rows.")
        return table_of(self.samples.rows, self.subject.manifest)

    # ------------------------------------------------------------ runs in this process

    @kept
    def first(self) -> Answer:
        """The sample rows in batches of the manifest's size. What its processors did is kept."""
        steps = self.steps
        set_watch(steps, keeps_calls=True)
        return self._run(self.table, self.subject.manifest.compute_profile.batch_size)

    @kept
    def again(self) -> Answer:
        """The same once more, after all other runs that were made."""
        return self._run(self.table, self.subject.manifest.compute_profile.batch_size)

    @kept
    def is_steady(self) -> bool:
        """Whether the same rows give the same vectors when they run again at once."""
        size = self.subject.manifest.compute_profile.batch_size
        other = self._run(self.table, size)
        if other.failures.keys() != self.first.failures.keys():
            return False
        return all(self._agrees(name, self.first, other) for name in self.features)

    @kept
    def is_apart(self) -> bool:
        """Whether a row's vectors are the same alone as in a batch."""
        return all(self._agrees(name, self.full_batch, self.one_by_one) for name in self.features)

    @kept
    def backwards(self) -> Answer:
        """The rows in the reverse order."""
        order = pa.array(range(len(self.table) - 1, -1, -1))
        size = self.subject.manifest.compute_profile.batch_size
        return self._run(self.table.take(order), size)

    @kept
    def with_gaps(self) -> Answer:
        """The rows in frames whose index has gaps."""
        set_watch(self.steps, has_gaps=True)
        return self._run(self.table, self.subject.manifest.compute_profile.batch_size)

    @kept
    def one_by_one(self) -> Answer:
        """A batch for each row."""
        return self._run(self.table, 1)

    @kept
    def full_batch(self) -> Answer:
        """All rows in one batch. Short texts are repeated until it has FULL_BATCH rows."""
        rows = list(self.samples.rows)
        is_cheap = self.subject.manifest.compute_profile.resource_type != "api"
        if is_cheap and all(row.type == "text" for row in rows):
            short = sorted(rows, key=lambda row: row.size_bytes)[:SHORT]
            for copy in range(FULL_BATCH - len(rows)):
                row = short[copy % len(short)]
                key = f"{row.object_id} copy {copy}"
                rows.append(replace(row, object_id=key, blob_id=f"blob {key}"))
        return self._run(table_of(rows, self.subject.manifest), len(rows))

    def beside(self, text: str | None) -> tuple[int, Answer]:
        """A row with this text (row 1) in one batch with an ordinary one (row 0).

        Also says which of the sample rows that one is.
        """
        chosen = next((row for row in self.good_rows if row in self.samples.texts), None)
        if chosen is None:
            raise NoEvidenceError("The extractor's sample rows are no texts.")
        ordinary = self.samples.rows[chosen]
        row = text_row(text, "edge", ordinary.property)
        return chosen, self._run(table_of([ordinary, row], self.subject.manifest), 2)

    def _run(self, table: pa.Table, size: int) -> Answer:
        try:
            return run_here(self.steps, self.subject.vectors, table, size)
        finally:
            set_watch(self.steps)

    def _agrees(self, name: str, one: Answer, other: Answer) -> bool:
        found = compare_vectors(
            self.vectors(name, one), self.vectors(name, other), range(len(self.samples.rows))
        )
        return found.has_directions and found.has_lengths

    # ------------------------------------------------------------ what came back

    @property
    def calls(self) -> list[tuple[Watched, Call]]:
        """The calls of the first run, step by step."""
        _ = self.first
        return [(step, call) for step in self.steps for call in step.calls]

    @property
    def frames(self) -> list[pd.DataFrame]:
        """What processors returned in the first run. No evidence where no call came through."""
        found = [call.given for _, call in self.calls if is_frame(call.given)]
        if not found:
            raise NoEvidenceError("No call of a processor came through: see TST102.")
        return found

    def column_of(self, feature: str) -> str:
        """The column that a processor gave the feature's vectors or labels."""
        names = {str(name) for frame in self.frames for name in frame.columns}
        column = _column(feature, self.features, names)
        if column is None:
            raise NoEvidenceError(f"There is no column for {feature!r}: see TST103.")
        return column

    def raw(self, feature: str) -> list[Any]:
        """The feature's values just as the last step that has them returned them."""
        column = self.column_of(feature)
        found: list[Any] = []
        last: Watched | None = None
        for step, call in self.calls:
            if is_frame(call.given) and column in call.given.columns:
                found = [] if step is not last else found
                found += list(call.given.iloc[:, list(call.given.columns).index(column)])
                last = step
        return found

    def vectors(self, feature: str, answer: Answer | None = None) -> Vectors:
        """The feature's vectors by row; of the first run, unless another answer is given."""
        answer = self.first if answer is None else answer
        self.column_of(feature)
        if not answer.documents.num_rows:
            raise NoEvidenceError("No row came through: see TST102.")
        try:
            return answer.vectors(feature, self.features)
        except KeyError:
            raise NoEvidenceError(f"No row that came through has {feature!r}.") from None

    @property
    def good_rows(self) -> list[int]:
        """The rows that came through in the first run."""
        rows = sorted(set(self.first.documents.column(ROW).to_pylist()))
        if not rows:
            raise NoEvidenceError("No row came through: see TST102.")
        return rows

    # ------------------------------------------------------------ Ray, and the service

    @kept
    def on_ray(self) -> Answer:
        """The sample rows through Ray Data."""
        if self.subject.on_ray is None:
            raise NoEvidenceError(
                "This test stays in the kernel; `--full`, or engine='ray', runs it on Ray as well."
            )
        _ = self.steps
        return answer_of(self.subject.on_ray(self.table))

    @kept
    def service(self) -> Ask:
        """The realtime service, up."""
        if "realtime.py" not in self.subject.source.paths:
            raise NoEvidenceError("The extractor is batch only: it has no realtime.py.")
        return self.subject.ask()

    def embedded(self, text: str, feature: str) -> Mapping[str, Any]:
        """What the service answers to a text. No evidence where it is not up."""
        try:
            ask = self.service
        except LabError as error:
            raise NoEvidenceError("The realtime service does not come up: see TST601.") from error
        key = (text, feature)
        if key not in self._answers:
            self._answers[key] = ask({"text": text, "vector_index": feature})
        return self._answers[key]


def _column(feature: str, features: list[str], names: set[str]) -> str | None:
    from mixpeek_lab.documents import vector_columns

    return vector_columns(names, [*features, feature]).get(feature)
