"""What JupyterLab's sidebar asks of the kernel, and what it is told unasked.

The kernel opens one comm of the fixed id `ANNOUNCEMENT`: a front end that finds it knows that a lab
is here, and is told on it that something changed. Requests come on comms of their own, which front
ends open to the same target, so that ipykernel can answer them beside a running cell. Requests and
replies are those of `mixpeek_lab.widgets.messages`.
"""

from __future__ import annotations

from mixpeek_lab.sidebar.connection import ANNOUNCEMENT, TARGET, Connection

__all__ = ["ANNOUNCEMENT", "TARGET", "Connection"]
