"""Ends what Ray leaves behind when the notebook's process is killed.

Ray's own processes end with the one that started them. Two agents of its raylet notice, and then
take a minute to tell so to a server that is gone as well.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
AGENT_FILES = ("dashboard/agent.py", "runtime_env/agent/main.py")

WAIT_AND_KILL = 'read -r _; kill -9 "$@" 2>/dev/null'


class Watchdog:
    """A shell that waits until this process is gone, however it ends, and then ends `pids`."""

    def __init__(self, pids: Iterable[int]) -> None:
        arguments = ["/bin/sh", "-c", WAIT_AND_KILL, "mixpeek-lab-watchdog", *map(str, pids)]
        # The shell reads the end of its input when this process, which holds the pipe, is gone.
        self._shell = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Ray was shut down in order: there is nothing to end any more."""
        self._shell.kill()
        self._shell.communicate()


def agents_of_raylet() -> list[int]:
    """The pids of the agents that the raylet of this process's Ray has started."""
    from ray._private.worker import _global_node

    psutil: Any = import_module("psutil")  # Ray brings it along
    raylet = _global_node.all_processes["raylet"][0].process.pid
    found = []
    for child in psutil.Process(raylet).children():
        with suppress(psutil.Error):  # it ended meanwhile
            if is_agent(child.cmdline()):
                found.append(child.pid)
    return found


def is_agent(command: Sequence[str]) -> bool:
    """Whether a command line is that of one of the raylet's agents."""
    if not command:
        return False
    return command[0].strip() in AGENTS or any(part.endswith(AGENT_FILES) for part in command)
