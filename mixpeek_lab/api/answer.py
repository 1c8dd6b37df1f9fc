"""Answers as JSON, written once and fast."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from mixpeek_lab.retrievers import plain


class Answer(Response):
    """A JSON answer. Backends give JSON values, so nothing is validated or copied on the way.

    JSON has no NaN and no infinity: they become null.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        try:
            return _encode(content)
        except (TypeError, ValueError):
            return _encode(plain(content))


def _encode(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")  # halves of surrogate pairs, which JSON can ask with
