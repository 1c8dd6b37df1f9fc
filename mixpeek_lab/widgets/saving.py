"""What an output holds beside a widget's live view: text and HTML that stay in the notebook.

A front end that finds the live view takes it; everybody else takes the HTML. Only where a program
runs the cells (`nbconvert --execute`, papermill, nbclient) is there no live view: it would keep
the widget's state, and what is made of such a notebook would show a view that has no kernel, and
that comes from a CDN, in place of the result.
"""

from __future__ import annotations

import os
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"

Bundle = tuple[dict[str, Any], dict[str, Any]]
"""Data by MIME type, and metadata."""


def with_saved(live: Bundle, text: str, html: str) -> Bundle:
    """`live`, the bundle of a widget's view, with its result as `text` and `html` beside it."""
    data, metadata = live
    data = {**data, "text/plain": text, "text/html": html}
    if is_run_by_program():
        data.pop(VIEW, None)
    return data, metadata


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
