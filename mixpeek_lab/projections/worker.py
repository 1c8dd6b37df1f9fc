"""The process that works out one projection: its progress on stdout, a JSON line a step.

It ends with the process that started it, whose end of stdin closes then.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np

from mixpeek_lab.projections.computing import project
from mixpeek_lab.projections.kept import write_projection
from mixpeek_lab.projections.recipe import recipe


def main(vectors: str, place: str, asked: str) -> None:
    """Read vectors, write their projection to `place`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no progress

    def tell(what: str, share: float | None) -> None:
        out.write(json.dumps([what, share]) + "\n")

    write_projection(Path(place), project(np.load(vectors), recipe(**json.loads(asked)), tell))


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
