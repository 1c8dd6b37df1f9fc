"""What an output holds beside a widget's live view: text and HTML that stay in the notebook.

A front end that finds the live view takes it; everybody else takes the HTML. Only where a program
runs the cells (`nbconvert --execute`, papermill, nbclient) is there no live view: it would keep
the widget's state, and a page made of that notebook would show, in place of the result, a view
that comes from a CDN and has no kernel to ask.
"""

from __future__ import annotations

import os
from typing import Any

import anywidget

Bundle = tuple[dict[str, Any], dict[str, Any]]
"""Data by MIME type, and metadata."""


class LabWidget(anywidget.AnyWidget):
    """A widget that has a view only where somebody may look at it."""

    def open(self) -> None:
        """Tell the front end of this widget."""
        if not is_run_by_program():
            super().open()

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle:
        """The live view, where there is one."""
        if self.comm is None:
            return {}, {}
        live: Bundle = super()._repr_mimebundle_(**kwargs)
        return live


def with_saved(live: Bundle, text: str, html: str) -> Bundle:
    """`live`, the bundle of a widget's view, with its result as `text` and `html` beside it."""
    data, metadata = live
    return {**data, "text/plain": text, "text/html": html}, metadata


def is_run_by_program() -> bool:
    """Whether nobody is there to use a widget: whoever runs the cells cannot type.

    Voilà, which runs cells in the same way, does show widgets, and says so in the environment.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None or any(name.startswith("VOILA_") for name in os.environ):
        return False
    request = kernel.get_parent("shell") or {}
    return request.get("content", {}).get("allow_stdin") is False
