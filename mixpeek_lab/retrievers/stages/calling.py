"""What `api_call` asks: the request for each document, and what may not be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field

from mixpeek_lab.assets import HTTPRequest, redacted
from mixpeek_lab.errors import InvalidInputError, RetrieverError
from mixpeek_lab.filters.values import MOST_PATH
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST_NAMED, FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.authorising import Auth, Authorisation
from mixpeek_lab.retrievers.stages.documents import seen_by_templates
from mixpeek_lab.retrievers.stages.stage import StageContext, StageParameters

_SINGLE = re.compile(r"(?<!\{)\{((?:DOC|INPUT|CONTEXT)\.[A-Za-z0-9_.]+)\}(?!\})")
"""Mixpeek's pages write `{DOC.field}` in this stage."""
_OURS = ("host", "content-length", "transfer-encoding", "connection", "authorization", "cookie")
"""Headers that a definition does not set."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEMPLATE = re.compile(r"\{\{|\{%")
_WHOLE = re.compile(r"\{\{[^{}]*\}\}")
_HOST = re.compile(r"https?://[^/?#]+[/?#]")
_PLAIN_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+")
_HERE = ("127.0.0.1", "localhost", "::1")


class APICallParameters(StageParameters):
    """The parameters of `api_call`, with Mixpeek's defaults."""

    url: str = Field(min_length=1)
    """With templates, whose values are percent-encoded; a URL that is one template is taken as it
    is, and needs allowed_domains."""
    allowed_domains: list[str] | None = Field(None, min_length=1, max_length=1000)
    """Hosts that may be called, `*.example.org` for those below one; the URL's own host where left
    out."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict, max_length=MOST_NAMED)
    """With templates. What is secret belongs into auth."""
    body: Any = None
    """Sent as JSON, with templates."""
    output_field: FieldPath = "api_response"
    timeout: float = Field(10, gt=0, le=60)
    """Seconds of one call."""
    max_response_size: int = Field(10 << 20, ge=1, le=1 << 30)
    """Bytes of one answer."""
    response_path: str | None = Field(None, max_length=MOST_PATH)
    """The part of a JSON answer that is kept: `$.data[0].name`."""
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged."""
    on_error: Literal["skip", "remove", "raise"] = "skip"
    """Of one document: it passes unchanged, with a warning, it is left out, or the search fails."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that gave nothing."""

    why: str


def check_definition(parameters: APICallParameters, context: StageContext) -> None:
    """Raise RetrieverError for what is wrong whatever the documents are."""
    where = f"stage {context.stage!r}"
    before = _TEMPLATE.split(_text(parameters.url), maxsplit=1)
    is_fixed = len(before) == 1 or _HOST.match(before[0])
    if not is_fixed and parameters.allowed_domains is None:
        raise RetrieverError(f"{where}, url: a host from a template needs allowed_domains.")
    for name in parameters.headers:
        if name.lower() in _OURS or not _TOKEN.fullmatch(name):
            raise RetrieverError(
                f"{where}, headers.{name}: this header is not set here. Secrets belong into auth."
            )


def request_for(
    hit: Hit, parameters: APICallParameters, secret: Authorisation, context: StageContext
) -> HTTPRequest | Failed:
    """The call for a document; why not, where its values do not make one that may be made."""
    document = seen_by_templates(hit)
    try:
        url = _url(parameters.url, document, context)
        _check_host(url, parameters, secret)
        body = context.render(_double(parameters.body), "body", document)
        headers = {
            name: _one_line(str(context.render(_double(value), f"headers.{name}", document)), name)
            for name, value in parameters.headers.items()
        }
    except InvalidInputError as error:
        return Failed(str(error))
    content = None if body is None else json.dumps(plain(body)).encode()
    if content is not None:
        headers = {"Content-Type": "application/json", **headers}
    return HTTPRequest(
        secret.in_query(url),
        parameters.method,
        {**headers, **secret.headers},
        content,
        parameters.timeout,
        parameters.max_response_size,
        follows_redirects=False,
    )


def _url(template: str, document: Mapping[str, JSON], context: StageContext) -> str:
    template = _text(template)
    if _WHOLE.fullmatch(template.strip()):
        return str(context.render(template, "url", document))
    values = {name: _encoded(value) for name, value in document.items()}
    inputs = {name: _encoded(value) for name, value in context.inputs.items()}
    return str(replace(context, inputs=inputs).render(template, "url", values))


def _encoded(value: JSON) -> JSON:
    """Texts percent-encoded, so that a value cannot be more of a URL than a value."""
    if isinstance(value, str):
        return quote(value, safe="")
    if isinstance(value, Mapping):
        return {key: _encoded(entry) for key, entry in value.items()}
    return [_encoded(entry) for entry in value] if isinstance(value, list) else value


def _double(value: JSON) -> JSON:
    """`{DOC.field}` as `{{DOC.field}}`."""
    if isinstance(value, str):
        return _SINGLE.sub(r"{{\1}}", value)
    if isinstance(value, Mapping):
        return {key: _double(entry) for key, entry in value.items()}
    return [_double(entry) for entry in value] if isinstance(value, list) else value


def _text(url: str) -> str:
    return _SINGLE.sub(r"{{\1}}", url)


def _check_host(url: str, parameters: APICallParameters, secret: Authorisation) -> None:
    parts = _parts(url)
    host = (parts.hostname or "").lower()
    is_plain = bool(_PLAIN_HOST.fullmatch(host)) and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not is_plain:
        raise RetrieverError(f"{redacted(url)} is not an http(s) URL without a user name.")
    allowed = parameters.allowed_domains or [host]
    if not any(_covers(domain.lower(), host) for domain in allowed):
        raise RetrieverError(
            f"the host {host!r} is not among allowed_domains ({', '.join(allowed)})."
        )
    if secret.is_secret and parts.scheme == "http" and host not in _HERE:
        raise RetrieverError(f"{redacted(url)}: a secret goes over https only.")


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError as error:
        raise RetrieverError(f"{redacted(url)} is not a URL ({error}).") from error
    return parts


def _covers(domain: str, host: str) -> bool:
    return host == domain or (domain.startswith("*.") and host.endswith(domain[1:]))


def _one_line(value: str, name: str) -> str:
    if any(c in "\r\n\0" for c in value):
        raise RetrieverError(f"headers.{name}: a header is one line.")
    return value
