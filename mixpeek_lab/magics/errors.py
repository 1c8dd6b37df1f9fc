"""Errors in a cell: the lab's own as one message, everything else as the traceback it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError

from mixpeek_lab.errors import LabError

F = TypeVar("F", bound=Callable[..., Any])


def tells_errors(magic: F) -> F:
    """Show a LabError as IPython shows a UsageError: its text, without a traceback.

    The cell still fails, so that "run all" stops there.
    """

    @functools.wraps(magic)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return magic(*args, **kwargs)
        except LabError as error:
            raise UsageError(f"{type(error).__name__}: {error}") from error

    return cast("F", wrapped)
