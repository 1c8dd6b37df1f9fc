"""The secret that a call takes along: by its name, and never in what is told."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from mixpeek_lab.errors import RetrieverError
from mixpeek_lab.retrievers.bodies import Body
from mixpeek_lab.retrievers.stages.stage import StageContext

_HIDDEN = "[secret]"


class Auth(Body):
    """How a service is asked for permission."""

    type: Literal["none", "bearer", "api_key", "basic", "custom_header"] = "none"
    secret_ref: str | None = Field(None, min_length=1)
    """The secret's name; for `basic` it holds `user:password`."""
    location: Literal["header", "query"] = "header"
    """Of an api_key."""
    key: str | None = Field(None, min_length=1)
    """The header, or the parameter of the query."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What a call takes along."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: tuple[str, str] | None = None
    hidden: tuple[str, ...] = ()
    """Texts that are not shown: the secret, in each way it is sent."""

    @property
    def is_secret(self) -> bool:
        """Whether anything is."""
        return bool(self.hidden)

    def in_query(self, url: str) -> str:
        """The URL with the secret, where it belongs there."""
        if self.query is None:
            return url
        name, value = self.query
        bare, _, fragment = url.partition("#")
        mark = "&" if "?" in bare else "?"
        rest = f"#{fragment}" if fragment else ""
        return f"{bare}{mark}{quote(name, safe='')}={quote(value, safe='')}{rest}"

    def without(self, text: str) -> str:
        """The text without the secret: a service may repeat what it was sent."""
        for each in self.hidden:
            text = text.replace(each, _HIDDEN)
        return text


def authorisation(auth: Auth | None, context: StageContext) -> Authorisation:
    """What `auth` asks for. RetrieverError where its secret is not kept, or a key is missing."""
    if auth is None or auth.type == "none":
        return Authorisation()
    where = f"stage {context.stage!r}, auth"
    if auth.secret_ref is None:
        raise RetrieverError(f"{where}: type {auth.type!r} needs secret_ref, a secret's name.")
    value = context.reach.secret(auth.secret_ref)
    if not value:
        raise RetrieverError(
            f"{where}.secret_ref: there is no secret {auth.secret_ref!r}. "
            f"`%secret set {auth.secret_ref}` sets it."
        )
    if any(c in value for c in "\r\n\0"):
        raise RetrieverError(f"{where}.secret_ref: {auth.secret_ref!r} is more than one line.")
    hidden = [value, quote(value, safe="")]
    if auth.type in ("api_key", "custom_header") and auth.key is None:
        raise RetrieverError(f"{where}: type {auth.type!r} needs key, the name of the header.")
    if auth.type == "bearer":
        return Authorisation({"Authorization": f"Bearer {value}"}, hidden=tuple(hidden))
    if auth.type == "basic":
        coded = base64.b64encode(value.encode()).decode()
        hidden += [coded, *filter(None, [value.partition(":")[2]])]
        return Authorisation({"Authorization": f"Basic {coded}"}, hidden=tuple(hidden))
    if auth.type == "api_key" and auth.location == "query":
        return Authorisation(query=(auth.key or "", value), hidden=tuple(hidden))
    return Authorisation({auth.key or "": value}, hidden=tuple(hidden))
