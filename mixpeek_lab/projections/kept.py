"""Projections on disk: each recipe of a folder's vectors is worked out once.

What takes long runs in a process of its own (`python -m mixpeek_lab.projections.worker`): the
notebook stays quick, and whoever no longer wants the answer ends it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mixpeek_lab.errors import EngineError
from mixpeek_lab.projections.apart import start
from mixpeek_lab.projections.computing import OnProgress, project
from mixpeek_lab.projections.recipe import Projection, Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POSITIONS, _AXES, _ABOUT, _PLACING = "positions.npy", "axes.npy", "about.json", "placing.npz"


def made(
    folder: Path,
    recipe: Recipe,
    vectors: Callable[[], NDArray[np.float32]],
    on_progress: OnProgress,
    stop: threading.Event | None = None,
) -> Projection:
    """The projection that `folder` keeps for the recipe; it is worked out and kept if need be.

    `vectors` is called where they are needed: (n, dim). With `stop` set, the work ends:
    EngineError; that too where the process dies.
    """
    kept = read_kept(folder, recipe)
    if kept is not None:
        return kept
    on_progress("Reading the vectors", None)
    matrix = vectors()
    with tempfile.TemporaryDirectory(prefix="mixpeek-lab-map-") as scratch:
        place = Path(scratch) / recipe.key
        if recipe.method == "pca" or len(matrix) < 3:
            write_projection(place, project(matrix, recipe, on_progress))
        else:
            _work_apart(Path(scratch), place, matrix, recipe, on_progress, stop)
        found = _read(place)
        _keep(place, folder / recipe.key)
    return read_kept(folder, recipe) or replace(found, placing=None)


def read_kept(folder: Path, recipe: Recipe) -> Projection | None:
    """The projection that `folder` has for the recipe; None where it has none that is whole."""
    try:
        return _read(folder / recipe.key)
    except (OSError, ValueError, EOFError, KeyError):
        return None


def write_projection(place: Path, projection: Projection) -> None:
    """Write a projection as the folder `place`."""
    place.mkdir(parents=True)
    np.save(place / _POSITIONS, projection.positions)
    if projection.axes is not None:
        np.save(place / _AXES, projection.axes)
    if projection.fitted:
        np.savez(place / _PLACING, allow_pickle=False, **projection.fitted)
    about = {"note": projection.note, "count": len(projection.positions)}
    (place / _ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _read(place: Path) -> Projection:
    about = json.loads((place / _ABOUT).read_text(encoding="utf-8"))
    positions = np.load(place / _POSITIONS)
    if positions.shape != (about["count"], 2):
        raise ValueError(f"{place} is damaged")
    axes = np.load(place / _AXES) if (place / _AXES).exists() else None
    placing = place / _PLACING
    return Projection(positions, about["note"], axes, placing=placing if placing.exists() else None)


def _keep(place: Path, final: Path) -> None:
    """Copy a finished projection to where it stays, whole or not at all.

    Where that cannot be written (a full disk, a snapshot that is gone by now) the projection is
    shown all the same, and made again next time.
    """
    with suppress(OSError):
        final.parent.mkdir(exist_ok=True)  # not its parents: what is gone stays gone
        working = Path(tempfile.mkdtemp(prefix=".", suffix=".writing", dir=final.parent))
        try:
            shutil.copytree(place, working, dirs_exist_ok=True)
            shutil.rmtree(final, ignore_errors=True)  # one that could not be read
            working.rename(final)
        finally:
            shutil.rmtree(working, ignore_errors=True)


def _work_apart(
    scratch: Path,
    place: Path,
    matrix: NDArray[np.float32],
    recipe: Recipe,
    on_progress: OnProgress,
    stop: threading.Event | None,
) -> None:
    """Let a process write the projection to `place`, and pass on what it says meanwhile."""
    np.save(scratch / "vectors.npy", matrix)
    asked = {"method": recipe.method, "parameters": dict(recipe.parameters), "seed": recipe.seed}
    with (scratch / "errors.txt").open("w+", encoding="utf-8") as errors:
        module = "mixpeek_lab.projections.worker"
        given = (str(scratch / "vectors.npy"), str(place), json.dumps(asked))
        process = start(module, *given, errors=errors)
        ender = threading.Thread(target=_end_when, args=(process, stop), daemon=True)
        ender.start()
        try:
            _pass_on(process, on_progress)
        finally:
            process.kill()
            process.wait()
        if stop is not None and stop.is_set():
            raise EngineError(f"The {recipe.method} map was stopped before it was finished.")
        if process.returncode:
            errors.seek(0)
            told = errors.read().strip().splitlines()[-1:] or [f"exit {process.returncode}"]
            raise EngineError(
                f"The {recipe.method} map could not be made: {told[0]}. `pca` needs least memory."
            )


def _pass_on(process: subprocess.Popen[str], on_progress: OnProgress) -> None:
    """One JSON line of the process is one step of its progress; it ends with its output."""
    for line in process.stdout or ():
        with suppress(ValueError, TypeError):
            what, share = json.loads(line)
            on_progress(str(what), share)
    process.wait()


def _end_when(process: subprocess.Popen[str], stop: threading.Event | None) -> None:
    """End the process once `stop` is set."""
    while process.poll() is None:
        if stop is not None and stop.wait(0.1):
            process.kill()
            return
        if stop is None:
            return
