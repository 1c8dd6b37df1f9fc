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

_MODELS = "mixpeek_lab.sdk.models"

_BUILTIN = {
    "BAAI.bge_reranker_v2_m3": "reranker",
    "baai.bge_reranker_v2_m3": "reranker",
    "google.siglip": "siglip",
    "google.siglip_base_patch16_224": "siglip",
    "intfloat.multilingual_e5_large_instruct": "e5",
    "jinaai.jina_embeddings_v2_base_code": "jina",
    "openai.whisper_large_v3_turbo": "whisper",
}
"""Built-in models by the names of their packages → their module in mixpeek_lab.builtin_models."""


def _builtin_names() -> dict[str, str | None]:
    """`shared.inference.<org>.<model>.models` and `engine.inference.<org>.<model>.services`."""
    names: dict[str, str | None] = {}
    for dotted, module in _BUILTIN.items():
        for root, last in (("shared.inference", "models"), ("engine.inference", "services")):
            organisation = dotted.partition(".")[0]
            packages = (root, f"{root}.{organisation}", f"{root}.{dotted}")
            names.update(dict.fromkeys(packages))
            names[f"{root}.{dotted}.{last}"] = f"mixpeek_lab.builtin_models.{module}"
    return names


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
    "engine.models": _MODELS,
    "engine.models.lazy": _MODELS,
    "engine.models.loader": _MODELS,
    "engine.inference.services": _SERVICES,
    "shared.models": None,
    "shared.models.loader": _MODELS,
    "shared.utilities": None,
    "shared.utilities.files": "mixpeek_lab.sdk.files",
    "shared.inference.registry": "mixpeek_lab.builtin_models.registry",
    **_builtin_names(),
}
"""Import name → the module it re-exports; None for a package that only holds others."""

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
            return None
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
