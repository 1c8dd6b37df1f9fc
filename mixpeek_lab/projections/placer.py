"""The process that places vectors on one UMAP: a line of JSON in, a line of JSON out.

It ends with the process that started it, and after ten minutes in which nobody asked.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import numpy as np

from mixpeek_lab.projections.placing import Placing

IDLE_SECONDS = 600.0


def main(path: str) -> None:
    """Read vectors, `[0.1, …]` a line; answer `[x, y]`, or `{"error": "…"}`, for each."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    with np.load(path, allow_pickle=False) as arrays:
        placing = Placing(dict(arrays))
    end = _end_later()
    for line in sys.stdin:
        end.cancel()
        out.write(json.dumps(_answer(placing, line)) + "\n")
        end = _end_later()
    end.cancel()


def _end_later() -> threading.Timer:
    timer = threading.Timer(IDLE_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()
    return timer


def _answer(placing: Placing, line: str) -> object:
    try:
        return list(placing.place(np.asarray(json.loads(line), np.float32)))
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main(*sys.argv[1:])
