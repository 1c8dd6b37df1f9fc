"""One step of a built pipeline: a value that travels to where the processor is made."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.homes import in_home
from mixpeek_lab.loader.classes import ClassRef, make
from mixpeek_lab.loader.modules import load_package
from mixpeek_lab.loader.places import run_failure
from mixpeek_lab.sdk import ResourceType, RowCondition
from mixpeek_lab.source import ExtractorSource


@dataclass(frozen=True)
class ProcessorStep:
    """A step, ready to travel. `create()` makes the processor in the process that calls it.

    Either `class_ref` says which class to make, with `config`; or `instance` is what `build_steps`
    made itself, a callable of which every worker gets a copy. `concurrency` and `batch_size` are
    None where the compute profile decides.
    """

    name: str
    source: ExtractorSource
    home: Path
    class_ref: ClassRef | None = None
    instance: Any = None
    config: Any = None
    resource_type: ResourceType = ResourceType.CPU
    condition: RowCondition = RowCondition.ALWAYS
    concurrency: int | None = None
    batch_size: int | None = None
    secrets: Any = None
    """What a processor's `secrets=` parameter gets."""

    def create(self) -> Any:
        """A new processor: a callable from DataFrame to DataFrame.

        Raises ExtractorLoadError where its class does not load, ExtractorRunError where its
        constructor fails.
        """
        copy: ProcessorStep = pickle.loads(pickle.dumps(self))  # the user's, not shared between two
        if copy.class_ref is None:
            return copy.instance
        klass = copy.class_ref.resolve()
        offered = {
            "secrets": copy.secrets,
            "progress_actor": None,
            "resource_type": copy.resource_type,
        }
        try:
            with in_home(copy.home):
                processor = make(klass, copy.config, offered)
        except ExtractorLoadError:
            raise
        except Exception as error:
            raise run_failure(self.source, f"{klass.__name__}(config)", error) from error
        if not callable(processor):
            raise ExtractorLoadError(
                f"{self.source.name}: {klass.__name__} is not callable. "
                "Give it `def __call__(self, batch):`, or make it a BatchProcessor with process()."
            )
        return processor

    def check(self) -> None:
        """Raise ExtractorLoadError where something of the step cannot travel."""
        for what, value in (("config", self.config), ("step", self.instance)):
            try:
                pickle.dumps(value)
            except Exception as error:
                raise ExtractorLoadError(
                    f"{self.source.name}: the {what} of {self.name} cannot travel to a worker "
                    f"({_culprit(value)}{error}). Keep it to plain values and to classes and "
                    "functions from the top level of a file; load models in the processor, and "
                    "await what is a coroutine there (container.secrets.get)."
                ) from error

    def __reduce__(self) -> tuple[Any, tuple[ExtractorSource, Path, bytes]]:
        # Config and instance may be of the extractor's own classes: whoever unpickles them needs
        # its package first.
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        source, home = values.pop("source"), values.pop("home")
        return _restore, (source, home, pickle.dumps(values))


def _restore(source: ExtractorSource, home: Path, values: bytes) -> ProcessorStep:
    load_package(source, home)
    return ProcessorStep(source=source, home=home, **pickle.loads(values))


def _culprit(value: Any) -> str:
    """Which entry of a dict does not pickle."""
    for key, entry in value.items() if isinstance(value, dict) else ():
        try:
            pickle.dumps(entry)
        except Exception:  # noqa: BLE001 - any object may fail in any way
            return f"{key!r}: "
    return ""
