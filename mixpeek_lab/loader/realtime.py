"""The realtime service of an extractor, in whichever dialect its `realtime.py` is written."""

from __future__ import annotations

import ast
import asyncio
import inspect
import math
import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, TypeVar

from mixpeek_lab.errors import ExtractorLoadError, ExtractorRunError
from mixpeek_lab.homes import in_home
from mixpeek_lab.loader.loops import ServiceLoop
from mixpeek_lab.loader.modules import load_module
from mixpeek_lab.loader.places import run_failure
from mixpeek_lab.loader.roles import SERVICE_METHODS, service_class
from mixpeek_lab.loader.schemas import Schema, load_schemas
from mixpeek_lab.models import JSON
from mixpeek_lab.roles import class_roles
from mixpeek_lab.sdk import BaseInferenceService, InferenceService
from mixpeek_lab.sdk.once import Once
from mixpeek_lab.source import ExtractorSource

T = TypeVar("T")

FILE = "realtime.py"
FACTORY = "get_inference_service"

MOST_AT_ONCE = 8
"""Requests of one stage that a service is sent at the same time."""


def load_service(source: ExtractorSource, home: Path) -> RealtimeService:
    """Import `realtime.py` and make its service. Models load on the first request.

    Takes a factory `get_inference_service(**kwargs)`, or the class: on InferenceService or
    BaseInferenceService, or with `run_inference`, `infer`, `_process_single`, `predict(request)`
    or `__call__`. Raises ExtractorLoadError where there is none, ExtractorRunError where its
    constructor fails.
    """
    if FILE not in source.paths:
        raise ExtractorLoadError(
            f"{source.name} has no {FILE}, so it cannot answer queries. "
            "Add one with an InferenceService, and give it the model that the processor uses."
        )
    module = load_module(source, "realtime", Path(home))
    maker = getattr(module, FACTORY, None) or service_class(module, source, FILE)
    if maker is None:
        raise ExtractorLoadError(
            f"{source.name}: no service in {FILE}. {_undecorated(source)}Write a class on "
            "InferenceService with `async def infer(self, inputs, parameters)`."
        )
    try:
        with in_home(Path(home)):
            service = maker(config={}) if _needs_config(maker) else maker()
    except Exception as error:
        raise run_failure(source, f"{maker.__name__}()", error) from error
    return RealtimeService(
        source, service, home=Path(home), parameters=load_schemas(source, Path(home)).parameters
    )


class RealtimeService:
    """One way to ask any service: `infer` in an event loop, `infer_sync` anywhere.

    A service written as plain functions runs in a thread of its own, one request after another:
    the loop that asks goes on meanwhile. An `async def` runs in the asker's own loop.
    """

    def __init__(
        self,
        source: ExtractorSource,
        service: Any,
        *,
        home: Path | None = None,
        parameters: Schema | None = None,
    ) -> None:
        self._source, self._service = source, service
        self._home, self._schema = home, parameters
        self._method, self._is_async = _method(source, service)
        self._loop: ServiceLoop | None = None
        self._lock = threading.Lock()
        self._is_prepared = not isinstance(service, InferenceService)

    def prepare(self) -> None:
        """Run a typed service's `setup()` now, not with the first request.

        Other dialects have no such method, and load what they need when they are asked.
        Raises ExtractorRunError where it fails.
        """
        if not isinstance(self._service, InferenceService):
            return
        if self._is_async:
            self._set_up(self._service)
        else:  # what belongs to a thread, as SQLite's connections do, is made where it is used
            self._own_loop().run(_called(partial(self._set_up, self._service)))

    def prepare_sync(self) -> bool:
        """The same in the loop that `infer_sync` asks in, waited for; whether there was anything
        to wait for.
        """
        if self._is_prepared:
            return False
        self._own_loop().run(_called(partial(self._set_up, self._service)))
        self._is_prepared = True
        return True

    async def infer(
        self, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON] | None = None
    ) -> dict[str, Any]:
        """The service's answer. Raises ExtractorRunError where it fails or is no dict.

        InvalidInputError for parameters that `parameter_schema` refuses; none is required here.
        """
        work = self._answer(inputs, parameters)
        if self._is_async:
            return await work
        return await asyncio.wrap_future(self._own_loop().submit(work))

    async def check_health(self) -> None:
        """Ask the service's own `check_health()`, if it has that hook of Ray Serve's.

        Raises ExtractorRunError where that fails.
        """
        hook = getattr(self._service, "check_health", None)
        if not callable(hook):
            return
        work = self._checked(hook)
        if self._is_async:
            await work
        else:
            await asyncio.wrap_future(self._own_loop().submit(work))

    def infer_sync(
        self, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON] | None = None
    ) -> dict[str, Any]:
        """The same, waited for. Works where an event loop is running, as in a notebook.

        All calls share one event loop in a thread of its own: clients that the service opened in
        one call are good in the next.
        """
        return self._own_loop().run(self._answer(inputs, parameters))

    def infer_all_sync(
        self,
        requests: Sequence[Mapping[str, JSON]],
        parameters: Mapping[str, JSON] | None = None,
    ) -> list[dict[str, Any]]:
        """The answers to several requests, in their order: an `async def` gets a few at a time.

        Raises what the first failure raises, and asks no further.
        """
        return self._own_loop().run(self._answers(requests, parameters))

    async def _answers(
        self, requests: Sequence[Mapping[str, JSON]], parameters: Mapping[str, JSON] | None
    ) -> list[dict[str, Any]]:
        if not self._is_async:
            return [await self._answer(inputs, parameters) for inputs in requests]
        return await gathered([partial(self._answer, inputs, parameters) for inputs in requests])

    async def _answer(
        self, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON] | None
    ) -> dict[str, Any]:
        if parameters and self._schema is not None:
            self._schema.demand(parameters, partial=True)
        try:
            with in_home(self._home):
                answer = self._method(dict(inputs), dict(parameters or {}))
                if inspect.isawaitable(answer):
                    answer = await answer
        except ExtractorRunError:
            raise
        except (Exception, SystemExit) as error:  # sys.exit() would end the loop, not the process
            raise run_failure(self._source, "the realtime service", error) from error
        if not isinstance(answer, Mapping):
            raise ExtractorRunError(
                f"{self._source.name}: {FILE} answered with {type(answer).__name__}, not a dict. "
                'Return what its inference_type asks for, such as {"embedding": [float, …]}.'
            )
        return dict(answer)

    async def _checked(self, hook: Callable[[], Any]) -> None:
        try:
            with in_home(self._home):
                answer = hook()
                if inspect.isawaitable(answer):
                    await answer
        except (Exception, SystemExit) as error:
            raise run_failure(self._source, "check_health()", error) from error

    def _set_up(self, service: InferenceService) -> None:
        try:
            with in_home(self._home):
                service.ensure_setup()
        except (Exception, SystemExit) as error:
            raise run_failure(self._source, "setup()", error) from error

    def _own_loop(self) -> ServiceLoop:
        with self._lock:
            if self._loop is None or not self._loop.is_free:
                self._loop = ServiceLoop()
                weakref.finalize(self, self._loop.close)
            return self._loop


