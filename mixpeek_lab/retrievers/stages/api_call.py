"""`api_call`: what an HTTP service says of each document, in a field of it.

Addresses that are not public are refused by the guard of `assets`, and hosts that are not in
`allowed_domains` here. Redirects are not followed: they could lead anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from mixpeek_lab.assets import AssetError, HTTPAnswer, HTTPRequest, redacted
from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.stages.authorising import Authorisation, authorisation
from mixpeek_lab.retrievers.stages.calling import (
    APICallParameters,
    Failed,
    check_definition,
    request_for,
)
from mixpeek_lab.retrievers.stages.conditions import chosen, replaced
from mixpeek_lab.retrievers.stages.documents import with_field
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext

AT_ONCE = 8
"""Calls at a time."""
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]")


def run(hits: Sequence[Hit], parameters: APICallParameters, context: StageContext) -> Outcome:
    """Call once for each document; documents with the same call share one."""
    about = chosen(hits, parameters.when, context)
    if not about:
        return Outcome(hits)
    check_definition(parameters, context)
    secret = authorisation(parameters.auth, context)
    requests = [request_for(hit, parameters, secret, context) for hit in about]
    answers = _called(requests, parameters, secret, context)
    changed: dict[str, Hit | None] = {}
    failed = 0
    why = ""
    for hit, request in zip(about, requests, strict=True):
        answer = request if isinstance(request, Failed) else answers[_same(request)]
        if not isinstance(answer, Failed):
            changed[hit.document_id] = with_field(hit, parameters.output_field, answer, context)
            continue
        if parameters.on_error == "raise":
            raise RetrieverError(
                f"stage {context.stage!r}, document {hit.document_id}: {answer.why}"
            )
        failed, why = failed + 1, why or answer.why
        if parameters.on_error == "remove":
            changed[hit.document_id] = None
    warning = f"Stage {context.stage!r}: {failed} of {len(about)} calls failed. The first: {why}"
    return Outcome(replaced(hits, changed), warnings=(warning,) if failed else ())


def _called(
    requests: Sequence[HTTPRequest | Failed],
    parameters: APICallParameters,
    secret: Authorisation,
    context: StageContext,
) -> dict[Any, JSON | Failed]:
    different = {_same(r): r for r in requests if not isinstance(r, Failed)}
    context.few_enough(len(different), "calls")

    def one(request: HTTPRequest) -> JSON | Failed:
        shown = secret.without(redacted(request.url))
        try:
            return _read(context.reach.http(request), shown, parameters, secret)
        except AssetError as error:
            return Failed(secret.without(str(error)))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mixpeek-lab-api") as pool:
        work = {
            key: pool.submit(copy_context().run, one, request) for key, request in different.items()
        }
        return {key: each.result() for key, each in work.items()}


def _same(request: HTTPRequest) -> Any:
    return request.url, tuple(sorted(request.headers.items())), request.body


def _read(
    answer: HTTPAnswer, shown: str, parameters: APICallParameters, secret: Authorisation
) -> JSON | Failed:
    text = secret.without(answer.body.decode("utf-8", "replace"))
    if not 200 <= answer.status < 300:
        more = (
            " Redirects are not followed: use the URL where it ends." if answer.status < 400 else ""
        )
        return Failed(f"{shown} answered {answer.status}.{more}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
        if parameters.response_path is not None:
            return Failed(f"{shown} did not answer with JSON.")
    return found if parameters.response_path is None else _part(found, parameters.response_path)


def _part(value: JSON, path: str) -> JSON:
    """What a path leads to, None where it leads nowhere: `$.a[0].b`."""
    rest = path.strip().removeprefix("$")
    for name, index, quoted in _STEP.findall(rest):
        if index:
            is_there = isinstance(value, list) and int(index) < len(value)
            value = value[int(index)] if is_there else None
        else:
            value = value.get(name or quoted) if isinstance(value, Mapping) else None
    return value


STAGE = Stage(
    "api_call",
    "Call an HTTP service for each document, and keep its answer in a field.",
    APICallParameters,
    run,
    names={"result_field": "output_field"},
    templates=("url", "headers", "body"),
    fields=("when",),
    icon="plug",
)
