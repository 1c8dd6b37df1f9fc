"""A widget that is there while something runs and leaves nothing behind in the saved notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.display import display

VIEW = "application/vnd.jupyter.widget-view+json"


@contextmanager
def shown_meanwhile(widget: Any) -> Iterator[None]:
    """Show `widget` for as long as the block runs. A front end without widgets shows nothing."""
    data, _ = widget._repr_mimebundle_()
    handle = display({VIEW: data[VIEW]}, raw=True, display_id=True) if VIEW in data else None
    try:
        yield
    finally:
        if handle is not None:
            handle.update({}, raw=True)
        widget.close()


@contextmanager
def note_meanwhile(text: str) -> Iterator[None]:
    """Show one line of text for as long as the block runs."""
    from ipywidgets import HTML

    from mixpeek_lab.widgets.saving import is_run_by_program

    if is_run_by_program():
        yield
        return
    with shown_meanwhile(HTML(text)):
        yield
