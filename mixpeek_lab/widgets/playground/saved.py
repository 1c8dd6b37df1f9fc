"""What stays of a playground in a saved notebook: text, and HTML without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mixpeek_lab.widgets.messages import error_body
from mixpeek_lab.widgets.static import message_html, results_html, results_text


def saved_forms(
    widget: object,
    about: Mapping[str, Any],
    error: Exception | None,
    payload: Mapping[str, Any] | None,
    limit: int,
) -> tuple[str, str]:
    """Text and HTML: the hits in `payload`, or what went wrong, or no query yet."""
    title, code = about["title"], about["code"]
    if error is not None:
        message = error_body(error)["message"]
        text, page = f"{widget!r}\n{message}", message_html(title, message, code)
    elif payload is None:
        text, page = repr(widget), message_html(title, "No query yet.", code)
    else:
        text = results_text(payload, limit)
        page = results_html(payload, limit, title=title, code=code)
    return text, page
