"""Namespaces as places: each has a home folder of its own, with a catalog and all its files.

The default one's is the lab's home; the others lie below it, in `namespaces/<id>/`. So nothing that
reads or writes one can reach another: there is no row and no folder that two of them share.
"""

from __future__ import annotations

import shutil
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.catalog import DEFAULT, Catalog, Namespace
from mixpeek_lab.errors import CatalogError, ConflictError, GoneError, NotFoundError
from mixpeek_lab.snapshots import writing
from mixpeek_lab.workbench.home import Home

FOLDER = "namespaces"
REMEDY = (
    "POST /v1/namespaces, lab.namespaces.create(NAME) or `mixpeek-lab namespace create NAME` makes "
    "one."
)


@dataclass(frozen=True, slots=True)
class Space:
    """Where one namespace is."""

    namespace_id: str
    home: Home
    catalog: Catalog


class Spaces:
    """The namespaces of one lab, opened when they are first asked for."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        """`catalog` and `home` are the default one's."""
        self.catalog, self._home = catalog, home
        self._lock = threading.Lock()
        self._opened: dict[str, Space] = {}

    @property
    def default(self) -> Space:
        """The lab's own."""
        return Space(self.catalog.namespace().namespace_id, self._home, self.catalog)

    def all(self) -> list[Space]:
        """All of them, the default one first."""
        return [self.open(each) for each in self.catalog.namespaces()]

    def homes_beside(self) -> list[Path]:
        """The home folders of all but the default one."""
        return [self.place_of(each) for each in self.catalog.namespaces() if not each.is_default]

    def place_of(self, namespace: Namespace) -> Path:
        """The home folder of one that is not the default one, whether or not it can be opened."""
        return self._home.path / FOLDER / namespace.namespace_id

    def find(self, name_or_id: str) -> Namespace:
        """The one of that name or id. NotFoundError, which names those there are."""
        there = self.catalog.namespaces()
        if name_or_id == DEFAULT:
            return there[0]
        for each in there:
            if name_or_id in (each.name, each.namespace_id):
                return each
        known = [name for each in there for name in (each.name, each.namespace_id)]
        raise NotFoundError("namespace", name_or_id, known, REMEDY)

    def open(self, namespace: Namespace) -> Space:
        """Its place, with its folder, which is made where it is not there."""
        if namespace.is_default:
            return self.default
        key = namespace.namespace_id
        with self._lock:
            if key not in self._opened:
                home = Home.open(self.place_of(namespace))
                catalog = Catalog(home.catalog)
                catalog.be_beside(namespace)
                self._opened[key] = Space(key, home, catalog)
            return self._opened[key]

    def delete(self, namespace: Namespace) -> None:
        """Have one found no more, and remove its folder; its services are the caller's to end.

        ConflictError for the default one, and while anybody is at work in it.
        """
        if namespace.is_default:
            raise ConflictError(
                "The default namespace is the lab itself, and stays: delete what is in it, or the "
                "lab's home folder once the lab is stopped."
            )
        try:
            self._mark_idle(self.open(namespace))
        except (GoneError, CatalogError):  # it cannot be opened: nobody is at work in it
            self.catalog.mark_deleted(namespace.namespace_id)
        self.clear()

    def _mark_idle(self, space: Space) -> None:
        with ExitStack() as stack:
            for collection in space.catalog.collections():
                stack.enter_context(_nobody_at(space, collection.collection_id, collection.name))
            with space.catalog.together():  # nothing is asked for from here on
                _demand_idle(space)
                self.catalog.mark_deleted(space.namespace_id)

    def close(self, namespace_id: str) -> None:
        """Let go of one that was deleted."""
        with self._lock:
            if (space := self._opened.pop(namespace_id, None)) is not None:
                space.catalog.close()

    def clear(self) -> None:
        """Remove the folders of those that were deleted: also where that was cut short."""
        for key in self.catalog.deleted_namespaces():
            self.close(key)
            # What cannot be removed now is found by nobody, and removed the next time.
            shutil.rmtree(self._home.path / FOLDER / key, ignore_errors=True)


def _nobody_at(space: Space, collection_id: str, name: str) -> ExitStack:
    """The right to write a collection, which whoever runs it holds."""
    stack = ExitStack()
    try:
        stack.enter_context(writing(space.home.snapshots(collection_id)))
    except ConflictError as error:
        raise ConflictError(
            f"Collection {name!r} is being processed: delete the namespace when that is done, or "
            "cancel its task first."
        ) from error
    return stack


def _demand_idle(space: Space) -> None:
    """ConflictError where tasks or evaluations have not ended."""
    open_tasks = [task.task_id for task in space.catalog.tasks() if task.is_open]
    if open_tasks:
        raise ConflictError(
            f"{len(open_tasks)} tasks of the namespace have not ended ({', '.join(open_tasks[:5])})"
            ": wait for them, or cancel them (POST /v1/tasks/ID/cancel); then delete it again."
        )
    running = [
        each.evaluation_id for each in space.catalog.evaluations() if each.state == "in_progress"
    ]
    if running:
        raise ConflictError(
            f"An evaluation is under way in the namespace ({running[0]}): delete it when that is "
            "done."
        )
