"""What a front end may ask: one handler a request type, each quick and a page long at most."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.engines import Engine, choose_engine
from mixpeek_lab.errors import ConflictError, GoneError, InvalidInputError, LabError
from mixpeek_lab.sidebar.actions import ACTIONS
from mixpeek_lab.sidebar.cells import extractor_cell, retriever_cell, retriever_draft
from mixpeek_lab.sidebar.endpoints import told_kernel
from mixpeek_lab.sidebar.item import Listing
from mixpeek_lab.sidebar.items import LISTS, PARTS
from mixpeek_lab.sidebar.losses import lost
from mixpeek_lab.sidebar.runs import far
from mixpeek_lab.sidebar.sections import SECTIONS, Section
from mixpeek_lab.version import __version__
from mixpeek_lab.widgets.messages import Handler

if TYPE_CHECKING:
    from mixpeek_lab.workbench import Lab

PAGE = 50
"""Items of a page, at most."""
_NOTHING = Listing((), 0)


class Requests:
    """Answers about the kernel's lab. Looking makes no lab and starts nothing."""

    def __init__(self, lab: Callable[[], Lab | None], is_starting: Callable[[], bool]) -> None:
        self._made, self._is_starting = lab, is_starting
        self.handlers: Mapping[str, Handler] = {
            "overview": self._overview,
            "items": self._items,
            "cell": self._cell,
            "losses": self._losses,
            "delete": self._delete,
            "rename": self._rename,
            "undeploy": self._undeploy,
            "stop": self._stop,
        }

    def version(self) -> tuple[object, ...]:
        """Changes with what the answers would be. To be compared on one thread."""
        try:
            lab = self._lab()
            if lab is None:
                return (self._is_starting(),)
            return (id(lab), *lab.overview.version())
        except (OSError, sqlite3.Error, LabError) as error:  # told where the view asks again
            return (type(error), str(error))

    def far(self) -> dict[str, Any] | None:
        """How far this process's run is: `{collection, done, total, failed, phase}`."""
        lab = self._made()
        now = None if lab is None else far(lab)
        return None if now is None else asdict(now)

    def _lab(self) -> Lab | None:
        """The lab, if it is made. GoneError where its folder was removed: open files still read."""
        lab = self._made()
        if lab is not None and not lab.home.is_dir():
            raise GoneError(str(lab.home), "the folder is not there any more")
        return lab

    def _overview(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """The lab's state, how many there are of each section, and what can be done with them."""
        lab = self._lab()
        counts = {name: 0 if lab is None else LISTS[name](lab, "", 0, 0).total for name in SECTIONS}
        return {
            "version": __version__,
            "lab": self._state(lab),
            "sections": [
                {**asdict(section), "name": name, "count": counts[name]}
                for name, section in _sections(lab).items()
            ],
            "actions": {
                name: [asdict(action) for action in actions] for name, actions in ACTIONS.items()
            },
            "far": self.far(),
        }

    def _state(self, lab: Lab | None) -> dict[str, Any]:
        if lab is not None:
            return {**asdict(lab.overview.glance()), "home": str(lab.home)}
        engine = _engine(None)
        in_kernel = engine.name == "kernel"  # where nothing has to start
        state = "starting" if self._is_starting() else "ready" if in_kernel else "not started"
        about = {"ray": "off", "serve": "off", "url": "", "error": "", "home": ""}
        return {**about, "state": state, "engine": engine.name, "why": engine.why}

    def _items(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`{section, offset, limit, filter}`: a page of it, and how many there are in all.

        `{section: versions, of: NAME, offset, limit}`: what the item of that key consists of.
        """
        name, lab = str(request.get("section")), self._lab()
        limit = min(max(int(request.get("limit", PAGE)), 1), PAGE)
        offset = max(int(request.get("offset", 0)), 0)
        wanted = str(request.get("of" if name in PARTS else "filter", ""))
        make = PARTS[name] if name in PARTS else LISTS[_known(name)]
        found = _NOTHING if lab is None else make(lab, wanted, offset, limit)
        return {"total": found.total, "items": [asdict(item) for item in found.items]}

    def _cell(self, request: Mapping[str, Any]) -> dict[str, str]:
        """`{what, name}`: the text of a cell that defines what there is."""
        makers = {
            "extractor": extractor_cell,
            "retriever": retriever_cell,
            "draft": retriever_draft,
        }
        what = request.get("what")
        if what not in makers:
            raise InvalidInputError(f"There is no cell of {what!r}, but of {', '.join(makers)}.")
        return {"code": makers[str(what)](self._demand_lab(), str(request.get("name")))}

    def _losses(self, request: Mapping[str, Any]) -> dict[str, list[str]]:
        """`{section, name}`: what deleting it would lose, in sentences."""
        about = str(request.get("section")), str(request.get("name"))
        return {"losses": lost(self._demand_lab(), *about)}

    def _delete(self, request: Mapping[str, Any]) -> dict[str, str]:
        """`{section, name}`: delete it. ConflictError names what still uses it."""
        section, name = str(request.get("section")), str(request.get("name"))
        lab = self._demand_lab()
        deletions = {
            "extractors": lab.delete.extractor,
            "versions": lab.delete.extractor,
            "buckets": lab.delete.bucket,
            "collections": lab.delete.collection,
            "retrievers": lab.delete.retriever,
        }
        if section not in deletions:
            raise InvalidInputError(f"What is in {_known(section)} cannot be deleted one by one.")
        deletions[section](name)
        return {"told": f"Deleted: {name}"}

    def _rename(self, request: Mapping[str, Any]) -> dict[str, str]:
        """`{section, name, text}`: call a bucket otherwise. ConflictError: the name is taken."""
        name, new = str(request.get("name")), str(request.get("text", ""))
        if request.get("section") != "buckets":
            raise InvalidInputError("Buckets can be renamed, and nothing else.")
        self._demand_lab().rename_bucket(name, new)
        return {"told": f"{name} is called {new} now."}

    def _undeploy(self, request: Mapping[str, Any]) -> dict[str, str]:
        """`{key}` of a service, `name@digest`: take it down."""
        key = str(request.get("key"))
        self._demand_lab().delete.deployment(key)
        return {"told": f"{key.partition('@')[0]} is not served any more."}

    def _stop(self, request: Mapping[str, Any]) -> dict[str, bool]:
        """`{key}` of a run: cancel its task; the kernel's own is for the front end to interrupt."""
        lab, key = self._demand_lab(), str(request.get("key"))
        for task in lab.work.tasks():
            if key in task["outputs"]:
                lab.work.cancel(task["task_id"])
                return {"interrupt": False}
        if not lab.overview.is_running():
            raise ConflictError("This run is another process's, or it has just ended.")
        return {"interrupt": True}

    def _demand_lab(self) -> Lab:
        lab = self._lab()
        if lab is None:
            raise InvalidInputError("The lab is not started yet: `%lab start` in a cell starts it.")
        return lab


def _engine(lab: Lab | None) -> Engine:
    """The lab's engine, or the one that it will have."""
    if lab is not None:
        return lab.engine
    try:
        return choose_engine()
    except LabError as error:  # told where the lab is made
        return Engine("ray", str(error))


def _sections(lab: Lab | None) -> dict[str, Section]:
    """The sections, as they are where the kernel answers."""
    engine = _engine(lab)
    if engine.name != "kernel":
        return SECTIONS
    told = replace(SECTIONS["endpoints"], empty=told_kernel(engine.why), code="", code_label="")
    return {**SECTIONS, "endpoints": told}


def _known(section: object) -> str:
    if section not in LISTS:
        raise InvalidInputError(f"There is no section {section!r}, but {', '.join(LISTS)}.")
    return str(section)
