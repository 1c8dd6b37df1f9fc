"""Which namespace a request is about: what its path names, or X-Namespace; else the default one."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import Scope

HEADER = "x-namespace"
_OWN = re.compile(r"/v1/namespaces(/[^/]*)?")
"""The namespaces themselves: which one is meant is the route's to say."""
_BELOW = re.compile(r"/v1/namespaces/([^/]+)/.*", re.DOTALL)
_FILE = re.compile(r"/v1/(?:extractor-archives|blob-uploads)/([^/]+)/.*", re.DOTALL)
"""Signed addresses, which say whose they are."""


def named_namespaces(scope: Scope) -> list[str]:
    """What the request names, by name or id, in its path and in X-Namespace; none, as a rule."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if _OWN.fullmatch(path):
        return []
    if (file := _FILE.fullmatch(path)) is not None:
        return [file[1]]
    given = [each.strip() for each in Headers(scope=scope).getlist(HEADER)]
    below = _BELOW.fullmatch(path)
    return list(dict.fromkeys(filter(None, [below[1] if below else "", *given])))
