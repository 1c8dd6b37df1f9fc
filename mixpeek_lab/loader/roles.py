"""Which class of a loaded module is the processor, and which the realtime service."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.sdk import (
    BaseBatchInferenceService,
    BaseInferenceService,
    BatchProcessor,
    InferenceService,
)
from mixpeek_lab.source import ExtractorSource

SERVICE_METHODS = ("run_inference", "infer", "_process_single", "predict", "__call__")
"""What a service may be asked through, the first that it has."""

_PROCESSORS = (BatchProcessor, BaseBatchInferenceService)
_SERVICES = (InferenceService, BaseInferenceService)


def processor_class(module: ModuleType, source: ExtractorSource, path: str) -> type | None:
    """The processor that the module defines: by its base, else by a `__call__` of its own."""
    return _chosen(
        module,
        source,
        path,
        lambda c: issubclass(c, _PROCESSORS),
        lambda c: _defines(c, "__call__") and not issubclass(c, _SERVICES),
    )


def service_class(module: ModuleType, source: ExtractorSource, path: str) -> type | None:
    """The realtime service: by its base, its name `RealtimeHandler`, else by its methods."""
    return _chosen(
        module,
        source,
        path,
        lambda c: issubclass(c, _SERVICES),
        lambda c: c.__name__ == "RealtimeHandler",
        lambda c: any(_defines(c, m) for m in ("run_inference", "infer", "predict")),
        lambda c: any(_defines(c, m) for m in SERVICE_METHODS) and not issubclass(c, _PROCESSORS),
    )


def _chosen(
    module: ModuleType, source: ExtractorSource, path: str, *tests: Callable[[type], bool]
) -> type | None:
    """The class that passes the first test any class passes, leaving its own bases out.

    Classes that the module defines come before those it imports from the extractor's other files.
    """
    here: list[type] = [v for v in vars(module).values() if _is_of(v, source)]
    own = [c for c in here if c.__module__ == module.__name__]
    for classes in (own, here):
        for test in tests:
            found = [c for c in dict.fromkeys(classes) if test(c)]
            leaves = [c for c in found if not any(c is not d and issubclass(d, c) for d in found)]
            if len(leaves) > 1:
                raise ExtractorLoadError(
                    f"{source.name}: {path} has several candidates: "
                    f"{', '.join(sorted(c.__name__ for c in leaves))}. Keep one, "
                    "or write build_steps (get_inference_service for a service) to say which."
                )
            if leaves:
                return leaves[0]
    return None


def _is_of(value: object, source: ExtractorSource) -> bool:
    return (
        isinstance(value, type)
        and value.__module__.partition(".")[0] == source.package
        and not value.__name__.startswith("_")
    )


def _defines(klass: type, method: str) -> bool:
    return any(method in vars(base) for base in klass.__mro__[:-1])
