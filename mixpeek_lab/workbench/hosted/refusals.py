"""What a platform says when it refuses, in full, whichever of its shapes that has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mixpeek_lab.errors import RemoteError
from mixpeek_lab.markup import printable
from mixpeek_lab.models import JSON

LONGEST = 2_000
"""Characters of an answer that is not understood."""
ADVICE = {
    401: "The key is not one of this platform's: look at MIXPEEK_API_KEY.",
    403: "The key may not do this here: look at the namespace, and at what the key is for.",
    413: "The package is too large: do not bundle model weights.",
    429: "The platform takes no more requests for now: run it again later.",
    503: "The platform is not ready: run it again later.",
}


def refusal(step: str, place: str, status: int, text: str) -> RemoteError:
    """The error for an answer that is none: what the platform says, problem by problem."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    told, problems = _read(body) if isinstance(body, Mapping) else (text[:LONGEST], ())
    words = _line(told) or "says nothing more"
    listed = listing(problems)
    advice = ADVICE.get(status, "")
    message = f"{place} answered {status}: {words}{listed}"
    return RemoteError(step, f"{message}{chr(10) if listed else ' '}{advice}".rstrip(),
                       status, problems)  # fmt: skip


def listing(problems: Sequence[JSON]) -> str:
    """The problems, a line each; empty where there are none."""
    return "".join(f"\n  {_problem(problem)}" for problem in problems)


def _read(body: Mapping[str, JSON]) -> tuple[str, tuple[JSON, ...]]:
    """The message and the problems of `{error: {message, details}}`, `{detail}` and their like."""
    error = body.get("error", body.get("detail", body.get("message", "")))
    details: JSON = body.get("details", {})
    if isinstance(error, Mapping):
        details = error.get("details", details)
        error = error.get("message", error.get("type", ""))
    if isinstance(error, Sequence) and not isinstance(error, str):  # FastAPI's own
        return "the request is not understood", tuple(error)
    found = body.get("validation_errors")
    if not found and isinstance(details, Mapping):
        found = details.get("validation_errors")
    is_list = isinstance(found, Sequence) and not isinstance(found, str)
    return str(error or ""), tuple(found or ()) if is_list else ()


def _problem(problem: JSON) -> str:
    """One problem on one line: rule and place, what is wrong, and what to do."""
    if not isinstance(problem, Mapping):
        return _line(str(problem))
    known = {key: value for key, value in problem.items() if value not in (None, "", [])}
    where = str(known.pop("file", ""))
    if where and "line" in known:
        where = f"{where}:{known.pop('line')}"
    location = known.pop("location", known.pop("loc", ""))
    if isinstance(location, Sequence) and not isinstance(location, str):
        location = ".".join(map(str, location))
    rule = known.pop("rule", known.pop("type", known.pop("code", "")))
    message, fix = known.pop("message", known.pop("msg", "")), known.pop("fix", "")
    severity = known.pop("severity", "")
    known.pop("column", None)
    rest = json.dumps(known, ensure_ascii=False, default=str) if known else ""
    head = " ".join(str(part) for part in (severity, rule, where, location) if part)
    body = " ".join(str(part) for part in (message, fix, rest) if part)
    return _line(f"{head}: {body}" if head else body)


def _line(text: str) -> str:
    return " ".join(printable(text).split())
