"""`run_tool`: FFmpeg, ImageMagick and the other command-line tools, from an extractor."""

from __future__ import annotations

import errno
import json
import math
import numbers
import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import ExtractorRunError, InvalidInputError
from mixpeek_lab.sdk.logs import get_logger
from mixpeek_lab.sdk.tool_names import command_for
from mixpeek_lab.sdk.tool_process import run_process
from mixpeek_lab.sdk.tool_results import ToolError, ToolOutput, ToolResult, ToolTimeoutError

__all__ = ["ToolError", "ToolOutput", "ToolResult", "ToolTimeoutError", "run_tool"]

_KEPT = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "PERL5LIB",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "OMP_NUM_THREADS",
)  # fmt: skip
_KEPT_PREFIXES = ("LC_", "MAGICK_", "FONTCONFIG_", "DYLD_")


def run_tool(
    tool: str, args: Sequence[str | int | float | os.PathLike[str]], timeout: float = 300
) -> ToolResult:
    """Run one of the permitted command-line tools, and wait for its end.

    Args:
        tool: ffmpeg, ffprobe, convert, identify, magick, exiftool, mediainfo, sox, soxi, REDline
            or art-cmd, by name. `magick` runs where only `convert` is installed, and the reverse.
        args: a list with one entry per argument: text, paths and numbers. No shell reads them.
        timeout: seconds. Then the tool is killed, with every process in its group.

    The tool has nothing on standard input, a small environment (PATH, HOME, the locale, devices; no
    keys or tokens), and a temporary working directory that is removed afterwards: give absolute
    paths. It is killed too when the cell is interrupted or its worker dies.

    Returns:
        A `ToolResult` with `returncode` 0, `stdout` and `stderr`: text that has the bytes as `.raw`
        and also answers `.decode()`. The first 64 MiB of stdout and the last 1 MiB of stderr are
        kept; a longer stream says so where it was cut.

    Raises:
        InvalidInputError: another tool, a string for `args`, an argument of another type.
        MissingDependencyError: it is not installed; says its Debian package or its vendor.
        ToolTimeoutError: it ran longer than `timeout`. It is a ToolError and a TimeoutError.
        ToolError: it ended with another status than 0; carries the command, the last lines of
            stderr, and the whole of the result as `.result`.
    """
    arguments = _as_arguments(tool, args)
    seconds = _as_seconds(timeout)
    command = command_for(tool, arguments)
    with tempfile.TemporaryDirectory(prefix="mixpeek-tool-", ignore_cleanup_errors=True) as folder:
        cwd, scratch = Path(folder, "work"), Path(folder, "tmp")
        cwd.mkdir()
        scratch.mkdir()
        try:
            ended = run_process(command, seconds, cwd, _environment(scratch))
        except OSError as error:
            raise _not_started(command, error) from error
        left = sorted(path.name for path in cwd.iterdir())
    if ended.returncode is None:
        result = ToolResult(command, -9, ended.stdout, ended.stderr)
        advice = "Raise timeout=, or give it less to do."
        raise ToolTimeoutError(result, f"was killed after {seconds:g} s, its time limit", advice)
    result = ToolResult(command, ended.returncode, ended.stdout, ended.stderr)
    if result.returncode:
        raise ToolError(result, advice=_about_relative_paths(arguments))
    _refuse_lost_output(result, arguments, left)
    return result


# ------------------------------------------------------------------------------ what was given


def _as_arguments(tool: str, args: object) -> list[str]:
    if isinstance(args, str):
        raise InvalidInputError(
            f"The arguments of {tool} are one string; run_tool takes a list, as no shell reads "
            f"them. Write: run_tool({_quoted(tool)}, {_as_list(args)})"
        )
    if not isinstance(args, list | tuple):
        raise InvalidInputError(
            f"The arguments of {tool} are of type {type(args).__name__}; run_tool takes a list, "
            'as in run_tool("ffmpeg", ["-y", "-i", input_path, output_path]).'
        )
    return [_as_argument(tool, position, value) for position, value in enumerate(args)]


def _as_argument(tool: str, position: int, value: Any) -> str:
    where = f"Argument {position} of {tool}"
    if isinstance(value, bytes | os.PathLike):
        value = os.fsdecode(value)
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidInputError(f"{where} contains a NUL character: {value[:80]!r}. Remove it.")
        return value
    if _is_finite_number(value):
        return str(value)
    raise InvalidInputError(
        f"{where} is {value!r:.80}, of type {type(value).__name__}. "
        "Arguments are text, paths, or finite numbers: write it as the tool expects it."
    )


def _as_list(args: str) -> str:
    try:
        words = shlex.split(args)
    except ValueError:
        words = args.split()
    return "[" + ", ".join(map(_quoted, words)) + "]"


def _quoted(text: object) -> str:
    return json.dumps(text, ensure_ascii=False, default=repr)


def _as_seconds(timeout: Any) -> float:
    if _is_finite_number(timeout) and timeout > 0:
        return float(timeout)
    raise InvalidInputError(
        f"timeout is {timeout!r}, not a positive number of seconds. Leave it out for 300."
    )


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    return math.isfinite(value)


def _environment(scratch: Path) -> dict[str, str]:
    """Little enough that no key or token of the notebook reaches a tool."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return kept | {"TMPDIR": str(scratch)}


# ------------------------------------------------------------------------------ what went wrong


def _not_started(command: list[str], error: OSError) -> Exception:
    if error.errno == errno.E2BIG:
        return InvalidInputError(
            f"{len(command) - 1} arguments are more than the system passes on. "
            "Run the tool several times, or name a file that lists the inputs."
        )
    return ExtractorRunError(
        f"{command[0]} could not be started: {error}. See that the machine has memory, file "
        "handles and processes left."
    )


def _about_relative_paths(arguments: list[str]) -> str:
    """Advice, where an argument names a file of the caller's directory that the tool is not in."""
    for argument in arguments:
        if argument and not argument.startswith(("-", os.sep)) and os.path.exists(argument):  # noqa: PTH110 - it may not be a path at all
            return (
                "run_tool works in a directory of its own: give absolute paths, "
                f"{os.path.abspath(argument)!r} for {argument!r}."  # noqa: PTH100
            )
    return ""


def _refuse_lost_output(result: ToolResult, arguments: list[str], left: list[str]) -> None:
    """Files that the tool left in its working directory are gone: an error if they were asked for.

    What nobody asked for, a log for example, is only told.
    """
    # After the colon: ImageMagick's png:name and its like.
    named = {text for given in arguments for text in (given, given.rpartition(":")[2])}
    asked = [name for name in left if any(name in Path(text).parts[:1] for text in named)]
    if asked:
        what = f"wrote {', '.join(asked)} into its own working directory, which is removed"
        raise ToolError(result, what, "Give an absolute path for what it writes.")
    if left:
        get_logger("run_tool").warning(
            "%s left %s in its working directory, which is removed. To keep such files, "
            "give it absolute paths for what it writes.",
            Path(result.args[0]).name,
            ", ".join(left[:5]) + (", …" if len(left) > 5 else ""),
        )
