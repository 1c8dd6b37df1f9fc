"""The local platform: what the REST API's resources do, one file each, over the lab's catalog."""

from mixpeek_lab.workbench.platform.lost import close_lost_work
from mixpeek_lab.workbench.platform.platform import Host, Platform

__all__ = ["Host", "Platform", "close_lost_work"]
