"""The import names that extractors are written with: `shared.…` and `engine.…`.

`install()` puts one finder first in `sys.meta_path`. It knows the names of one table and nothing
else, and answers them with small modules that re-export from `mixpeek_lab.sdk`: the classes behind
both names are the same objects, so pickles name only `mixpeek_lab`. A `shared` or `engine` package
or folder of the user's own stays what it is; the table's names are found beside its modules.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_SDK = "mixpeek_lab.sdk"
_STEPS = "mixpeek_lab.sdk.steps"
_SERVICES = "mixpeek_lab.sdk.inference"

NAMES: dict[str, str | None] = {
    "shared": None,
    "shared.extractors": _SDK,
    "shared.extractors.sdk": _SDK,
    "shared.extractors.inference": None,
    "shared.extractors.inference.serve": _SERVICES,
    "shared.plugins": _SDK,
    "shared.plugins.sdk": _SDK,
    "shared.plugins.inference": None,
    "shared.plugins.inference.serve": _SERVICES,
    "shared.plugins.inference.batch": _SERVICES,
    "shared.loggers": None,
    "shared.loggers.services": "mixpeek_lab.sdk.logs",
    "shared.collection": None,
    "shared.collection.features": None,
    "shared.collection.features.extractors": None,
    "shared.collection.features.extractors.models": "mixpeek_lab.sdk.manifest",
    "engine": None,
    "engine.extractors": None,
    "engine.extractors.pipeline": _STEPS,
    "engine.plugins": None,
    "engine.plugins.extractors": None,
    "engine.plugins.extractors.pipeline": _STEPS,
}
"""Import name → the module it re-exports; None for a package that only holds others."""

LATER = (
    "shared.inference",
    "shared.models",
    "shared.utilities",
    "engine.models",
    "engine.inference",
)
"""Names of the hosted platform that the lab does not have yet."""

_lock = threading.Lock()


def install() -> None:
    """Make the names importable in this process, for good. Further calls change nothing."""
    with _lock:
        if not any(isinstance(finder, CompatFinder) for finder in sys.meta_path):
            sys.meta_path.insert(0, CompatFinder())
            for name in ("shared", "engine"):
                module = sys.modules.get(name)
                if module is not None and not hasattr(module, "__path__"):
                    module.__path__ = []  # a plain module of the user's: let it hold ours too


class CompatFinder(MetaPathFinder):
    """Finds the names of the table, and `engine.extractors.<any>[.pipeline]`."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of one of our names; None for every other."""
        if fullname.partition(".")[0] not in ("shared", "engine"):
            return None
        found = _lookup(fullname)
        if found is None:
            return _refuse_later(fullname, path, target)
        theirs = _elsewhere(fullname, path, target)
        if found.target is None and theirs is not None:
            if theirs.submodule_search_locations is None:
                theirs.submodule_search_locations = []  # a module: let it hold ours too
            return theirs
        spec = ModuleSpec(fullname, found, is_package=True)
        if theirs is not None:
            spec.submodule_search_locations = list(theirs.submodule_search_locations or [])
        return spec


class _Facade(Loader):
    """Fills a module with what another one exports."""

    def __init__(self, target: str | None) -> None:
        self.target = target

    def exec_module(self, module: ModuleType) -> None:
        if self.target is None:
            return
        real = import_module(self.target)
        exported: list[str] = list(real.__all__)
        vars(module).update({name: getattr(real, name) for name in exported})
        vars(module).update(__doc__=real.__doc__, __all__=exported)
        if hasattr(real, "__getattr__"):
            vars(module)["__getattr__"] = real.__getattr__


def _lookup(name: str) -> _Facade | None:
    if name in NAMES:
        return _Facade(NAMES[name])
    match name.split("."):
        case ["engine", "extractors", _]:
            return _Facade(None)
        case ["engine", "extractors", _, "pipeline"]:
            return _Facade(_STEPS)
    return None


def _elsewhere(
    name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """What the other finders know of the name: a module of the user's own."""
    for finder in list(sys.meta_path):
        find = None if isinstance(finder, CompatFinder) else getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, target) if find else None
        if spec is not None:
            return spec
    return None


def _refuse_later(
    name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    if name in LATER and _elsewhere(name, path, target) is None:
        raise ModuleNotFoundError(
            f"{name} is not part of this version of Mixpeek Lab yet. "
            "Load models in the processor's setup(), with sentence_transformers or transformers.",
            name=name,
        )
    return None