async def gathered(work: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """What each gives, in order, at most MOST_AT_ONCE under way. The first failure ends all."""
    gate = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(start: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await start()

    tasks = [asyncio.ensure_future(one(start)) for start in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _called(function: Callable[[], T]) -> T:
    return function()


def _undecorated(source: ExtractorSource) -> str:
    """What to do where a decorator made something else of a class that is a service."""
    tree = ast.parse(source.text(FILE) or "")
    for name, found in class_roles(tree).items():
        node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
        if found.role == "service" and node.decorator_list and name[0] != "_":
            decorator = ast.unparse(node.decorator_list[0])
            return f"`@{decorator}` makes {name} no class any more: remove the decorator. "
    return ""


def _needs_config(maker: Callable[..., Any]) -> bool:
    try:
        config = inspect.signature(maker).parameters.get("config")
    except (TypeError, ValueError):
        return False
    return config is not None and config.default is config.empty


def _method(source: ExtractorSource, service: Any) -> tuple[Callable[..., Any], bool]:
    """What to call with `(inputs, parameters)`, and whether its author wrote it `async`."""
    for base, names in _WRITTEN.items():
        if isinstance(service, base):
            own = [n for n in names if getattr(type(service), n) is not getattr(base, n)]
            name = own[0] if own else names[-1]
            return _bound(service, "__call__", None), iscoroutinefunction(getattr(service, name))
    once = Once()
    setup = getattr(service, "setup", None)
    for name in SERVICE_METHODS:
        if callable(getattr(service, name, None)):
            start = (lambda: once(setup)) if name == "infer" and callable(setup) else None
            return _bound(service, name, start), iscoroutinefunction(getattr(service, name))
    raise ExtractorLoadError(
        f"{source.name}: {FACTORY} gave {type(service).__name__}, "
        f"which has none of {', '.join(SERVICE_METHODS)}."
    )


_WRITTEN: Mapping[type, tuple[str, ...]] = {
    InferenceService: ("__call__", "infer"),
    BaseInferenceService: ("__call__", "run_inference", "_process_single"),
}
"""What the SDK's services leave to their authors; the first that one overrides is what runs."""


def _bound(service: Any, name: str, start: Callable[[], None] | None) -> Callable[..., Any]:
    method = getattr(service, name)
    is_request = name == "predict"
    takes = 1 if is_request else _positional(method)

    def call(inputs: dict[str, JSON], parameters: dict[str, JSON]) -> Any:
        if start is not None:
            start()
        if is_request:
            return method({**inputs, "inputs": inputs, "parameters": parameters})
        return method(inputs, parameters) if takes > 1 else method(inputs)

    return call


def _positional(method: Callable[..., Any]) -> float:
    """How many positional arguments a method takes."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return 2
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return math.inf
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
