"""What all built-in models are to a pipeline: a class that answers batches, and single requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from mixpeek_lab.builtin_models.configs import ModelConfig, read_config, unknown_name
from mixpeek_lab.builtin_models.loading import Placement, place, published_config
from mixpeek_lab.errors import InvalidInputError, ManifestError
from mixpeek_lab.sdk.process_cache import once_per_process
from mixpeek_lab.sdk.steps import ResourceType

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Config = TypeVar("Config", bound=ModelConfig)
IGNORED_INPUTS = frozenset({"vector_index"})
"""What retrievers send along to every service."""


class BuiltinService(Generic[Config]):
    """A built-in model as the processor of a step, or asked through `infer`.

    Subclasses say how to open the model, and how to answer rows and requests. The model itself is
    shared by all services of the process that ask for the same; a service pickles without it.
    """

    model_id: ClassVar[str]
    config_class: ClassVar[type[ModelConfig]]
    inputs: ClassVar[tuple[str, ...]]
    """The keys that a request may have."""
    parameters: ClassVar[tuple[str, ...]] = ()
    """Fields of the config that a request may say otherwise."""

    def __init__(
        self, config: Any = None, *, resource_type: ResourceType | str | None = None, **_: Any
    ) -> None:
        """`config` is InferenceConfigs, a dict of its fields, or nothing.

        `resource_type` is the step's. Other keywords (`secrets`, `progress_actor`) are not used.
        """
        self.config: Config = self.read(config)
        self._kept: dict[Any, Any] = {}
        self.resource_type = None if resource_type is None else ResourceType(resource_type)

    @classmethod
    def read(cls, config: Any) -> Any:
        """The config as this model's InferenceConfigs. InvalidInputError where it is none."""
        return read_config(cls.config_class, config, cls.model_id)

    # ------------------------------------------------------------ for subclasses

    @staticmethod
    def open(placement: Placement) -> Any:
        """Load the model."""
        raise NotImplementedError

    def answers(self, batch: pd.DataFrame) -> list[Any]:
        """One answer per row; None for a row that has nothing to answer."""
        raise NotImplementedError

    def respond(self, inputs: Mapping[str, Any], config: Config) -> dict[str, Any]:
        """Answer one request."""
        raise NotImplementedError

    @classmethod
    def dimension(cls, published: Mapping[str, Any]) -> int | None:  # noqa: ARG003
        """Values of its vectors, by the model's config.json; None for a model without vectors."""
        return None

    @classmethod
    def published_note(cls, declared: int) -> str:  # noqa: ARG003
        """What else to say where a manifest declares another dimension than the model's."""
        return ""

    # ------------------------------------------------------------ as a processor

    @property
    def model(self) -> Any:
        """The model, loaded once per process and place."""
        placement = place(self.model_id, self.config, self.resource_type)
        key = ("builtin", self.open, placement)
        return once_per_process(key, lambda: self.open(placement))

    def ensure_setup(self) -> None:
        """Load the model now. LabError where it is not at hand."""
        _ = self.model

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Add the column `config.output_column_name`. An input that cannot be read raises."""
        import pandas as pd

        found = self.answers(batch)
        batch[self.config.output_column_name] = pd.Series(found, index=batch.index, dtype=object)
        return batch

    def in_parts(self, values: list[Any], work: Callable[[list[Any]], list[Any]]) -> list[Any]:
        """`work` on the values that are there, `batch_size` at a time; None for the others.

        Where one cannot be read the whole batch raises, and is tried again in halves: what was
        done before is kept for that.
        """
        found = [self._kept.pop(_name_of(value), None) for value in values]
        todo = [row for row, value in enumerate(values) if is_there(value) and found[row] is None]
        try:
            for start in range(0, len(todo), self.config.batch_size):
                part = todo[start : start + self.config.batch_size]
                for row, answer in zip(part, work([values[row] for row in part]), strict=True):
                    found[row] = answer
        except Exception:
            done = {_name_of(value): one for value, one in zip(values, found, strict=True)}
            self._kept = {name: one for name, one in done.items() if name and one is not None}
            raise
        return found

    @classmethod
    def check_vectors(cls, config: Any, declared: Mapping[str, int]) -> None:
        """Raise ManifestError where a manifest declares another dimension than the model gives.

        `declared` maps columns to dimensions. The model's is read from its config.json: no weights
        are loaded. Nothing is said where that is not at hand.
        """
        read = cls.read(config)
        wanted = declared.get(read.output_column_name)
        published = published_config(cls.model_id, read.revision) if wanted else None
        real = None if published is None else cls.dimension(published)
        if wanted and real and wanted != real:
            raise ManifestError(
                f"{cls.model_id} gives vectors of {real} values, and the manifest declares "
                f"{wanted} for {read.output_column_name!r}. Set its embedding_dim to {real}."
                f"{cls.published_note(wanted)}"
            )

    # ------------------------------------------------------------ as a service

    def infer(
        self, inputs: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Answer one request. InvalidInputError for inputs or parameters that the model has not."""
        for what, value in (("inputs", inputs), ("parameters", parameters or {})):
            if not isinstance(value, Mapping):
                raise InvalidInputError(
                    f"{self.model_id}: {what} is {type(value).__name__}. Give a dict."
                )
        given = {key: value for key, value in inputs.items() if key not in IGNORED_INPUTS}
        for key in given:
            if key not in self.inputs:
                raise InvalidInputError(
                    f"{self.model_id}: {unknown_name(key, list(self.inputs), 'input')}"
                )
        for key in parameters or {}:
            if key not in self.parameters:
                known = list(self.parameters)
                raise InvalidInputError(f"{self.model_id}: {unknown_name(key, known, 'parameter')}")
        return self.respond(given, self._told(parameters or {}))

    def _told(self, parameters: Mapping[str, Any]) -> Config:
        told = {**self.config.model_dump(), **parameters}
        found: Config = self.read(told)
        return found

    def chosen(self, inputs: Mapping[str, Any]) -> tuple[str, list[Any], bool]:
        """The one input of a request: its key, its values, and whether it is a single one.

        InvalidInputError for none or several, and where a list is wanted and there is none.
        """
        if not inputs:
            raise self.needs()
        if len(inputs) > 1:
            raise InvalidInputError(
                f"{self.model_id} answers one input at a time, and got {', '.join(inputs)}. "
                "Ask once for each."
            )
        ((key, value),) = inputs.items()
        is_one = not key.endswith("s")
        if not is_one and not isinstance(value, list | tuple):
            single = key.removesuffix("s")
            hint = f" For a single one write {single!r}." if single in self.inputs else ""
            raise InvalidInputError(
                f"{self.model_id}: {key!r} is {type(value).__name__}, not a list.{hint}"
            )
        return key, [value] if is_one else list(value), is_one

    def needs(self) -> InvalidInputError:
        """The error to raise for a request without an input that the model knows."""
        return InvalidInputError(
            f"{self.model_id} got no input. Give one of: {', '.join(self.inputs)}."
        )


