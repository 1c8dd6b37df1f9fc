"""What is there while something runs and leaves nothing behind in the saved notebook."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

VIEW = "application/vnd.jupyter.widget-view+json"
HTML_TYPE = "text/html"
EVERY = 1.0
"""Seconds between two looks at what is waited for."""
LEAST_LIFE = 5.0
"""Seconds that a front end has for a widget's model. Closed as it loads, it would say it failed."""
KEPT = 4
"""Widgets that outlive their block: a page that was loaded meanwhile asks for them at its end."""
CLEAR = "\r\x1b[2K"
"""Takes a terminal's line away."""


@contextmanager
def shown_meanwhile(widget: Any, saved: str = "") -> Iterator[None]:
    """Show `widget` for as long as the block runs. A front end without widgets shows nothing.

    `saved`: the HTML of a notebook that is saved meanwhile, for a page that is loaded then. Where a
    program runs the cells there is no live view, and so nothing is shown.
    """
    view, beside = _view_of(widget), {HTML_TYPE: saved} if saved else {}
    handle = display({**view, **beside}, raw=True, display_id=True) if view else None
    shown_at = time.monotonic()
    try:
        yield
    finally:
        if handle is None:
            widget.close()
        else:
            handle.update({}, raw=True)
            _ended.add(widget, shown_at + LEAST_LIFE)


class _Ended:
    """Widgets whose view is gone, to be closed when there are too many of them."""

    def __init__(self) -> None:
        self._widgets: deque[tuple[Any, float]] = deque()
        self._lock = threading.Lock()

    def add(self, widget: Any, earliest: float) -> None:
        """Close it once KEPT others have come, not before that moment of `time.monotonic`."""
        with self._lock:
            self._widgets.append((widget, earliest))
            closing = []
            while len(self._widgets) > KEPT and self._widgets[0][1] <= time.monotonic():
                closing.append(self._widgets.popleft()[0])
        for each in closing:
            each.close()


_ended = _Ended()


def _view_of(widget: Any) -> dict[str, Any]:
    """Its live view by MIME type; empty where there is nobody who looks."""
    from mixpeek_lab.widgets.saving import is_run_by_program

    bundle = widget._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle  # anywidget's, or ipywidgets'
    is_live = data is not None and VIEW in data and not is_run_by_program()
    return {VIEW: data[VIEW]} if is_live else {}


@contextmanager
def note_meanwhile(text: str) -> Iterator[None]:
    """Show one line of text for as long as the block runs."""
    from ipywidgets import HTML

    with shown_meanwhile(HTML(text)):
        yield


def is_terminal() -> bool:
    """Whether IPython runs in a terminal, which shows no widgets."""
    shell = get_ipython()
    return shell is not None and not hasattr(shell, "kernel")


class TerminalLine:
    """One line at the end of a terminal that says how far something is; none where that is none."""

    def __init__(self) -> None:
        self._stream = sys.stdout  # not that which stands in for it while a step prints
        self._is_shown = False
        self._lock = threading.Lock()

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal."""
        return self._stream.isatty()

    def say(self, text: str) -> None:
        """Put this in place of what it said."""
        with self._lock:
            if self.is_live:
                self._is_shown = True
                self._stream.write(f"{CLEAR}{text}")
                self._stream.flush()

    def print(self, *lines: str) -> None:
        """Lines that stay, above it."""
        with self._lock:
            before = CLEAR if self._is_shown else ""
            self._stream.write(before + "".join(f"{line}\n" for line in lines))
            self._stream.flush()
            self._is_shown = False

    def clear(self) -> None:
        """Take it away."""
        self.print()


_is_told = threading.local()


@contextmanager
def told_already() -> Iterator[None]:
    """In here `ray_waiting` says nothing: something else does."""
    _is_told.value = True
    try:
        yield
    finally:
        _is_told.value = False


@contextmanager
def ray_waiting(describe: Callable[[], str]) -> Iterator[None]:
    """Show what `describe` says, once a second, for as long as the block runs, and then once more.

    A notebook shows it until the cell has ended, a terminal for good. Only the main thread waits
    for a person: elsewhere nothing is shown.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if getattr(_is_told, "value", False) or not is_main or get_ipython() is None:
        yield
        return
    say, end = _terminal_face() if is_terminal() else _notebook_face()
    is_over, begun = threading.Event(), time.monotonic()

    def tell() -> None:
        say(describe())
        while not is_over.wait(EVERY):
            say(describe())

    teller = threading.Thread(target=tell, name="mixpeek-lab-waiting", daemon=True)
    teller.start()
    try:
        yield
    finally:
        is_over.set()
        teller.join()
        text = describe()
        is_there = text.startswith("Ray: ready")  # what went wrong is raised, and said there
        end(f"{text}, after {time.monotonic() - begun:.0f} s" if is_there else "")


def _terminal_face() -> tuple[Callable[[str], None], Callable[[str], None]]:
    line = TerminalLine()

    def end(text: str) -> None:
        line.clear()
        if line.is_live and text:
            line.print(text)

    return line.say, end


def _notebook_face() -> tuple[Callable[[str], None], Callable[[str], None]]:
    from ipywidgets import HTML

    line = HTML()
    view, shell = _view_of(line), get_ipython()
    handle = display(view, raw=True, display_id=True) if view else None

    def say(text: str) -> None:
        line.value = f'<span role="status">{escape(text)}</span>'

    def end(text: str) -> None:
        say(text)
        shell.events.register("post_run_cell", leave)

    def leave(*_: object) -> None:
        shell.events.unregister("post_run_cell", leave)
        if handle is not None:
            handle.update({}, raw=True)
        line.close()

    return say, end
