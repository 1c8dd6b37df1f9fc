"""Loading an extractor from its source: modules, processors, pipeline steps, realtime service."""

from __future__ import annotations

from mixpeek_lab.loader.classes import ClassRef
from mixpeek_lab.loader.modules import load_module
from mixpeek_lab.loader.pipelines import BuiltPipeline, build_steps
from mixpeek_lab.loader.realtime import RealtimeService, gathered, load_service, query_vector
from mixpeek_lab.loader.steps import ProcessorStep

__all__ = [
    "BuiltPipeline",
    "ClassRef",
    "ProcessorStep",
    "RealtimeService",
    "build_steps",
    "gathered",
    "load_module",
    "load_service",
    "query_vector",
]
