"""Importing an extractor's modules, under a package name made of their content.

Different text has a different name: two versions live side by side, and an edited extractor never
meets the modules of the one before. The files are written under the lab's home first, so that
tracebacks show real lines and relative imports work, with or without `__init__.py`.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from mixpeek_lab import compat
from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.homes import note_home
from mixpeek_lab.loader.places import import_failure
from mixpeek_lab.sdk import ExtractorManifest
from mixpeek_lab.source import ExtractorSource

_lock = threading.RLock()
_packages: set[str] = set()
"""The extractors' packages of this process."""
_METADATA = (
    "feature_extractor_name",
    "version",
    "description",
    "category",
    "inference_type",
    "icon",
    "author",
)


def load_module(source: ExtractorSource, module: str, home: Path) -> ModuleType:
    """Import one module of an extractor: `pipeline`, `processors.core`; "" is the package itself.

    The files are kept under `home/extractors`. Raises ExtractorLoadError with file, line and
    reason where the module is missing or raises.
    """
    load_package(source, home)
    name = f"{source.package}.{module}" if module else source.package
    path = f"{module.replace('.', '/')}.py"
    if module and not {path, f"{path[:-3]}/__init__.py"} & set(source.paths):
        raise ExtractorLoadError(
            f"{source.name} has no {path}. It consists of: {', '.join(source.paths)}."
        )
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the boundary to user code
        raise import_failure(source, error) from error


def load_package(source: ExtractorSource, home: Path) -> ModuleType:
    """Register the extractor's package, so that its modules import and its objects unpickle."""
    compat.install()
    note_home(Path(home))
    with _lock:
        present = sys.modules.get(source.package)
        root = materialise(source, Path(home))
        if present is not None:
            return present
        if not _packages:
            sys.meta_path.insert(0, _ManifestFinder())
        package = module_from_spec(_package_spec(source, root))
        _packages.add(source.package)
        sys.modules[source.package] = package
        spec = package.__spec__
        if spec is not None and spec.loader is not None:
            try:
                spec.loader.exec_module(package)
            except (Exception, SystemExit) as error:  # the boundary to user code
                sys.modules.pop(source.package, None)
                raise import_failure(source, error) from error
        return package


def materialise(source: ExtractorSource, home: Path) -> Path:
    """The folder with the extractor's files, written if it is not there or not whole.

    It appears in one step, however many processes write it at once.
    """
    root = home / "extractors" / source.package
    for _ in range(10):
        if _is_whole(source, root):
            return root
        root.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=root.parent, prefix=".writing-"))
        try:
            _write(source, made)
            _replace(made, root)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        importlib.invalidate_caches()
    raise ExtractorLoadError(
        f"The files of {source.name} could not be written to {root}: another program keeps "
        "changing them. Remove that folder and try again."
    )


def _is_whole(source: ExtractorSource, root: Path) -> bool:
    try:
        return all(
            (root / path).stat().st_size == len(text.encode()) for path, text in source.files
        )
    except OSError:
        return False


def _write(source: ExtractorSource, folder: Path) -> None:
    for path, text in source.files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    folder.chmod(0o755)


def _replace(made: Path, root: Path) -> None:
    """Move `made` to `root`, away with what is there; whoever comes first wins."""
    with suppress(OSError):  # not empty: a broken folder, or another process was quicker
        made.rename(root)
        return
    broken = made.with_name(f"{made.name}-broken")
    with suppress(OSError):  # gone already
        root.rename(broken)
        with suppress(OSError):
            made.rename(root)
    shutil.rmtree(broken, ignore_errors=True)


def _package_spec(source: ExtractorSource, root: Path) -> ModuleSpec:
    if "__init__.py" in source.paths:
        spec = spec_from_file_location(
            source.package, root / "__init__.py", submodule_search_locations=[str(root)]
        )
        if spec is not None:
            return spec
    spec = ModuleSpec(source.package, None, is_package=True)
    spec.submodule_search_locations = [str(root)]
    return spec


class _ManifestFinder(MetaPathFinder):
    """Finds `manifest` in extractors' packages, to give it `metadata` where it defines none."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if name != "manifest" or package not in _packages or not path:
            return None
        file = Path(next(iter(path)), "manifest.py")
        return spec_from_file_location(fullname, file, loader=_Manifest(fullname, str(file)))


class _Manifest(SourceFileLoader):
    """Runs a manifest; its processors may ask for `metadata`, which only one dialect writes."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if not hasattr(module, "metadata"):
            vars(module)["metadata"] = _metadata(module)


def _metadata(module: ModuleType) -> dict[str, object]:
    named = vars(module)
    typed = [value for value in named.values() if isinstance(value, ExtractorManifest)]
    if typed:
        return dict(typed[0].metadata)
    return {name: named[name] for name in _METADATA if name in named}
