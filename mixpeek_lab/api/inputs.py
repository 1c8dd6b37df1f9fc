"""Bodies whose `inputs` go to a service, which might open what they name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from mixpeek_lab.api.backend import JSONBody, ThePlatform


def _checked(platform: ThePlatform, body: JSONBody) -> dict[str, Any]:
    for name in ("inputs", "input", "parameters"):
        platform.file_roots.demand_inputs(body.get(name), name)
    return body


ServiceBody = Annotated[dict[str, Any], Depends(_checked)]
"""A route's parameter type: a JSON object; 422 where its inputs name a file that is not open."""
