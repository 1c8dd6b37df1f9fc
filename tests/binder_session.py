"""A Binder session on this machine: JupyterLab's server, and a kernel that runs a notebook.

    python tests/binder_session.py NOTEBOOK OUTPUT

Prints the most memory that the server, the kernel and what they started held together, in MB of
2**20 bytes, pages they share counted once (PSS).
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

SERVER = ("-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0")


class Peak:
    """Watches the memory of the processes below this one while the block runs."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.2):
            below = psutil.Process().children(recursive=True)
            self.mb = max(self.mb, sum(map(_held, below)) / 2**20)


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has just ended
        return 0


def main() -> None:
    """Run the notebook beside a server, and say what both took."""
    source, target = map(Path, sys.argv[1:])
    notebook = nbformat.read(source, as_version=4)
    server = subprocess.Popen([sys.executable, *SERVER], stderr=subprocess.DEVNULL)
    try:
        with Peak() as peak:
            resources = {"metadata": {"path": str(source.parent)}}
            NotebookClient(notebook, timeout=300, resources=resources).execute()
        if server.poll() is not None:
            raise RuntimeError("JupyterLab's server is gone: it did not count")
    finally:
        server.terminate()
        server.wait()
    nbformat.write(notebook, target)
    print(f"{peak.mb:.0f}")


if __name__ == "__main__":
    main()
