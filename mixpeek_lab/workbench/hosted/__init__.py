"""Another platform over HTTP: pushing versions there, and pulling them from there."""

from mixpeek_lab.workbench.hosted.hosted import Hosted
from mixpeek_lab.workbench.hosted.pulling import Pulled
from mixpeek_lab.workbench.hosted.pushing import Pushed
from mixpeek_lab.workbench.hosted.wire import Patience

__all__ = ["Hosted", "Patience", "Pulled", "Pushed"]
