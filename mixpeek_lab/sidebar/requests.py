"""What a front end may ask: one handler a request type, each quick and a page long at most."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import ConflictError, InvalidInputError
from mixpeek_lab.sidebar.actions import ACTIONS, SECTIONS
from mixpeek_lab.sidebar.cells import extractor_cell, retriever_cell, retriever_draft
from mixpeek_lab.sidebar.items import LISTS, Listing
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
        self._lab, self._is_starting = lab, is_starting
        self.handlers: Mapping[str, Handler] = {
            "overview": self._overview,
            "items": self._items,
            "cell": self._cell,
            "delete": self._delete,
            "stop": self._stop,
        }

    def version(self) -> tuple[object, ...]:
        """Changes with what the answers would be. To be compared on one thread."""
        lab = self._lab()
        if lab is None:
            return (self._is_starting(),)
        try:
            return (id(lab), *lab.overview.version())
        except (OSError, sqlite3.Error) as error:  # told where the view asks what has changed
            return (id(lab), str(error))

    def _overview(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """The lab's state, how many there are of each section, and what can be done with them."""
        lab = self._lab()
        counts = {name: 0 if lab is None else LISTS[name](lab, "", 0, 0).total for name in SECTIONS}
        return {
            "version": __version__,
            "lab": self._state(lab),
            "sections": [
                {**asdict(section), "name": name, "count": counts[name]}
                for name, section in SECTIONS.items()
            ],
            "actions": {
                name: [asdict(action) for action in actions] for name, actions in ACTIONS.items()
            },
        }

    def _state(self, lab: Lab | None) -> dict[str, Any]:
        if lab is None:
            state = "starting" if self._is_starting() else "not started"
            return {
                "state": state,
                "ray": "off",
                "serve": "off",
                "url": "",
                "error": "",
                "home": "",
            }
        return {**asdict(lab.overview.glance()), "home": str(lab.home)}

    def _items(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`{section, offset, limit, filter}`: a page of it, and how many there are in all."""
        section = _known(request.get("section"))
        lab = self._lab()
        limit = min(max(int(request.get("limit", PAGE)), 1), PAGE)
        offset = max(int(request.get("offset", 0)), 0)
        wanted = str(request.get("filter", ""))
        found = _NOTHING if lab is None else LISTS[section](lab, wanted, offset, limit)
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

    def _delete(self, request: Mapping[str, Any]) -> dict[str, str]:
        """`{section, name}`: delete it. ConflictError names what still uses it."""
        section, name = _known(request.get("section")), str(request.get("name"))
        lab = self._demand_lab()
        deletions = {
            "extractors": lab.delete.extractor,
            "buckets": lab.delete.bucket,
            "collections": lab.delete.collection,
            "retrievers": lab.delete.retriever,
        }
        if section not in deletions:
            raise InvalidInputError(f"What is in {section} cannot be deleted one by one.")
        deletions[section](name)
        return {"deleted": name}

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


def _known(section: object) -> str:
    if section not in LISTS:
        raise InvalidInputError(f"There is no section {section!r}, but {', '.join(LISTS)}.")
    return str(section)
