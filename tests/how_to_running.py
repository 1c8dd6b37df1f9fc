"""Runs the cells of a how-to page: one shell, one lab without Ray, a folder of its own."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from unittest import mock

from how_to_pages import ELLIPSIS, FOLDER, Block, blocks
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

OUT = re.compile(r"^Out\[\d+\]: ?\n?", re.MULTILINE)
SETTINGS = {"MIXPEEK_LAB_AUTOSTART": "0", "HF_HUB_OFFLINE": "1"}


@contextmanager
def page_shell(engine: str = "kernel") -> Iterator[InteractiveShell]:
    """A shell in an empty folder, with a lab in its kernel, or on the tests' Ray."""
    InteractiveShell.clear_instance()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(
            os.environ,
            {
                **SETTINGS,
                "MIXPEEK_LAB_ENGINE": engine,
                "MIXPEEK_LAB_HOME": f"{folder}/.mixpeek_lab",
            },
        ),
        chdir(folder),
    ):
        shell = InteractiveShell.instance(colors="nocolor")
        try:
            yield shell
        finally:
            shell.run_line_magic("unload_ext", "mixpeek_lab")
            shell.history_manager.end_session()
            InteractiveShell.clear_instance()


def run(shell: InteractiveShell, block: Block) -> str:
    """What a block prints and shows; AssertionError where it does not end as it says."""
    with capture_output() as captured:
        done = shell.run_cell(block.code)
    error = done.error_in_exec or done.error_before_exec
    ended = type(error).__name__ if error else ""
    if ended != block.raises:
        raise AssertionError(
            f"line {block.line} ends with {ended or 'no error'}: {error}\n{block.code}"
        )
    if error:
        return f"{ended}: {error}\n"
    printed = OUT.sub("", captured.stdout).strip("\n")
    texts = [each.data["text/plain"] for each in captured.outputs if "text/plain" in each.data]
    return "".join(f"{text}\n" for text in (printed, *texts) if text)


def run_page(text: str) -> dict[int, str]:
    """Run the index page's cells, then these: the line of each block → what it prints."""
    first = blocks((FOLDER / "README.md").read_text())
    with page_shell() as shell:
        for block in first:
            run(shell, block)
        return {block.line: run(shell, block) for block in blocks(text) if not block.needs}


def is_what_it_prints(shown: str, printed: str) -> bool:
    """Whether a `text` fence says what was printed."""
    parts = [re.escape(part) for part in shown.rstrip().split(ELLIPSIS)]
    return re.fullmatch(".*".join(parts), printed.rstrip(), re.DOTALL) is not None
