"""Where in an extractor's own files something went wrong, and what may help."""

from __future__ import annotations

import traceback

from mixpeek_lab.errors import ExtractorLoadError, ExtractorRunError
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.requirements import explain_missing_module
from mixpeek_lab.secrets import redact
from mixpeek_lab.source import ExtractorSource


def place_of(source: ExtractorSource, error: BaseException) -> str:
    """The deepest line of the extractor on the stack: `processors/core.py:14`; else its name."""
    if isinstance(error, SyntaxError) and error.filename:
        inside = _inside(source, error.filename)
        if inside:
            return f"{inside}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        inside = _inside(source, frame.filename)
        if inside:
            return f"{inside}:{frame.lineno}"
    return source.name


def import_failure(source: ExtractorSource, error: BaseException) -> ExtractorLoadError:
    """The error to raise for a module that did not import."""
    if isinstance(error, ExtractorLoadError):
        return error
    return ExtractorLoadError(
        f"{source.name}: {place_of(source, error)}: {_told(error)}{_remedy(source, error)}"
    )


def run_failure(source: ExtractorSource, what: str, error: BaseException) -> ExtractorRunError:
    """The error to raise for extractor code that failed while it ran."""
    return ExtractorRunError(
        redact(f"{source.name}: {what} failed at {place_of(source, error)}: {_told(error)}")
    )


def _inside(source: ExtractorSource, filename: str) -> str:
    _, found, path = filename.replace("\\", "/").rpartition(f"/{source.package}/")
    return path if found else ""


def _told(error: BaseException) -> str:
    # A SyntaxError's text ends with file and line, which stand in front already.
    text = (error.msg if isinstance(error, SyntaxError) else str(error)) or "(no message)"
    return f"{type(error).__name__}: {text}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _remedy(source: ExtractorSource, error: BaseException) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    missing = error.name.removeprefix(f"{source.package}.")
    top = missing.partition(".")[0]
    if missing != error.name:
        return f" The extractor consists of: {', '.join(source.paths)}."
    if any(path.partition("/")[0] in (top, f"{top}.py") for path in source.paths):
        return f" Write `from .{missing} import …`: it is a module of the extractor."
    if top == source.name:
        return f" Write `from .{missing.partition('.')[2] or 'manifest'} import …` instead."
    if top in ("shared", "engine"):
        return ""
    manifest = read_manifest(source).manifest
    return f" {explain_missing_module(missing, manifest.dependencies if manifest else ())}"
