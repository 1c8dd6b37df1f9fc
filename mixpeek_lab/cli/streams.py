"""Standard output for what a program reads: everything else goes to standard error meanwhile."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def output_aside(*, is_on: bool) -> Iterator[None]:
    """What this process, its children and an extractor's own code print goes to standard error."""
    if not is_on:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
