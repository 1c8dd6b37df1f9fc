"""Many API calls or downloads at once, from a processor's `process`."""

from __future__ import annotations

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    ItemsView,
    Iterable,
    KeysView,
    ValuesView,
)
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar, overload

from mixpeek_lab.sdk.io_calls import record_call

__all__ = ["IOResults", "concurrent_api_calls", "parallel_io"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class IOResults(list[Any]):
    """What `parallel_io` gave: a list with one entry per item, None where the item failed.

    It also answers as the dict `{position: result}` of the items that went through: `3 in results`
    asks for a position, and `get`, `keys` and `items` are a dict's. To go through it as a dict
    write `for i in results.keys()` or `sorted(results.keys())`: plain iteration gives results.
    `errors` maps the failed positions to their exceptions.
    """

    def __init__(self, results: Iterable[Any], errors: dict[int, Exception]) -> None:
        super().__init__(results)
        self.errors = errors

    def __contains__(self, position: object) -> bool:
        return position in self.keys()

    @overload  # type: ignore[override]
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, int | slice):
            raise TypeError(
                f"Results of parallel_io are found by position, not by {index!r}. Iterating gives "
                "the results themselves: use `for i in results.keys()` for the positions."
            )
        return super().__getitem__(index)

    def get(self, position: int, default: Any = None) -> Any:
        """The result at a position; `default` where that item failed or there is none."""
        return self._good().get(position, default)

    def keys(self) -> KeysView[int]:
        """The positions that went through, in order."""
        return self._good().keys()

    def items(self) -> ItemsView[int, Any]:
        """`(position, result)` of the items that went through, in order."""
        return self._good().items()

    def values(self) -> ValuesView[Any]:
        """The results of the items that went through, in order."""
        return self._good().values()

    def _good(self) -> dict[int, Any]:
        return {i: value for i, value in enumerate(self) if i not in self.errors}

    def __reduce__(self) -> tuple[type[IOResults], tuple[list[Any], dict[int, Exception]]]:
        return IOResults, (list(self), self.errors)


def parallel_io(
    items: Iterable[Item],
    fn: Callable[[Item], Any] | None = None,
    max_workers: int = 8,
    *,
    process_fn: Callable[[Item], Any] | None = None,
) -> IOResults:
    """Call `fn` (also called `process_fn`) on every item, in up to `max_workers` threads.

    An item that fails does not stop the others: its entry is None and its exception is in
    `.errors`. The first is logged; in a run it is in the report, and the row is tried again in the
    next.
    """
    given, function = list(items), fn or process_fn
    if function is None:
        raise TypeError("What is to be done with the items? parallel_io(items, fn, max_workers)")
    if max_workers < 1:
        raise ValueError(f"max_workers is {max_workers!r}, not a positive whole number.")
    results: list[Any] = [None] * len(given)
    errors: dict[int, Exception] = {}

    def work(position: int) -> None:
        try:
            results[position] = function(given[position])
        except Exception as error:  # noqa: BLE001 - one bad item must not take the others down
            errors[position] = error

    # Threads work in the caller's context: it says whose lab the code belongs to.
    contexts = [copy_context() for _ in given]
    with ThreadPoolExecutor(max_workers, thread_name_prefix="parallel-io") as pool:
        list(pool.map(lambda i: contexts[i].run(work, i), range(len(given))))
    record_call("parallel_io", len(given), errors)
    return IOResults(results, dict(sorted(errors.items())))


def concurrent_api_calls(
    items: Iterable[Item],
    async_fn: Callable[[Item], Awaitable[Result]],
    max_concurrent: int = 10,
) -> list[Result | None]:
    """Await `async_fn` on every item, at most `max_concurrent` at a time.

    Returns the results in the items' order, None for one that failed. The first error is logged;
    in a run it is in the report, and the row is tried again in the next. Works where an event loop
    is running, as in a notebook.
    """
    if max_concurrent < 1:
        raise ValueError(f"max_concurrent is {max_concurrent!r}, not a positive whole number.")
    return _run(_gather(list(items), async_fn, max_concurrent))


async def _gather(
    items: list[Item], async_fn: Callable[[Item], Awaitable[Result]], most: int
) -> list[Result | None]:
    gate = asyncio.Semaphore(most)
    errors: dict[int, Exception] = {}

    async def call(position: int, item: Item) -> Result | None:
        async with gate:
            try:
                return await async_fn(item)
            except Exception as error:  # noqa: BLE001 - one bad item must not take the others down
                errors[position] = error
                return None

    results = await asyncio.gather(*(call(i, item) for i, item in enumerate(items)))
    record_call("concurrent_api_calls", len(items), errors)
    return list(results)


def _run(work: Coroutine[Any, Any, list[Result | None]]) -> list[Result | None]:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # A loop cannot be entered twice: a thread of its own gets a loop of its own.
    with ThreadPoolExecutor(1, thread_name_prefix="api-calls") as pool:
        return pool.submit(copy_context().run, asyncio.run, work).result()
