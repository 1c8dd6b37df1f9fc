"""The notebook's lab: one per kernel, made when it is first needed, stopped with the kernel."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument

from mixpeek_lab.engines import choose_engine
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import read_options

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import FactsCard
    from mixpeek_lab.workbench import Lab, Status

_lab: Lab | None = None
_namespace = "default"
_starter: threading.Thread | None = None
_lock = threading.RLock()


def current_lab(home: str | None = None) -> Lab:
    """The kernel's lab, which the magics work with. It is made by the first call.

    Of the namespace that `%lab --namespace` named. Raises InvalidInputError where it keeps its
    state in another folder than `home`, and NotFoundError where that namespace is gone.
    """
    lab = _whole_lab(home)
    return lab if _namespace == "default" else lab.namespace(_namespace)


def _whole_lab(home: str | None = None) -> Lab:
    global _lab
    with _lock:
        if _lab is None:
            from mixpeek_lab.magics.live import ray_waiting
            from mixpeek_lab.ray_session import show_waiting_with
            from mixpeek_lab.workbench import Lab

            show_waiting_with(ray_waiting)
            _lab = Lab(home)
            atexit.register(_lab.end)
        elif home is not None and Path(home).expanduser().resolve() != _lab.home:
            raise InvalidInputError(
                f"This notebook's lab is at {_lab.home} already. `%lab stop`, then start it "
                f"with --home {home}."
            )
        return _lab


def enter(namespace: str, home: str | None = None) -> None:
    """Have the magics work in this namespace of the kernel's lab. NotFoundError."""
    global _namespace
    with _lock:
        _whole_lab(home).namespace(namespace)
        _namespace = namespace


def lab_if_made() -> Lab | None:
    """The kernel's lab, or None before it is made. Makes none, and waits for nothing.

    Of the namespace that the magics work in; of the default one where that is gone.
    """
    made = _lab
    if made is None or _namespace == "default":
        return made
    with suppress(NotFoundError):
        return made.namespace(_namespace)
    return made


def is_starting() -> bool:
    """Whether a lab is being made and started in the background."""
    return _starter is not None and _starter.is_alive()


def start_in_background() -> None:
    """Begin importing and starting what takes long, unless MIXPEEK_LAB_AUTOSTART is 0."""
    global _starter
    if os.environ.get("MIXPEEK_LAB_AUTOSTART", "1") == "0":
        print("Mixpeek Lab is loaded. `%lab start` starts Ray and the endpoint.")  # noqa: T201
        return
    engine = choose_engine()
    if engine.name == "kernel":
        print(f"Mixpeek Lab is loaded. It runs in this kernel, without Ray: {engine.why}.")  # noqa: T201
        return
    _starter = threading.Thread(target=lambda: current_lab().start(), daemon=True)
    _starter.start()
    print("Mixpeek Lab is loaded. Ray starts in the background: `%lab` shows how far.")  # noqa: T201


def stop() -> None:
    """Stop the kernel's lab, if there is one."""
    global _lab, _namespace
    with _lock:
        if _lab is not None:
            atexit.unregister(_lab.end)
            _lab.stop()
            _lab, _namespace = None, "default"


@magics_class
class LabMagics(Magics):
    """`%lab`."""

    @explained()
    @argument(
        "action", nargs="?", default="status", choices=["start", "status", "stop"],
        help="what to do (default: status)",
    )  # fmt: skip
    @argument(
        "--home", metavar="FOLDER",
        help="what keeps the lab's state (default: MIXPEEK_LAB_HOME, else .mixpeek_lab here)",
    )  # fmt: skip
    @argument(
        "--namespace", metavar="NAME",
        help="the one that all magics work in from now on (default: as before)",
    )  # fmt: skip
    @argument("--wait", action="store_true", help="wait until Ray and the endpoint are ready")
    @argument("--no-serve", action="store_true", help="Ray alone, without the HTTP endpoint")
    @line_magic
    @tells_errors
    def lab(self, line: str) -> FactsCard | None:
        """Start, show or stop what runs behind the notebook: Ray, the endpoint, services.

        %lab status             what is running
        %lab start              start it in the background
        %lab start --wait       start all of it and wait
        %lab --namespace NAME   work in another namespace (`default` leads back)
        %lab stop               stop it; what is on disk stays
        """
        options = read_options(self.lab, line)
        if options.action == "stop":
            stop()
            print("Mixpeek Lab is stopped. Its files stay; `%lab start` starts it again.")  # noqa: T201
            return None
        if options.namespace:
            enter(options.namespace, options.home)
        lab = current_lab(options.home)
        if options.action == "start":
            return _card(lab.start(serve=not options.no_serve, wait=options.wait))
        return _card(lab.status())


def _card(status: Status) -> FactsCard:
    from mixpeek_lab.widgets.cards import FactsCard

    facts = [line.partition(": ")[::2] for line in str(status).splitlines()]
    return FactsCard("Mixpeek Lab", facts)
