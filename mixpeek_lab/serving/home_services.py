"""The extractor services of one namespace, from the notebook's process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import EngineError
from mixpeek_lab.models import JSON
from mixpeek_lab.serving import applications
from mixpeek_lab.serving.backends import died
from mixpeek_lab.serving.names import service_name
from mixpeek_lab.serving.replies import answer_of
from mixpeek_lab.serving.rollout import ANSWER_SECONDS, roll_out
from mixpeek_lab.serving.running import services
from mixpeek_lab.serving.services import ServiceConfig
from mixpeek_lab.source import ExtractorSource

if TYPE_CHECKING:
    from mixpeek_lab.serving.endpoint import Endpoint


class HomeServices:
    """Deploying, calling and taking down what belongs to one home, behind an endpoint that the
    lab's namespaces share."""

    def __init__(self, endpoint: Endpoint, home: Path, namespace: str | None) -> None:
        """`namespace`: the id of another than the default one."""
        self._endpoint, self._home, self._namespace = endpoint, home, namespace

    @property
    def is_up(self) -> bool:
        """Whether the endpoint runs."""
        return self._endpoint.is_up

    @property
    def deployed(self) -> list[str]:
        """The extractor services that run, as `name@digest`, sorted: whoever deployed them."""
        if not self._endpoint.is_up:
            return []
        found = self._running().values()
        return sorted(f"{name}@{digest}" for name, digest, state, _ in found if state == "RUNNING")

    def deploy(
        self, source: ExtractorSource, name: str, *, threads: int = 1, on_gpu: bool = False
    ) -> str:
        """Deploy one version of an extractor's service, and wait until it is loaded.

        Returns its Serve application. EngineError, with the extractor's own line, where its code
        does not load in time; nothing of it stays deployed then, nor where the wait is interrupted.
        """
        endpoint = self._endpoint
        with endpoint.lock:
            endpoint.demand_up()
            ours = endpoint.config
            config = ServiceConfig(source, name, self._home, ours.backend, threads, on_gpu)
            app = config.app
            try:
                endpoint.handles[app] = endpoint.blocking(roll_out, config, ours.load_seconds)
            except BaseException as error:
                if not isinstance(error, Exception):  # interrupted: its thread goes on by itself
                    endpoint.blocking(applications.delete, app)
                raise
            return app

    def digests(self, name: str) -> set[str]:
        """The versions of an extractor whose services run: the first 12 digits of each digest."""
        if not self._endpoint.is_up:
            return set()
        return {digest for extractor, digest, *_ in self._running().values() if extractor == name}

    def retire(self, name: str, keep: Iterable[str]) -> None:
        """Take the extractor's services down but for the versions with the digests in `keep`."""
        kept = {digest[:12] for digest in keep}
        with self._endpoint.lock:
            for app, (extractor, digest, *_) in self._running().items():
                if extractor == name and digest not in kept:
                    self._take_down(app)

    def retire_all(self) -> None:
        """Take all of them down; nothing where the endpoint is down."""
        if self._endpoint.is_up:
            with self._endpoint.lock:
                for app in self._running():
                    self._take_down(app)

    def call(self, method: str, *, near: tuple[str, str] | None = None, **arguments: JSON) -> Any:
        """Call one of the backend's methods through a Serve handle, and wait.

        `near`, an extractor and its digest: in that service's replica, where it is deployed;
        otherwise in the gateway's. Errors come as the backend raised them.
        """
        endpoint = self._endpoint
        endpoint.demand_up()
        own = endpoint.handles.get(service_name(self._home, *near)) if near else None
        try:
            if own is not None:
                return endpoint.blocking(_call, own, method, arguments)
            gateway = endpoint.handles[endpoint.name]
            return endpoint.blocking(_call, gateway, method, arguments, self._namespace)
        except _DiedError as error:
            if near and own is not None:
                raise died(near[0], error) from error
            raise EngineError(f"The endpoint failed: {error}") from error

    def _running(self) -> dict[str, tuple[str, str, str, str]]:
        found: dict[str, tuple[str, str, str, str]] = self._endpoint.blocking(services, self._home)
        return found

    def _take_down(self, app: str) -> None:
        self._endpoint.blocking(applications.delete, app)
        self._endpoint.handles.pop(app, None)


class _DiedError(Exception):
    """A replica ended, or Serve could not reach one."""


def _call(
    handle: Any, method: str, arguments: Mapping[str, JSON], namespace: str | None = None
) -> Any:
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    values = (method, dict(arguments), *([namespace] if namespace else []))
    try:
        given = handle.call.remote(*values).result(timeout_s=ANSWER_SECONDS)
    except TimeoutError as error:
        raise EngineError(f"The endpoint gave no answer within {ANSWER_SECONDS:.0f} s.") from error
    except (RayError, RayServeException) as error:
        raise _DiedError(error) from error
    return answer_of(given)
