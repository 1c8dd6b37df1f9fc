"""What a command-line tool gave: its output, or the error that carries it."""

from __future__ import annotations

import shlex
import signal
from dataclasses import dataclass, field

from mixpeek_lab.errors import ExtractorRunError

__all__ = ["ToolError", "ToolOutput", "ToolResult", "ToolTimeoutError"]

_MOST_LINES = 10
_MOST_CHARACTERS = 400


class ToolOutput(str):
    """One output stream of a tool, as text.

    Bytes that are not UTF-8 appear as �; `raw` has them as the tool wrote them, and `decode()`
    answers as it would on bytes. Where the stream was longer than what is kept, `dropped` is the
    number of bytes left out, the text says so, and `raw` refuses.
    """

    dropped: int
    _kept: bytes

    @classmethod
    def of(cls, kept: bytes, dropped: int = 0, mark: str = "", is_tail: bool = False) -> ToolOutput:
        """From the bytes that were kept: of the stream's end if `is_tail`, else of its start."""
        text = kept.decode("utf-8", "replace")
        if dropped:
            text = f"{mark}\n{text}" if is_tail else f"{text}\n{mark}\n"
        output = cls(text)
        output._kept, output.dropped = kept, dropped
        return output

    @property
    def raw(self) -> bytes:
        """The stream's bytes. Raises ExtractorRunError where some of them were dropped."""
        if self.dropped:
            raise ExtractorRunError(
                f"The tool wrote {len(self._kept) + self.dropped} bytes, of which {self.dropped} "
                "were dropped. Let it write to a file and read that."
            )
        return self._kept

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """`raw` as text in an encoding: code that expects bytes goes through unchanged."""
        return self.raw.decode(encoding, errors)


@dataclass(frozen=True)
class ToolResult:
    """A tool that ran to its end: fields named as those of `subprocess.CompletedProcess`."""

    args: list[str]
    """The command: the tool's path, then its arguments."""
    returncode: int
    """0 in what `run_tool` returns; less than 0 in an error's: minus the signal that ended it."""
    stdout: ToolOutput = field(repr=False)
    stderr: ToolOutput = field(repr=False)

    def check_returncode(self) -> None:
        """Raises ToolError where the exit status is not 0; `run_tool` has done so already."""
        if self.returncode:
            raise ToolError(self)


class ToolError(ExtractorRunError):
    """A tool ended with a status other than 0, or left its output where nobody finds it.

    `result` (ToolResult) has its status and output; so have `returncode`, `stdout` and `stderr`.
    """

    def __init__(self, result: ToolResult, what: str = "", advice: str = "") -> None:
        super().__init__(_message(result, what or _end(result), advice))
        self.result, self.what, self.advice = result, what, advice
        self.returncode, self.stdout, self.stderr = result.returncode, result.stdout, result.stderr

    def __reduce__(self) -> tuple[type[ToolError], tuple[ToolResult, str, str]]:
        return type(self), (self.result, self.what, self.advice)


class ToolTimeoutError(ToolError, TimeoutError):
    """A tool was still running when its time was up; it and its children were killed."""


def _end(result: ToolResult) -> str:
    if result.returncode >= 0:
        return f"ended with status {result.returncode}"
    try:
        name = signal.Signals(-result.returncode).name
    except ValueError:
        name = f"signal {-result.returncode}"
    return f"was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _message(result: ToolResult, what: str, advice: str) -> str:
    name = result.args[0].rpartition("/")[2]
    parts = [f"{name} {what}.", *([advice] if advice else [])]
    parts.append(f"Command: {_clip(shlex.join([name, *result.args[1:]]), 4 * _MOST_CHARACTERS)}")
    for stream in ("stderr", "stdout"):
        lines = [line for line in getattr(result, stream).splitlines() if line.strip()]
        if lines:
            last = [f"    {_clip(line, _MOST_CHARACTERS)}" for line in lines[-_MOST_LINES:]]
            return "\n".join([*parts, f"Last lines of its {stream}:", *last])
    return "\n".join([*parts, "It printed nothing."])


def _clip(text: str, most: int) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} […] {text[-half:]}"
