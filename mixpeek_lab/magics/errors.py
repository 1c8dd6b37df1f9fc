"""Errors in a cell: the lab's own as one message, everything else as the traceback it is."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError

from mixpeek_lab.errors import InvalidInputError, LabError, ManifestError
from mixpeek_lab.magics.helping import is_asked, misuse

F = TypeVar("F", bound=Callable[..., Any])

_SPLITTING = ("No closing quotation", "No escaped character")
"""What the standard library says of a line that cannot be split into words."""
_CELL_LINE = re.compile(r"(?<=\(cell line )\d+(?=\))")


def tells_errors(magic: F) -> F:
    """Show a LabError, a wrong line and an interruption as one message, without a traceback.

    They stay the exceptions they are, so the cell fails: "run all" stops there, and programs
    that run notebooks see an error. `%magic --help` shows what `%magic?` does. The magic is one
    that `helping.explained` made.
    """

    @functools.wraps(magic)
    def wrapped(owner: Any, line: str, *cell: str) -> Any:
        if is_asked(line, wrapped):
            print(wrapped.__doc__)  # noqa: T201
            return None
        try:
            return magic(owner, line, *cell)
        except UsageError as error:
            raise _brief(InvalidInputError(misuse(wrapped, error))) from None
        except ManifestError as error:
            told = ManifestError(below_the_magic(str(error)), error.findings)
            raise _brief(told) from None
        except (LabError, KeyboardInterrupt) as error:
            raise _brief(error) from None
        except ValueError as error:
            if str(error) not in _SPLITTING:
                raise
            name = magic.__name__
            text = f"%{name}: {error}. A quote that is opened is closed on the same line."
            raise _brief(InvalidInputError(text)) from None

    return cast("F", wrapped)


def below_the_magic(text: str) -> str:
    """The text with its cell lines as editors count them: the line of the magic is the first."""
    return _CELL_LINE.sub(lambda found: str(int(found[0]) + 1), text)


def _brief(error: BaseException) -> BaseException:
    """The error, made to render as one message: IPython asks an exception how it wants to look."""
    text = f"\x1b[31m{type(error).__name__}\x1b[39m: {error}".removesuffix(": ")
    error._render_traceback_ = lambda: [text]  # type: ignore[attr-defined]
    return error