def is_there(value: Any) -> bool:
    """Whether a row has something to read: no None, and no blank text."""
    return value is not None and not (isinstance(value, str | bytes) and not value.strip())


def _name_of(value: Any) -> Any:
    """What tells a value from others; None for one that has no name."""
    return value if isinstance(value, str | bytes) else None


def column_of(batch: pd.DataFrame, name: str, model_id: str) -> list[Any]:
    """A column's values, None for missing ones. InvalidInputError where there is no such column."""
    import pandas as pd

    if name not in batch.columns:
        raise InvalidInputError(
            f"{model_id} reads the column {name!r}, and the batch has: "
            f"{', '.join(map(str, batch.columns))}. The content of every blob is in 'data'."
        )
    return [
        None if not hasattr(value, "__len__") and pd.isna(value) else value for value in batch[name]
    ]


def texts_of(batch: pd.DataFrame, name: str, model_id: str) -> list[str | None]:
    """A column of texts; None for a row without one, or with blanks alone."""
    found: list[str | None] = []
    for value in column_of(batch, name, model_id):
        if value is not None and not isinstance(value, str):
            raise InvalidInputError(
                f"{model_id} reads texts from {name!r}, and found {type(value).__name__}. "
                "Name a column of texts."
            )
        found.append(value if is_there(value) else None)
    return found


def spread(values: Sequence[Any], present: Sequence[bool]) -> list[Any]:
    """`values`, one for each True of `present`, at their places; None elsewhere."""
    rest = iter(values)
    return [next(rest) if is_there else None for is_there in present]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, dim) as float32, each of length 1; one of zeros stays one."""
    import numpy as np

    found = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(lengths == 0, 1, lengths)


def checked_texts(model_id: str, value: Any, key: str) -> list[str]:
    """A request's texts. InvalidInputError where it is not a list of texts."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise InvalidInputError(f"{model_id}: {key!r} is {value!r:.80}. Give texts.")
    return list(value)


def embedding_answer(vectors: np.ndarray, is_one: bool) -> dict[str, Any]:
    """The contract's answer with one vector, or with several."""
    listed = vectors.tolist()
    return {"embedding": listed[0]} if is_one else {"embeddings": listed}
