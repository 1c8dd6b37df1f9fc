"""The comms between the kernel and JupyterLab.

`%load_ext` imports this module; what answers is imported with the first request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from comm import create_comm, get_comm_manager

from mixpeek_lab.sidebar.watching import Watch

if TYPE_CHECKING:
    from mixpeek_lab.sidebar.requests import Requests
    from mixpeek_lab.widgets.messages import Handler
    from mixpeek_lab.workbench import Lab

TARGET = "mixpeek_lab"
"""The comms' target."""
ANNOUNCEMENT = "mixpeek-lab"
"""Id of the comm that says: a lab is here."""


class Connection:
    """The kernel's end. `lab` gives the lab, or None while there is none."""

    def __init__(
        self,
        lab: Callable[[], Lab | None],
        is_starting: Callable[[], bool],
        more: Mapping[str, Handler] = MappingProxyType({}),
    ) -> None:
        """`more`: handlers of other types of requests."""
        self._lab, self._is_starting, self._more = lab, is_starting, more
        self._watch = Watch(
            lambda: self._requests.version(), self._tell, lambda: self._requests.far()
        )
        self._announcement: Any = None

    def open(self) -> None:
        """Listen, and say so."""
        get_comm_manager().register_target(TARGET, self._opened)
        self._announcement = create_comm(target_name=TARGET, comm_id=ANNOUNCEMENT)

    def close(self) -> None:
        """Say goodbye; nothing is answered from here on."""
        self._watch.stop()
        get_comm_manager().unregister_target(TARGET, self._opened)
        if self._announcement is not None:
            self._announcement.close()
            self._announcement = None

    @cached_property
    def _requests(self) -> Requests:
        from mixpeek_lab.sidebar.requests import Requests

        return Requests(self._lab, self._is_starting)

    def _opened(self, comm: Any, _: Mapping[str, Any]) -> None:
        comm.on_msg(partial(self._answer, comm))

    def _answer(self, comm: Any, message: Mapping[str, Any]) -> None:
        from mixpeek_lab.widgets.messages import answer

        request = message["content"]["data"]
        handlers = {**self._requests.handlers, **self._more, "watch": self._watch.handle}
        for header, buffers in answer(handlers, request).messages():
            comm.send(header, buffers=buffers)

    def _tell(self, news: dict[str, Any]) -> None:
        if self._announcement is not None:
            self._announcement.send(news)
