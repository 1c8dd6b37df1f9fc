"""The playground: a query box over a retriever, with sliders that re-fuse in the browser."""

from mixpeek_lab.widgets.playground.map_support import MapSupport
from mixpeek_lab.widgets.playground.support import Search, Support
from mixpeek_lab.widgets.playground.widget import Playground

__all__ = ["MapSupport", "Playground", "Search", "Support"]
