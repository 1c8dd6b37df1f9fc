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
from mixpeek_lab.filters import has_template
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.authorising import Auth, Authorisation
from mixpeek_lab.retrievers.stages.documents import seen_by_templates
from mixpeek_lab.retrievers.stages.stage import StageContext, StageParameters

_SINGLE = re.compile(r"(?<!\{)\{((?:DOC|INPUT|CONTEXT)\.[A-Za-z0-9_.]+)\}(?!\})")
"""Mixpeek's pages write `{DOC.field}` in this stage."""
_OURS = ("host", "content-length", "transfer-encoding", "connection", "authorization", "cookie")
"""Headers that a definition does not set."""
_HERE = ("127.0.0.1", "localhost", "::1")


class APICallParameters(StageParameters):
    """The parameters of `api_call`, with Mixpeek's defaults."""

    url: str = Field(min_length=1)
    """With templates, whose values are percent-encoded; a URL that is one template is taken as it
    is, and needs allowed_domains."""
    allowed_domains: list[str] | None = Field(None, min_length=1)
    """Hosts that may be called, `*.example.org` for those below one; the URL's own host where left
    out."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    """With templates. What is secret belongs into auth."""
    body: Any = None
    """Sent as JSON, with templates."""
    output_field: str = Field("api_response", min_length=1)
    timeout: float = Field(10, gt=0, le=60)
    """Seconds of one call."""
    max_response_size: int = Field(10 << 20, ge=1, le=1 << 30)
    """Bytes of one answer."""
    response_path: str | None = None
    """The part of a JSON answer that is kept: `$.data[0].name`."""
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged."""
    on_error: Literal["skip", "remove", "raise"] = "skip"
    """Of one document: it passes unchanged, with a warning, it is left out, or the search fails."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that gave nothing."""

    why: str


def request_for(
    hit: Hit, parameters: APICallParameters, secret: Authorisation, context: StageContext
) -> HTTPRequest | Failed:
    """The call for a document; why not, where its templates ask for what it has not."""
    document = seen_by_templates(hit)
    try:
        url = _url(parameters.url, document, context)
        body = context.render(_double(parameters.body), "body", document)
        headers = {
            name: str(context.render(_double(value), f"headers.{name}", document))
            for name, value in parameters.headers.items()
        }
    except InvalidInputError as error:
        return Failed(str(error))
    _check_host(url, parameters, secret, context)
    _check_headers(headers, context)
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
    template = _double(template)
    is_whole = template.strip().startswith("{{")
    if is_whole:
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


def _check_host(
    url: str, parameters: APICallParameters, secret: Authorisation, context: StageContext
) -> None:
    where = f"stage {context.stage!r}, url"
    parts = _parts(url, where)
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise RetrieverError(f"{where}: {redacted(url)} is not an http(s) URL without a user name.")
    allowed = parameters.allowed_domains
    if allowed is None:
        own = _parts(_SINGLE.sub("", parameters.url), where).netloc
        if has_template(parameters.url.partition("?")[0].split("/")[2:3]) or not own:
            raise RetrieverError(f"{where}: a host from a template needs allowed_domains.")
        allowed = [host]
    if not any(_covers(domain.lower(), host) for domain in allowed):
        raise RetrieverError(
            f"{where}: the host {host!r} is not among allowed_domains ({', '.join(allowed)})."
        )
    if (
        secret.is_secret
        and parts.scheme == "http"
        and host not in ("127.0.0.1", "localhost", "::1")
    ):
        raise RetrieverError(f"{where}: a secret goes over https only.")


def _parts(url: str, where: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError as error:
        raise RetrieverError(f"{where}: {redacted(url)} is not a URL ({error}).") from error
    return parts


def _covers(domain: str, host: str) -> bool:
    return host == domain or (domain.startswith("*.") and host.endswith(domain[1:]))


def _check_headers(headers: Mapping[str, str], context: StageContext) -> None:
    for name, value in headers.items():
        where = f"stage {context.stage!r}, headers.{name}"
        if name.lower() in _OURS:
            raise RetrieverError(f"{where}: this header is not set here. Secrets belong into auth.")
        if not name.isascii() or any(c in "\r\n\0" for c in name + value):
            raise RetrieverError(f"{where}: a header is one line.")
