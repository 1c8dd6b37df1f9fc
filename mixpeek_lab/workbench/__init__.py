"""The workbench: class `Lab`, the use cases, the only place that wires the parts together."""

from mixpeek_lab.workbench.lab import Lab
from mixpeek_lab.workbench.status import Status

__all__ = ["Lab", "Status"]
