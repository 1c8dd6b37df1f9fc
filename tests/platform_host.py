"""The platform in the test's own process, without Ray: the test takes the worker's steps itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platform_client import Client
from starlette.testclient import TestClient

from mixpeek_lab.api import create_app
from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import EngineError, ExtractorRunError
from mixpeek_lab.loader import load_service
from mixpeek_lab.serving.importing import load
from mixpeek_lab.workbench.backend import Backend
from mixpeek_lab.workbench.engines import KernelEngine
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.processing import Processing

TOKEN = "a token"


class Host:
    """Serve and the worker, in this process: `work` does what waits."""

    def __init__(self, home: Path) -> None:
        self._home, self.catalog = Home.open(home), Catalog(home / "catalog.sqlite")
        self.others: dict[Path, Host] = {}
        self.states: dict[tuple[str, str], tuple[str, str]] = {}
        engine = KernelEngine(home)
        self._processing = Processing(self.catalog, self._home, engine)

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        source = self.catalog.extractor(name, digest=digest).source
        return await load_service(source, self._home.path).infer(inputs, parameters)

    def wake(self) -> None:
        """Nobody works by himself here."""

    def apart(self, function: str, *values: Any) -> Any:
        return load(function)(*values)

    def services(self) -> Mapping[tuple[str, str], tuple[str, str]]:
        return self.states

    def take_down(self, name: str, digest: str) -> None:
        self.states.pop((name, digest[:12]), None)

    def within(self, home: Path) -> Host:
        """The services and the work of another namespace."""
        if home not in self.others:
            self.others[home] = Host(home)
        return self.others[home]

    def work(self) -> int:
        """Do all tasks that wait. Returns how many there were."""
        count = 0
        while self._processing.step():
            count += 1
        return count


def client_of(home: Path, host: Host | LocalServices) -> Client:
    """A client of the platform in `home`."""
    app = create_app(Backend(home, host), TOKEN)
    http = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    return Client(http, TOKEN)


class LocalServices:
    """Extractor services in this process: what Ray Serve's handles are to the gateway."""

    def __init__(self, home: Path) -> None:
        self._home, self._catalog = home, Catalog(home / "catalog.sqlite")
        self.is_up = True

    async def infer(
        self, name: str, digest: str, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        if not self.is_up:
            raise EngineError("not deployed")
        if inputs.get("text") == "FAIL":
            raise ExtractorRunError("realtime.py:8: ValueError: cannot embed")
        if inputs.get("text") == "BUG":
            raise ZeroDivisionError("a secret of the lab's own")
        source = self._catalog.extractor(name, digest=digest).source
        return await load_service(source, self._home).infer(inputs, parameters)

    def services(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {}
