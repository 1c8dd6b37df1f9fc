"""Where another platform is, and with which key: checked before anything is sent."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.secrets import SecretStore

KEY = "MIXPEEK_API_KEY"
NAMESPACE = "MIXPEEK_NAMESPACE"
HOSTED = "https://api.mixpeek.com"
SHORTEST_KEY = 4
"""Characters. A shorter one could not be kept out of what is printed."""


@dataclass(frozen=True, slots=True)
class Address:
    """A platform's API, without `/v1`, and the key that it asks for."""

    url: str
    """`https://api.mixpeek.com`."""
    key: str = field(repr=False)
    namespace: str = ""
    """Name or id; empty where the platform is to be asked for its only one."""

    def hidden(self, text: str) -> str:
        """`text` without the key."""
        return text.replace(self.key, "…")


def read_address(url: str, home: Path, namespace: str | None = None) -> Address:
    """The platform at `url`, with the key of the environment or of the lab's secrets.

    InvalidInputError for what is no such URL, for plain HTTP to another machine (the key would be
    readable on the way), for a key in the URL, and where there is no key.
    """
    return Address(checked_url(url), _key(home), namespace or os.environ.get(NAMESPACE, "").strip())


def checked_url(url: str) -> str:
    """`url` in the form that requests are made from: no `/v1`, no slash at the end."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInputError(f"The platform's URL cannot be read: {error}.") from error
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInputError(
            "The platform's URL is its address alone. A key does not belong in it: set "
            f"{KEY} in the environment, or keep it with `mixpeek-lab secret set {KEY}`."
        )
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInputError(f"{url!r} is no URL of a platform: it reads {HOSTED}.")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidInputError(
            f"{url} is plain HTTP to another machine: the key would be readable on the way. "
            "Write https://."
        )
    shown = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _key(home: Path) -> str:
    given = os.environ.get(KEY, "").strip()
    if not given:
        try:
            given = SecretStore(home).get(KEY).strip()
        except NotFoundError:
            raise InvalidInputError(
                f"There is no API key. Set {KEY} in the environment, or keep it, encrypted: "
                f"`mixpeek-lab secret set {KEY}` or `%secret set {KEY}`. For another lab the key "
                "is its token."
            ) from None
    if len(given) < SHORTEST_KEY or any(not "!" <= letter <= "~" for letter in given):
        raise InvalidInputError(f"What {KEY} holds is no API key: letters, digits, no spaces.")
    return given
