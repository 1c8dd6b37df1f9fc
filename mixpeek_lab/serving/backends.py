"""What replicas share: the class that answers, and how it reaches the extractors' services.

The class is given as an import string (`module:attribute`), as ASGI servers take theirs, so that
this layer does not know the use cases above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mixpeek_lab.errors import EngineError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving.apart import call_apart
from mixpeek_lab.serving.applications import connect
from mixpeek_lab.serving.background import Background
from mixpeek_lab.serving.names import service_name
from mixpeek_lab.serving.replies import answer_of
from mixpeek_lab.serving.running import running_services, take_down


class Service(Protocol):
    """An extractor's service that is loaded in this process."""

    async def infer(
        self, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """Its answer."""
        ...


class ServiceHandles:
    """Calls extractor services by name and digest: those at hand, and others through Serve."""

    def __init__(
        self,
        home: Path,
        at_hand: Mapping[str, Service] | None = None,
        background: Background | None = None,
    ) -> None:
        """`at_hand`: application name → service. `background`: the gateway's alone."""
        self._home, self._at_hand, self._background = home, at_hand or {}, background
        self._handles: dict[str, Any] = {}

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """The service's answer.

        EngineError where that version is not deployed, or its process died; ExtractorRunError
        where the extractor's own code failed.
        """
        from ray.exceptions import RayError
        from ray.serve.exceptions import RayServeException

        app = service_name(self._home, name, digest)
        if app in self._at_hand:
            return await self._at_hand[app].infer(inputs, parameters)
        try:
            given = await self._handle(app).infer.remote(dict(inputs), dict(parameters))
        except RayServeException as error:
            self._handles.pop(app, None)
            raise _not_deployed(name, digest) from error
        except RayError as error:
            raise died(name, error) from error
        answer: dict[str, JSON] = answer_of(given)
        return answer

    def wake(self) -> None:
        """Have somebody look for work in the catalog. Returns at once."""
        if self._background is not None:
            self._background.wake()

    def apart(self, function: str, *values: Any) -> Any:
        """Call a function, by its import string, in a process that nothing else depends on."""
        return call_apart(function, *values)

    def services(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The services that Serve knows: extractor and digest's first digits → state, message."""
        return running_services(self._home)

    def take_down(self, name: str, digest: str) -> None:
        """Take one service down, if it is there."""
        take_down(self._home, name, digest)

    def within(self, home: Path) -> ServiceHandles:
        """The same, for the services of another namespace: whose home that is."""
        return ServiceHandles(home, None, self._background)

    def _handle(self, app: str) -> Any:
        if app not in self._handles:
            self._handles[app] = connect(app)
        return self._handles[app]


def died(name: str, error: Exception) -> EngineError:
    """What to say where the process of extractor `name` ended in the middle of a call."""
    return EngineError(
        f"The service of extractor {name!r} died while it answered; it is started anew. "
        "Does its realtime.py end the process, or take more memory than there is? "
        f"({error})"
    )


def _not_deployed(name: str, digest: str) -> EngineError:
    return EngineError(
        f"Extractor {name!r} is not deployed in the version that is asked for ({digest[:12]}). "
        f'lab.serve("RETRIEVER") deploys what a retriever needs; lab.deploy("{name}") or '
        f"`%extractor deploy {name}` deploys the current version."
    )
